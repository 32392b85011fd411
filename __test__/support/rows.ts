import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, Row } from '../../tools/collector/types';
import type { FlueEvent } from './activity';

/** Compares rows, as they came and as they were merged. */

/** The values of a row by their paths. Lists count as one value, as in a merge. */
function leaves(value: unknown, path: string[] = []): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path.join('.'), value]];
  }
  return Object.entries(value).flatMap(([key, part]) => leaves(part, [...path, key]));
}

/** What a process wrote, by row and path; the last value counts. */
function written(rows: JsonObject[]): Map<string, Map<string, unknown>> {
  const byId = new Map<string, Map<string, unknown>>();
  for (const row of rows) {
    const values = byId.get(row.id as string) ?? new Map<string, unknown>();
    for (const [path, value] of leaves(row)) values.set(path, value);
    byId.set(row.id as string, values);
  }
  return byId;
}

/**
 * What a later attempt may rightly replace on the root and on a task, which it goes on with: how it ended,
 * what it used, and the ids that are the attempt's. On all other spans nothing may be replaced.
 */
const OF_AN_ATTEMPT = [
  /^metrics\.(end|duration_ms|tokens|prompt_\w+|completion_tokens|estimated_cost)$/,
  /^(output(\..*)?|error)$/,
  /^metadata\.flue\.(interrupted|cancelled|attempt|operation_id|turn_id|workflow_phase)$/,
];

/** Values that two processes wrote to the same place and that differ. */
export function conflicts(arrived: JsonObject[][]): string[] {
  const processes = arrived.map(written);
  return processes.flatMap((later, n) =>
    [...later].flatMap(([id, values]) => {
      const earlier = processes.slice(0, n).flatMap((process) => process.get(id) ?? []);
      const before = new Map(earlier.flatMap((process) => Array.from(process)));
      const name = `${before.get('span_attributes.name') ?? values.get('span_attributes.name')}`;
      const goesOn = !before.has('span_parents') || name.startsWith('task:');
      return [...values]
        .filter(([path, value]) => before.has(path) && !isDeepStrictEqual(before.get(path), value))
        .filter(([path]) => !(goesOn && OF_AN_ATTEMPT.some((part) => part.test(path))))
        .map(([path, value]) => `${name} ${path}: ${show(before.get(path))}, then ${show(value)}`);
    }),
  );
}

/**
 * Where merged rows differ that ought to be the same. `first` are the rows that came from a process that
 * was killed, if one was.
 *
 * Four things may differ, for reasons that lie in the replay and not in the trace:
 *
 * - The end of a span that was still open when the process ended: it is the time of that.
 * - `flue.interrupted: false`, `flue.cancelled: false` and `error: null`, with which a process resets what another may
 *   have written. It means the same as an absent value.
 * - Of a span that was open when the process was killed: its log lines, which the record of open spans
 *   does not hold, for it holds no content (docs/recovery.md); and when its first token came, for no
 *   stream of a real model goes on in another process.
 * - Of a root that had ended when the process was killed: what the next process learned from its settlement. A process
 *   passes on no delivery that ended more than 10 seconds ago by its clock, and recordings are old. (Another test
 *   checks that it passes on later ones.)
 */
export function differences(
  expected: readonly Row[],
  actual: readonly Row[],
  events: FlueEvent[],
  first: JsonObject[] = [],
): string[] {
  const over = Math.max(...events.map(({ timestamp }) => Date.parse(timestamp))) / 1000;
  const byId = (rows: readonly Row[]) => new Map(rows.map((row) => [row.id, settled(row, over)]));
  const [one, other] = [byId(expected), byId(actual)];
  const killed = written(first);
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((id) => {
    const [before, after] = [one.get(id), other.get(id)];
    const name = (before ?? after)?.get('span_attributes.name');
    if (!before || !after) return [`${name} is ${before ? 'missing' : 'new'}`];
    const cut = killed.get(id);
    const lost = !cut ? [] : cut.has('metrics.end') ? SETTLEMENT : LOST_WITH_A_PROCESS;
    return [...new Set([...before.keys(), ...after.keys()])]
      .filter((path) => !isDeepStrictEqual(before.get(path), after.get(path)))
      .filter((path) => !lost.includes(path))
      .map((path) => `${name} ${path}: ${show(before.get(path))}, now ${show(after.get(path))}`);
  });
}

const LOST_WITH_A_PROCESS = ['metadata.flue.logs', 'metrics.time_to_first_token'];
const SETTLEMENT = ['metadata.flue.submission_outcome', 'metadata.flue.joined_submission_ids'];

function settled(row: Row, over: number): Map<string, unknown> {
  const values = new Map(leaves(row));
  const interrupted = values.get('metadata.flue.interrupted');
  if (interrupted === true && Number(values.get('metrics.end')) > over) {
    values.set('metrics.end', 'with the process');
  }
  if (interrupted === false) values.delete('metadata.flue.interrupted');
  if (values.get('metadata.flue.cancelled') === false) values.delete('metadata.flue.cancelled');
  if (values.get('error') === null) values.delete('error');
  return values;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 120)}… (${text.length})` : text;
}
