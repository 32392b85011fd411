import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCollector } from '../tools/collector';
import { destination, NODE, ROOT } from './support/run';

/** How long a process waits at most for its delivery, in milliseconds, and how long it is stopped meanwhile. */
const TIMEOUT_MS = 8000;
const STOPPED_MS = 9000;

const ROWS = 10;
const LOG = `for (let n = 0; n < ${ROWS}; n++) logger.log({ input: 'in ' + n });`;

/** How a process ends, and the outcome that it prints. */
const ENDS = {
  'natural end': [LOG, ''],
  exit: [`${LOG} process.exit();`, ''],
  flush: [`${LOG} logger.flush({ timeoutMs: ${TIMEOUT_MS} }).then(show);`, 'true\n'],
  close: [`${LOG} logger.close({ timeoutMs: ${TIMEOUT_MS} }).then(show);`, 'true\n'],
} as const;

/** Runs a process that is stopped once it has asked its server for a login: what it prints, and which rows arrive. */
async function runStopped(end: string) {
  let child: ChildProcess | undefined;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    child?.kill('SIGSTOP');
    await sleep(STOPPED_MS);
    child?.kill('SIGCONT');
  };
  const collector = await startCollector({
    intercept: ({ path }) => {
      if (path.endsWith('/login')) stopped ??= stop();
      return {};
    },
  });
  try {
    const program = `
      const { initLogger } = require(${JSON.stringify(ROOT)});
      const logger = initLogger();
      const show = ({ complete }) => console.log(complete);
      ${end}`;
    child = spawn(NODE, ['-e', program], {
      env: {
        ...destination(collector),
        FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: String(TIMEOUT_MS),
        PATH: process.env.PATH,
      },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (text) => (stdout += text));
    child.stderr?.on('data', (text) => (stderr += text));
    await once(child, 'close');
    const inputs = new Set(collector.rows().map(({ input }) => input));
    return { wasStopped: stopped !== undefined, stdout, stderr, inputs: inputs.size };
  } finally {
    child?.kill('SIGKILL');
    await stopped;
    await collector.close();
  }
}

(process.platform === 'win32' ? test.skip : test)(
  'a process that is stopped for longer than it waits delivers once it runs on',
  async () => {
    const ended = Object.entries(ENDS).map(async ([name, [end]]) => [name, await runStopped(end)]);
    const expected = Object.entries(ENDS).map(([name, [, stdout]]) => [
      name,
      { wasStopped: true, stdout, stderr: '', inputs: ROWS },
    ]);
    expect(await Promise.all(ended)).toEqual(expected);
  },
);
