import { createServer } from 'node:http';
import { bufferedRecord } from '../js/event-buffer';
import { toJson } from '../js/json/json-string';
import { loadNative } from '../js/native-loader';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { listen } from './support/network';
import { until } from './support/project';

const native = loadNative();
const { EventBufferWord, Priority, Recorder } = native;

type Record = InstanceType<typeof Recorder>['record'];

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

/** Records runs. The number of events. */
function recordRuns(record: Record, runs: readonly (readonly [string, string])[]) {
  for (const [start, end] of runs) {
    expect(record(start, Priority.Start, false)).toBe(true);
    expect(record(end, Priority.Continuation, false)).toBe(true);
  }
  return 2 * runs.length;
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

/** Runs `work` with a recorder, its native `record` that counts its calls, and the one that writes into the buffer. */
async function withRecorder(
  work: (made: {
    collector: Collector;
    recorder: InstanceType<typeof Recorder>;
    record: Record;
    calls: () => number;
  }) => unknown,
) {
  const collector = await startCollector();
  const recorder = new Recorder(settings(collector));
  let calls = 0;
  const call = recorder.record.bind(recorder);
  recorder.record = (...event) => {
    calls++;
    return call(...event);
  };
  const record = bufferedRecord(recorder, native);
  try {
    await work({ collector, recorder, record, calls: () => calls });
  } finally {
    await recorder.close(5000);
    await collector.close();
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

test('a short event needs no call, and counts at once', () =>
  withRecorder(async ({ collector, recorder, record, calls }) => {
    const events = recordRuns(
      record,
      numbers(40).map((number) => runOf(number, 'i', 'o')),
    );
    expect(JSON.parse(recorder.stats()).events).toBe(events);
    expect(recorder.isIdle()).toBe(false);
    // More than one only if this machine has stood still for half a second.
    expect(calls()).toBeLessThan(events / 4);
    await recorder.flush(10_000);
    expect(stored(collector)).toEqual(byRun(numbers(40).map((n) => [`run_${n}`, 'i', 'o'])));
  }));

test('short and long events arrive in the order in which they were recorded', () =>
  withRecorder(async ({ collector, recorder, record, calls }) => {
    // An end that came before its start would make no span, or one without input.
    const texts = ['i', 'x'.repeat(800), 'y'.repeat(5000), 'z'.repeat(1024)];
    const text = (number: number) => texts[number % texts.length];
    const runs = numbers(300).map((number) => runOf(number, text(number), text(number >> 2)));
    recordRuns(record, runs);
    expect(calls()).toBeLessThan(2 * runs.length);
    await recorder.flush(20_000);
    const expected = numbers(300).map((n) => [`run_${n}`, text(n), text(n >> 2)]);
    expect(stored(collector)).toEqual(byRun(expected));
    expect(JSON.parse(recorder.stats())).toMatchObject({ accepted: 300, sent: 300, lost: {} });
  }));

test.each([0x7fff_ffff - 1000, -1000])(
  'the positions in the buffer pass the end of their numbers (%p)',
  (position) =>
    withRecorder(async ({ collector, recorder, record, calls }) => {
      const words = recorder.eventBuffer();
      words[EventBufferWord.Written] = position;
      words[EventBufferWord.Taken] = position;
      for (const round of numbers(5)) {
        recordRuns(
          record,
          numbers(20).map((number) => runOf(100 * round + number, 'i'.repeat(round), 'o')),
        );
        await recorder.flush(10_000);
      }
      expect(words[EventBufferWord.Written]).not.toBe(position);
      expect(calls()).toBeLessThan(100);
      expect(collector.rows()).toHaveLength(100);
    }),
);

test('a text is the same by the buffer and by a call', async () => {
  const inputs = [
    '',
    'é',
    '⚓️ 𝄞',
    '\ud834',
    '\udd1e\ud834',
    '\0 and \u0001',
    '\u2028"\\',
    ...[900, 920, 940, 960, 1024].flatMap((length) =>
      ['a', 'é', '\ud834'].map((c) => c.repeat(length)),
    ),
  ];
  const bodies: unknown[] = [];
  for (const isBuffered of [true, false]) {
    await withRecorder(async ({ collector, recorder, record }) => {
      // The first event opens the buffer.
      const events = ['first', ...inputs].map((input, number) => runOf(number, input, { input }));
      recordRuns(isBuffered ? record : recorder.record, events);
      await recorder.flush(10_000);
      bodies.push(stored(collector));
    });
  }
  expect(bodies[0]).toEqual(bodies[1]);
  expect(bodies[0]).toHaveLength(inputs.length + 1);
});

test('in a burst, which fills the buffer, events are recorded by calls; one by one they need none', () =>
  withRecorder(async ({ collector, record, recorder, calls }) => {
    const clock = jest.spyOn(Date, 'now');
    let now = 1_780_000_000_000;
    const runs = numbers(200).map((number) => runOf(number, 'i', 'o'.repeat(800)));
    const callsOf = (slice: typeof runs, pauseMs: number) => {
      const before = calls();
      for (const text of slice.flat()) {
        clock.mockReturnValue((now += pauseMs));
        expect(record(text, Priority.Start, false)).toBe(true);
      }
      return calls() - before;
    };
    try {
      expect(callsOf(runs.slice(0, 5), 0)).toBeLessThan(4);
      expect(callsOf(runs.slice(5, 100), 0)).toBeGreaterThan(120);
      // A pause ends the burst. More calls only if this machine has stood still for half a second.
      expect(callsOf(runs.slice(100, 105), 5)).toBeLessThan(4);
      expect(callsOf(runs.slice(105), 0)).toBeGreaterThan(120);
    } finally {
      clock.mockRestore();
    }
    await recorder.flush(10_000);
    expect(stored(collector)).toEqual(
      byRun(numbers(200).map((n) => [`run_${n}`, 'i', 'o'.repeat(800)])),
    );
  }));

test('an event after `close` is refused and counted', () =>
  withRecorder(async ({ recorder, record }) => {
    recordRuns(record, [runOf(1, 'i', 'o'), runOf(2, 'i', 'o')]);
    await recorder.close(10_000);
    expect(record(runOf(3, 'i', 'o')[0], Priority.Start, false)).toBe(false);
    const { accepted, sent, lost } = JSON.parse(recorder.stats());
    expect({ accepted, sent, lost }).toEqual({ accepted: 3, sent: 2, lost: { closed: 1 } });
  }));

test('the queue keeps its bound while events come steadily and the server does not answer', async () => {
  const silent = await listen(createServer(() => {}));
  const url = `http://127.0.0.1:${silent.port}`;
  const maxQueueBytes = 1024 * 1024;
  const options = { apiKey: 'k', appUrl: url, apiUrl: url, maxQueueBytes };
  const recorder = new Recorder(toJson({ options, env: {}, file: {} }));
  const record = bufferedRecord(recorder, native);
  try {
    const runs = numbers(1500).map((number) => runOf(number, 'i', 'o'.repeat(850)));
    for (const [start] of runs) expect(record(start, Priority.Start, false)).toBe(true);
    let refused = 0;
    for (const [, end] of runs) {
      if (!record(end, Priority.Continuation, false)) refused++;
      // The thread reads the buffer before it is full.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(refused).toBeGreaterThan(0);
    expect(JSON.parse(recorder.stats()).bytes.pending).toBeLessThan(1.25 * maxQueueBytes);
  } finally {
    await recorder.close(0);
    await silent.close();
  }
});

test('a runtime in which an addon cannot share memory records by calls', () =>
  withRecorder(async ({ collector, recorder }) => {
    recorder.eventBuffer = () => {
      throw new Error('external buffers are not allowed');
    };
    const record = bufferedRecord(recorder, native);
    recordRuns(record, [runOf(1, 'i', 'o'), runOf(2, 'i', 'o')]);
    await recorder.flush(10_000);
    expect(collector.rows()).toHaveLength(2);
  }));

test('an event that JavaScript writes while the thread goes to sleep wakes it', () =>
  withRecorder(async ({ collector, recorder, record }) => {
    recordRuns(record, [runOf(1, 'i', 'o')]);
    const words = recorder.eventBuffer();
    await until(() => Atomics.load(words, EventBufferWord.Open) === 0);
    // The thread sleeps. JavaScript has seen the buffer open a moment ago.
    const load = jest.spyOn(Atomics, 'load') as jest.SpyInstance<unknown>;
    load.mockReturnValueOnce(1);
    expect(record(runOf(2, 'i', 'o')[0], Priority.Start, false)).toBe(true);
    load.mockRestore();
    await until(() => collector.rows().length === 2);
  }));
