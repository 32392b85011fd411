import { startCollector } from '../tools/collector';
import { destination, run } from './support/run';

/** How many runs arrived whole, and how the process ended. */
async function ended(...how: string[]) {
  const collector = await startCollector();
  try {
    const ending = await run(['__test__/fixtures/workers.mjs', ...how], destination(collector));
    const whole = collector.rows().filter(({ input, output, metrics }) => {
      const { start, end } = metrics as { start?: number; end?: number };
      return output === 'up' && input === undefined && start !== undefined && end !== undefined;
    });
    return { ...ending, runs: whole.length };
  } finally {
    await collector.close();
  }
}

const ENDINGS = [
  ['worker', 'natural', 'natural'],
  ['worker', 'natural', 'exit'],
  ['worker', 'exit', 'natural'],
  ['worker', 'exit', 'exit'],
  ['worker', 'terminate', 'natural'],
  ['worker', 'terminate', 'exit'],
  ['worker', 'terminate', 'exit at once'],
  ['cluster', 'natural', 'natural'],
  ['cluster', 'exit', 'exit'],
  ['fork', 'natural', 'natural'],
  ['fork', 'exit', 'exit'],
] as const;

test.each(ENDINGS)('nothing is lost: %s ends by %s, the main thread by %s', async (...how) => {
  const { code, signal, stderr, runs } = await ended(...how);
  // A main thread that ends at once has recorded nothing itself.
  const expected = how[2] === 'exit at once' ? 50 : 100;
  expect({ code, signal, stderr, runs }).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    runs: expected,
  });
});

/** How long the termination of a worker takes whose loggers wait for a server that hangs, in milliseconds. */
const TERMINATED = `
  const { once } = require('node:events');
  const { Worker } = require('node:worker_threads');
  require('flue-braintrust');
  const worker = \`
    const { initLogger } = require('flue-braintrust');
    const { parentPort, workerData } = require('node:worker_threads');
    for (let logger = 0; logger < workerData; logger++) {
      initLogger({ projectName: 'project ' + logger, exitTimeoutMs: 2000 }).log({ input: 'waits' });
    }
    parentPort.postMessage('ready');
    setInterval(() => {}, 1000);\`;
  const terminated = async (loggers) => {
    const running = new Worker(worker, { eval: true, workerData: loggers });
    await once(running, 'message');
    const began = performance.now();
    await running.terminate();
    return performance.now() - began;
  };
  (async () => console.log(JSON.stringify([await terminated(1), await terminated(3)])))();`;

test('a server that hangs delays the termination of a worker once, however many loggers it has', async () => {
  const collector = await startCollector({ intercept: () => ({ hang: true }) });
  try {
    const { code, stdout } = await run(['-e', TERMINATED], destination(collector));
    expect(code).toBe(0);
    const [one, three] = JSON.parse(stdout);
    expect(one).toBeGreaterThan(1900);
    expect(three).toBeGreaterThan(1900);
    expect(three).toBeLessThan(2 * one);
  } finally {
    await collector.close();
  }
});

/**
 * Prints when it begins to exit, with so many workers whose rows wait for a server that hangs: for three seconds, far longer
 * than the threads take to end on a busy machine.
 */
const EXITS = `
  const { once } = require('node:events');
  const { Worker } = require('node:worker_threads');
  const { initLogger } = require('flue-braintrust');
  const [workers, how, main] = process.argv.slice(1);
  const worker = \`
    const { initLogger } = require('flue-braintrust');
    initLogger({ exitTimeoutMs: 3000 }).log({ input: 'waits' });
    require('node:worker_threads').parentPort.postMessage('ready');
    \${how === 'busy' ? 'for (;;) {}' : 'setInterval(() => {}, 1000);'}\`;
  if (main === 'logs') initLogger({ exitTimeoutMs: 3000 }).log({ input: 'waits' });
  const ready = Array.from({ length: Number(workers) }, () => once(new Worker(worker, { eval: true }), 'message'));
  Promise.all(ready).then(() => {
    console.log(Date.now());
    process.exit(0);
  });`;

test.each(['idle', 'busy'])(
  'a server that hangs delays the exit of a process once, however many %s workers it has',
  async (how) => {
    const collector = await startCollector({ intercept: () => ({ hang: true }) });
    try {
      const exit = async (workers: number, main: string) => {
        const args = ['-e', EXITS, String(workers), how, main];
        const { code, stdout, stderr } = await run(args, destination(collector));
        const ms = Date.now() - Number(stdout);
        return { code, losses: stderr.split('1 row is lost').length - 1, ms };
      };
      const one = await exit(1, 'is silent');
      expect(one).toMatchObject({ code: 0, losses: 1 });
      const six = await exit(6, 'is silent');
      expect(six).toMatchObject({ code: 0, losses: 6 });
      expect(six.ms).toBeLessThan(3 * one.ms);
      const seven = await exit(6, 'logs');
      expect(seven).toMatchObject({ code: 0, losses: 7 });
      expect(seven.ms).toBeLessThan(3 * one.ms);
    } finally {
      await collector.close();
    }
  },
);
