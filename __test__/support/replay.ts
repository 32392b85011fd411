import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { startCollector } from '../../tools/collector';
import { uuidOf } from '../../tools/collector/projects';
import type { Collector, JsonObject, Row } from '../../tools/collector/types';
import type { FlueEvent } from './activity';
import { run } from './run';

/**
 * Replays recordings of Flue through the package, in processes of their own, into a collector.
 */

const CORPUS = resolve(__dirname, '../corpus');

/** A recording, and the processes it was made by. */
export interface Recording {
  /** Such as `2.1.0/plain-prompt`. */
  name: string;
  line: string;
  file: string;
  events: FlueEvent[];
  /** How many lines it has. */
  length: number;
  /** The lines that each process wrote: from, to. All but the last died or were stopped. */
  processes: { from: number; to: number; killed: boolean }[];
}

export function recordings(): Recording[] {
  const lines = readdirSync(CORPUS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return lines.flatMap(({ name: line }) =>
    readdirSync(join(CORPUS, line)).map((file) =>
      readRecording(line, join(CORPUS, line, file), `${line}/${file.replace('.ndjson', '')}`),
    ),
  );
}

function readRecording(line: string, file: string, name: string): Recording {
  const texts = readFileSync(file, 'utf8').trim().split('\n');
  const lines: any[] = texts.map((text) => JSON.parse(text));
  const starts = lines.flatMap(({ mark }, n) => (mark?.pid === undefined ? [] : [n]));
  const processes = (starts.length > 0 ? starts : [0]).map((from, n) => {
    const to = starts[n + 1] ?? lines.length;
    const killed = lines.slice(from, to).some(({ mark }) => mark?.SIGKILL !== undefined);
    return { from, to, killed };
  });
  const events = lines.flatMap(({ event }) => (event ? [event] : []));
  return { name, line, file, events, length: lines.length, processes };
}

/** One recording, or a part of it, for one exporter. */
interface Job {
  file: string;
  from?: number;
  to?: number;
  times?: number;
  stutter?: boolean;
  project: string;
  spool?: string;
}

/** What became of a recording. */
export interface Outcome {
  rows: Row[];
  /** The rows as they came, process by process. */
  arrived: JsonObject[][];
}

/** A way to replay recordings. All its replays share a collector; each recording has its own project. */
export class Replay {
  /** Where the journals of the first processes end, by recording. */
  #borders = new Map<string, number[]>();
  #read = { size: 0, byProject: new Map<unknown, { at: number; text: string }[]>() };
  /** The traces, while no process records. */
  #traces: ReturnType<Collector['traces']> | undefined;
  #plans = 0;
  #journal: string;
  #collector!: Collector;

  private constructor(
    readonly name: string,
    private readonly directory: string,
  ) {
    mkdirSync(join(directory, name), { recursive: true });
    this.#journal = join(directory, name, 'rows.ndjson');
  }

  static async start(name: string, directory: string): Promise<Replay> {
    const replay = new Replay(name, directory);
    replay.#collector = await startCollector({ file: replay.#journal, quietMs: 50 });
    return replay;
  }

  get collector(): Collector {
    return this.#collector;
  }

  close() {
    return this.#collector.close();
  }

  /** What is wrong with the rows and trees of a recording, by the collector's own rules. */
  problems({ name }: Recording): string[] {
    const { rows } = this.outcome(name);
    const ids = new Set(rows.map(({ id }) => id));
    const traces = new Set(rows.map((row) => row.root_span_id));
    this.#traces ??= this.#collector.traces();
    const trees = this.#traces.filter(({ id }) => traces.has(id));
    const ofTrees = trees.flatMap(({ problems }) => problems);
    const surplus = trees
      .flatMap(({ roots }) => roots.slice(1))
      .map(({ rowId }) => ({ rowId, problem: 'is a second root' }));
    return [...this.#collector.problems, ...ofTrees, ...surplus]
      .filter(({ rowId }) => rowId === null || ids.has(rowId))
      .map(({ rowId, problem }) => `${rowId}: ${problem}`);
  }

  outcome(name: string): Outcome {
    const project = uuidOf(`project:${name}`);
    const rows = this.#collector.rows().filter((row) => row.project_id === project);
    const borders = [...(this.#borders.get(name) ?? []), Infinity];
    const lines = this.#lines().get(project) ?? [];
    const arrived = borders.map((to, n) =>
      lines
        .filter(({ at }) => at >= (borders[n - 1] ?? 0) && at < to)
        .map(({ text }) => JSON.parse(text) as JsonObject),
    );
    return { rows, arrived };
  }

  /** The lines of the journal by project, with where each begins. Read anew when there are more. */
  #lines(): Map<unknown, { at: number; text: string }[]> {
    const { size } = statSync(this.#journal);
    if (size !== this.#read.size) {
      const journal = readFileSync(this.#journal);
      const byProject = new Map<unknown, { at: number; text: string }[]>();
      let at = 0;
      for (const text of journal.toString().split('\n').filter(Boolean)) {
        const project = JSON.parse(text).project_id;
        byProject.set(project, [...(byProject.get(project) ?? []), { at, text }]);
        at += Buffer.byteLength(text) + 1;
      }
      this.#read = { size, byProject };
    }
    return this.#read.byProject;
  }

  /** Each recording whole, as one process. */
  async whole(recordings: Recording[], how: Pick<Job, 'times' | 'stutter'> = {}): Promise<void> {
    const jobs = recordings.map(({ name, file }) => ({ file, project: name, ...how }));
    await this.#run('natural', jobs);
  }

  /** A recording by as many processes as it was made by. */
  async asRecorded({ name, file, processes }: Recording): Promise<void> {
    for (const { from, to, killed } of processes) {
      const job = { file, from, to, project: name, spool: this.#spool(name) };
      await this.#run(killed ? 'kill' : 'natural', [job]);
      if (to !== processes.at(-1)?.to) this.#border(name);
    }
  }

  /** Each recording by two processes, of which the first is killed after so many of its lines. */
  async cut(recordings: Recording[], linesOf: (recording: Recording) => number): Promise<void> {
    const parts = recordings.map((recording) => {
      const { name, file } = recording;
      const at = linesOf(recording);
      const job = { file, project: name, spool: this.#spool(name) };
      return { name, first: { ...job, to: at }, second: { ...job, from: at } };
    });
    await this.#run(
      'kill',
      parts.map(({ first }) => first),
    );
    for (const { name } of parts) this.#border(name);
    await this.#run(
      'natural',
      parts.map(({ second }) => second),
    );
  }

  #spool(name: string) {
    return join(this.directory, this.name, 'spool', name);
  }

  #border(name: string) {
    const borders = this.#borders.get(name) ?? [];
    this.#borders.set(name, [...borders, statSync(this.#journal).size]);
  }

  async #run(end: 'kill' | 'natural', jobs: Job[]) {
    this.#traces = undefined;
    this.#plans += 1;
    const plan = join(this.directory, this.name, `plan-${this.#plans}.json`);
    writeFileSync(plan, JSON.stringify({ url: this.#collector.url, end, jobs }));
    const ending = await run(['__test__/fixtures/replay.mjs', plan]);
    const expected = end === 'kill' ? 'SIGKILL' : null;
    if (ending.signal !== expected || (ending.code ?? 0) !== 0 || ending.stderr !== '') {
      throw new Error(`${plan} ended wrongly: ${JSON.stringify(ending)}`);
    }
  }
}

/** The recording as if its last event had happened now. */
export function asOfNow({ name, line, file, events }: Recording, directory: string): Recording {
  const late = Date.now() - Math.max(...events.map(({ timestamp }) => Date.parse(timestamp)));
  const moved = readFileSync(file, 'utf8').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) =>
    new Date(Date.parse(time) + late).toISOString(),
  );
  const copy = join(directory, `${name.replace('/', '-')}.ndjson`);
  writeFileSync(copy, moved);
  return readRecording(line, copy, name);
}

/** Does work on as many processors as there are, up to two. */
export async function inParallel(work: (() => Promise<void>)[]): Promise<void> {
  const waiting = [...work];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
}
