/** Processes that stand still for a while: a suspended machine, a frozen function of a serverless platform. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { listen } from './support/network';
import { destination, environment, ROOT } from './support/run';

/**
 * Passes connections on to a port. Connections that are cut stay open and carry nothing any more, in neither
 * direction: that is what a network does to them while a process stands still.
 */
async function cuttable(to: number) {
  const open = new Map<Socket, Socket>();
  const server = createServer((socket) => {
    const onward = connect(to, '127.0.0.1');
    open.set(socket, onward);
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  const listener = await listen(server);
  return {
    ...listener,
    /** Cuts all connections; returns how many there are. */
    cut() {
      for (const [socket, onward] of open) {
        socket.unpipe(onward);
        onward.unpipe(socket);
        // What arrives is thrown away, and acknowledged by the system, as by a middlebox.
        socket.resume();
        onward.resume();
      }
      return open.size;
    },
  };
}

const PROGRAM = `
  const { initLogger, traced, flush } = require('flue-braintrust');
  const { once } = require('node:events');
  initLogger();
  (async () => {
    traced(() => {}, { name: 'before' });
    await flush();
    console.log('warm');
    await once(process.stdin, 'data');
    traced(() => {}, { name: 'after' });
    ENDING
  })();
`;

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

const unixTest = process.platform === 'win32' ? test.skip : test;

unixTest.each([
  ['process.exit', 'process.exit(0);'],
  ['the natural end', 'process.stdin.destroy();'],
  ['an uncaught error', "throw new Error('boom');"],
  ['a flush', 'await flush(); process.stdin.destroy();'],
])(
  'a connection that dies while the process stands still costs no row, at the end by %s',
  async (_, ending) => {
    const network = await cuttable(Number(new URL(collector.url).port));
    const url = `http://127.0.0.1:${network.port}`;
    const child = spawn(process.execPath, ['-e', PROGRAM.replace('ENDING', ending)], {
      cwd: ROOT,
      env: environment(destination({ url })),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    try {
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
      await once(child.stdout, 'data');
      child.kill('SIGSTOP');
      expect(network.cut()).toBeGreaterThan(0);
      child.stdin.write('go');
      child.kill('SIGCONT');
      await once(child, 'close');
      const names = collector.rows().map(({ span_attributes: look }: any) => look.name);
      expect(names.toSorted()).toEqual(['after', 'before']);
      expect(stderr).not.toContain('[flue-braintrust]');
    } finally {
      child.kill('SIGKILL');
      await network.close();
    }
  },
);
