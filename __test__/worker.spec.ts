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
