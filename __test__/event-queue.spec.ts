import { createServer } from 'node:http';
import { toJson } from '../js/json/json-string';
import { loadNative } from '../js/native-loader';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { listen } from './support/network';
import { NO_LOSS } from './support/run';

const { Priority, Recorder } = loadNative();

const settings = ({ url }: Collector) =>
  toJson({ options: { apiKey: 'k', appUrl: url, apiUrl: url }, env: {}, file: {} });

/** A run's events: its start has the input, its end the result. */
const runOf = (number: number, input: unknown, result: unknown) => {
  const run = { runId: `run_${number}`, workflowName: 'w', timestamp: 1_780_000_000_000 + number };
  return [
    JSON.stringify({ type: 'run_start', ...run, input }),
    JSON.stringify({ type: 'run_end', ...run, isError: false, durationMs: 1, result }),
  ] as const;
};

/** Records the start and the end of each run. */
function recordRuns(
  recorder: InstanceType<typeof Recorder>,
  runs: readonly (readonly [string, string])[],
) {
  for (const [start, end] of runs) {
    expect(recorder.record(start, Priority.Start, false)).toBe(true);
    expect(recorder.record(end, Priority.Continuation, false)).toBe(true);
  }
}

/** In the order of their run ids. */
const byRun = (rows: unknown[][]) =>
  rows.toSorted(([one], [other]) => String(one).localeCompare(String(other)));

/** The input and the output of each run at a collector. */
const stored = (collector: Collector) =>
  byRun(
    collector
      .rows()
      .map(({ metadata, input, output }) => [(metadata as any)['flue.run_id'], input, output]),
  );

/** Runs `work` with a collector and a recorder that delivers to it. */
async function withRecorder(
  work: (made: { collector: Collector; recorder: InstanceType<typeof Recorder> }) => unknown,
) {
  const collector = await startCollector();
  const recorder = new Recorder(settings(collector));
  try {
    await work({ collector, recorder });
  } finally {
    await recorder.close(5000);
    await collector.close();
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

test('an event counts at once', () =>
  withRecorder(async ({ collector, recorder }) => {
    recordRuns(
      recorder,
      numbers(40).map((number) => runOf(number, 'i', 'o')),
    );
    expect(JSON.parse(recorder.stats()).events).toBe(80);
    expect(recorder.isIdle()).toBe(false);
    await recorder.flush(10_000);
    expect(stored(collector)).toEqual(byRun(numbers(40).map((n) => [`run_${n}`, 'i', 'o'])));
  }));

test('short and long events arrive in the order in which they were recorded', () =>
  withRecorder(async ({ collector, recorder }) => {
    // An end that came before its start would make no span, or one without input.
    const texts = ['i', 'x'.repeat(800), 'y'.repeat(5000), 'z'.repeat(1024)];
    const text = (number: number) => texts[number % texts.length];
    const runs = numbers(300).map((number) => runOf(number, text(number), text(number >> 2)));
    recordRuns(recorder, runs);
    await recorder.flush(20_000);
    const expected = numbers(300).map((n) => [`run_${n}`, text(n), text(n >> 2)]);
    expect(stored(collector)).toEqual(byRun(expected));
    expect(JSON.parse(recorder.stats())).toMatchObject({ accepted: 300, sent: 300, lost: NO_LOSS });
  }));

test.each(['', 'é', '⚓️ 𝄞', '\ud834', '\udd1e\ud834', '\0 and \u0001', '\u2028"\\'])(
  'the text %j arrives at any length, with a mark for half a surrogate pair',
  (text) =>
    withRecorder(async ({ collector, recorder }) => {
      const texts = [1, 1000, 4096, 10_000].map((times) => text.repeat(times));
      recordRuns(
        recorder,
        texts.map((input, number) => runOf(number, input, { input })),
      );
      await recorder.flush(10_000);
      const expected = texts.map((input) => Buffer.from(input).toString());
      const arrived = stored(collector).map(([, input, output], n) => [
        input === expected[n],
        (output as any).input === expected[n],
      ]);
      expect(arrived).toEqual(texts.map(() => [true, true]));
    }),
);

test('an event after `close` is refused and counted', () =>
  withRecorder(async ({ recorder }) => {
    recordRuns(recorder, [runOf(1, 'i', 'o'), runOf(2, 'i', 'o')]);
    await recorder.close(10_000);
    expect(recorder.record(runOf(3, 'i', 'o')[0], Priority.Start, false)).toBe(false);
    const { accepted, sent, lost } = JSON.parse(recorder.stats());
    expect({ accepted, sent, lost }).toEqual({ accepted: 3, sent: 2, lost: { closed: 1 } });
  }));

test('the queue keeps its bound while events come steadily and the server does not answer', async () => {
  const silent = await listen(createServer(() => {}));
  const url = `http://127.0.0.1:${silent.port}`;
  const maxQueueBytes = 1024 * 1024;
  const options = { apiKey: 'k', appUrl: url, apiUrl: url, maxQueueBytes };
  const recorder = new Recorder(toJson({ options, env: {}, file: {} }));
  try {
    const runs = numbers(1500).map((number) => runOf(number, 'i', 'o'.repeat(850)));
    const rest = () => new Promise((resolve) => setTimeout(resolve, 2));
    for (const [start] of runs) while (!recorder.record(start, Priority.Start, false)) await rest();
    let refused = 0;
    for (const [, end] of runs) {
      if (!recorder.record(end, Priority.Continuation, false)) refused++;
      // The thread reads the queue meanwhile.
      await rest();
    }
    expect(refused).toBeGreaterThan(0);
    expect(JSON.parse(recorder.stats()).bytes.pending).toBeLessThan(1.25 * maxQueueBytes);
  } finally {
    await recorder.close(0);
    await silent.close();
  }
});
