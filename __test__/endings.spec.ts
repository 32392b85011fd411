import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { activities } from './support/activities';
import { faults } from './support/activity-faults';
import { destination, readEvents, runAgent, withDirectory } from './support/run';

const REPLY = 'The orchid house is at 17.5 °C.\n';
const RUNS = 50;
/** Two at a time: the machines that run this have two cores. */
const AT_ONCE = 2;

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

/** Runs the agent; returns how it ended, the spans that it should deliver, and the delay at exit. */
async function ending(how: Parameters<typeof runAgent>[0]) {
  return withDirectory(async (directory) => {
    const files = {
      EXPECT_FILE: join(directory, 'events'),
      TIMING_FILE: join(directory, 'timing'),
    };
    const ended = await runAgent(how, { ...destination(collector), ...files });
    const expected = activities(readEvents(files.EXPECT_FILE));
    const { delayMs } = JSON.parse(readFileSync(files.TIMING_FILE, 'utf8'));
    return { ...ended, expected, delayMs: delayMs as number };
  });
}

test.each(['natural', 'flush', 'exit'] as const)(
  'nothing is lost when the process ends by: %s',
  async (how) => {
    const { code, stdout, stderr, expected } = await ending(how);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: REPLY, stderr: '' });
    expect(expected.map(({ name }) => name)).toEqual([
      'flue.prompt',
      'llm:moss-1',
      'tool:read_thermometer',
      'llm:moss-1',
    ]);
    expect(faults(expected, collector.rows())).toEqual([]);
  },
);

test.each([
  ['throw', 'thrown after the reply'],
  ['reject', 'rejected after the reply'],
] as const)('nothing is lost when the process ends by: %s', async (how, message) => {
  const { code, stdout, stderr, expected } = await ending(how);
  expect({ code, stdout }).toEqual({ code: 1, stdout: REPLY });
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('flue-braintrust]');
  expect(faults(expected, collector.rows())).toEqual([]);
});

test(`${RUNS} runs that call process.exit(0) right after the reply lose no span`, async () => {
  const delays: number[] = [];
  let expectedSpans = 0;
  const wrong: string[] = [];

  const runOne = async () => {
    const { code, expected, delayMs } = await ending('exit');
    if (code !== 0) wrong.push(`exit code ${code}`);
    expectedSpans += expected.length;
    delays.push(delayMs);
    const ids = new Set(expected.flatMap(({ ids }) => ids['flue.operation_id'] ?? []));
    const own = collector
      .traces()
      .filter(({ spans }) =>
        spans.some(({ row }: any) => ids.has(row.metadata['flue.operation_id'])),
      )
      .flatMap(({ spans }) => spans.map(({ row }) => row));
    wrong.push(...faults(expected, own));
  };
  const worker = async (runs: number) => {
    for (let done = 0; done < runs; done++) await runOne();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, () => worker(RUNS / AT_ONCE)));

  const [median] = delays.toSorted((a, b) => a - b).slice(RUNS / 2);
  process.stdout.write(
    `${RUNS} exits: ${collector.rows().length} of ${expectedSpans} spans delivered, ` +
      `median delay at exit ${median?.toFixed(1)} ms\n`,
  );
  expect(wrong).toEqual([]);
  expect(collector.rows()).toHaveLength(expectedSpans);
});
