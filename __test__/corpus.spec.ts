import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildTrace } from '../tools/collector/trace';
import { describeOutcome } from '../tools/viewer/attempts';
import { listSpans } from '../tools/viewer/span-lists';
import { describeTurn } from '../tools/viewer/turns';
import { activities } from './support/activities';
import type { FlueEvent } from './support/activity';
import { factFaults, faults } from './support/activity-faults';
import { conflicts, differences } from './support/rows';
import { asOfNow, inParallel, type Recording, recordings, Replay } from './support/replay';

/**
 * Every recording of Flue is replayed: by the processes it was made by, twice by one process, and cut in
 * two by processes of which the first is killed. See corpus/README.md.
 */

const RECORDINGS = recordings();
const NAMES = RECORDINGS.map(({ name }) => name);
const CRASHES = RECORDINGS.filter(({ processes }) => processes.length > 1);
const LINES = [...new Set(RECORDINGS.map(({ line }) => line))];
/** After how many of its lines a recording is cut in two. */
const CUTS: Record<string, (recording: Recording) => number> = {
  'a third': ({ length }) => Math.round(length / 3),
  half: ({ length }) => Math.round(length / 2),
  'two thirds': ({ length }) => Math.round((length * 2) / 3),
  'its first tool call began': (one) => lineOf(one, 'tool_start') || Math.round(one.length / 4),
  'its first operation ended': (one) => lineOf(one, 'operation') || one.length - 1,
};

const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-corpus-'));
let recorded: Replay;
let whole: Replay;
let twice: Replay;
let stutter: Replay;
let cuts: Record<string, Replay>;

const recording = (name: string) => RECORDINGS.find((one) => one.name === name)!;

beforeAll(async () => {
  const start = (name: string) => Replay.start(name, directory);
  recorded = await start('recorded');
  whole = await start('whole');
  twice = await start('twice');
  stutter = await start('stutter');
  cuts = {};
  for (const name of Object.keys(CUTS)) cuts[name] = await start(name);

  const byLine = (work: (ones: typeof RECORDINGS) => Promise<void>) =>
    LINES.map((line) => () => work(RECORDINGS.filter((one) => one.line === line)));
  await inParallel([
    ...byLine((ones) => whole.whole(ones)),
    ...byLine((ones) => twice.whole(ones, { times: 2 })),
    ...byLine((ones) => stutter.whole(ones, { stutter: true })),
    ...Object.entries(CUTS).flatMap(([name, linesOf]) =>
      byLine((ones) => cuts[name]!.cut(ones, linesOf)),
    ),
    ...CRASHES.map((one) => () => recorded.asRecorded(one)),
  ]);
});

afterAll(async () => {
  await Promise.all(
    [recorded, whole, twice, stutter, ...Object.values(cuts)].map((one) => one.close()),
  );
  rmSync(directory, { recursive: true, force: true });
});

/** How the recording really went. */
const real = (name: string) => (recording(name).processes.length > 1 ? recorded : whole);

describe('each activity is one closed span in its place, with what Flue says of it', () => {
  test.each(NAMES)('%s', (name) => {
    const expected = activities(recording(name).events);
    expect(expected.length).toBeGreaterThan(0);
    const { rows } = real(name).outcome(name);
    expect([...faults(expected, rows), ...factFaults(expected, rows)]).toEqual([]);
    expect(real(name).problems(recording(name))).toEqual([]);
  });
});

describe('each log line is with its span, once', () => {
  const logged = RECORDINGS.filter(
    ({ events, processes }) => processes.length === 1 && events.some(isLog),
  );
  test.each(logged.map(({ name }) => name))('%s', (name) => {
    const rows = whole.outcome(name).rows;
    const lines = rows.flatMap(({ metadata }: any) => metadata['flue.logs'] ?? []);
    const logs = recording(name).events.filter(isLog);
    expect(lines.map(({ message }) => message).toSorted()).toEqual(
      logs.map(({ message }) => message).toSorted(),
    );
  });
});

describe('what crashed is one trace, and no process contradicts another', () => {
  test.each(CRASHES.map(({ name }) => name))('%s', (name) => {
    const { rows, arrived } = recorded.outcome(name);
    const expected = activities(recording(name).events);
    const roots = expected.filter(({ parent }) => parent === null);
    expect(rows.filter((row) => !row.span_parents)).toHaveLength(roots.length);
    expect(conflicts(arrived)).toEqual([]);
  });
});

describe('the viewer tells what happened', () => {
  const tracesOf = (name: string) => {
    const { rows } = real(name).outcome(name);
    const ids = new Set(rows.map(({ root_span_id: id }) => String(id)));
    return [...ids].map((id) =>
      buildTrace(
        id,
        rows.filter((row) => row.root_span_id === id),
      ),
    );
  };
  const storiesOf = (name: string) =>
    tracesOf(name).flatMap((trace) => describeOutcome(listSpans(trace).summaries) ?? []);

  test.each([
    [
      '2.1.0/crash-mid-tool',
      /^attempt 1 died in weigh_cargo; 32\.\d s later attempt 2 of 10 finished$/,
    ],
    [
      '2.1.0/crash-mid-task',
      /^attempt 1 died in weigh_cargo; 36\.\d s later attempt 2 of 10 finished$/,
    ],
    [
      '2.1.0/crash-graceful-restart',
      /^attempt 1 was stopped in llm:tide-1; 33\.\d s later attempt 2 of 10 finished$/,
    ],
    ['2.1.0/crash-attempts-exhausted', /^attempt 1 of 10 died in weigh_cargo$/],
    [
      '1.0.0-beta.9/crash-agent-direct-midtool',
      /^attempt 1 died in weigh_cargo; 30\.\d s later attempt 2 finished$/,
    ],
    ['0.11.1/crash-workflow', /^flue\.prompt died in weigh_cargo$/],
  ])('%s', (name, story) => {
    expect(storiesOf(name)).toEqual([expect.stringMatching(story)]);
  });

  test('nothing of attempts where no process crashed', () => {
    const single = RECORDINGS.filter(({ processes }) => processes.length === 1);
    const stories = single.flatMap(({ name }) => storiesOf(name));
    expect(stories.filter((story) => /attempt/.test(story))).toEqual([]);
  });

  test('a turn has new messages after the previous input, unless tools or history changed', () => {
    const turns = NAMES.flatMap((name) => {
      const traces = tracesOf(name);
      return traces.flatMap((trace) =>
        trace.spans.flatMap((span) => describeTurn(trace, span, () => traces) ?? []),
      );
    }).filter(({ previous }) => previous !== null);
    const kinds = turns.flatMap(({ changes }) => changes.map(({ what }) => what));
    expect(turns.length).toBeGreaterThan(100);
    expect(kinds.filter((what) => what !== 'tools' && what !== 'compaction')).toEqual([]);
    expect(turns.filter(({ changes }) => changes.length === 0).length).toBeGreaterThan(100);
  });
});

describe('a replay changes nothing', () => {
  test.each(NAMES)('%s, twice in one process', (name) => {
    const [once, again] = [whole.outcome(name).rows, twice.outcome(name).rows];
    expect(differences(once, again, recording(name).events)).toEqual([]);
  });

  test.each(NAMES)('%s, by an observer that is registered twice', (name) => {
    const [once, again] = [whole.outcome(name).rows, stutter.outcome(name).rows];
    expect(differences(once, again, recording(name).events)).toEqual([]);
  });

  describe.each(Object.keys(CUTS))('by two processes, the first killed after %s', (cut) => {
    test.each(NAMES)('%s', (name) => {
      const { rows, arrived } = cuts[cut]!.outcome(name);
      const once = whole.outcome(name).rows;
      expect(differences(once, rows, recording(name).events, arrived[0])).toEqual([]);
      expect(conflicts(arrived)).toEqual([]);
      expect(cuts[cut]!.problems(recording(name))).toEqual([]);
    });
  });
});

test.each(['2.1.0/queued-serial', '1.0.0-beta.9/interleaved-agents'])(
  '%s: a settlement is known to the next process if the root ended just before the first died',
  async (name) => {
    const replay = await Replay.start(`settled/${name}`, directory);
    try {
      const fresh = asOfNow(recording(name), directory);
      await replay.cut([fresh], lineOfLastRootEnd);
      const { rows } = replay.outcome(name);
      expect(factFaults(activities(fresh.events), rows)).toEqual([]);
    } finally {
      await replay.close();
    }
  },
);

/** How many lines there are up to the first such event; 0 if there is none. */
function lineOf({ file }: Recording, type: string): number {
  return lines(file).findIndex((line) => line.includes(`"type":"${type}"`)) + 1;
}

/** Up to the operation whose settlement comes last. */
function lineOfLastRootEnd({ file }: Recording): number {
  const settled = lines(file).findLastIndex((line) => line.includes('"type":"submission_settled"'));
  const before = lines(file).slice(0, settled);
  return before.findLastIndex((line) => line.includes('"type":"operation"')) + 1;
}

const lines = (file: string) => readFileSync(file, 'utf8').split('\n');

function isLog({ type }: FlueEvent): boolean {
  return type === 'log';
}
