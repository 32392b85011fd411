// What is wrong with the rows of a trace, measured by the activities that it must show.

import { isDeepStrictEqual } from 'node:util';
import type { Row } from '../../tools/collector/types';
import type { Activity, SpanIds } from './activity';

/** How far a time may be off, in milliseconds. */
const TOLERANCE = 10;

/** What is wrong with the rows, measured by the activities; nothing when all is well. */
export function faults(expected: Activity[], rows: readonly Row[]): string[] {
  const found: string[] = [];
  const find = (ids: SpanIds) => spansOf(ids, rows);

  for (const activity of expected) {
    const { name, type, ids, parent } = activity;
    const [row, ...more] = find(ids);
    const fault = (what: string) => found.push(`${name} ${JSON.stringify(ids)}: ${what}`);
    if (!row) {
      fault('is missing');
      continue;
    }
    if (more.length > 0) fault('is there more than once');
    if (row.span_attributes.name !== name) fault(`is named ${row.span_attributes.name}`);
    if (row.span_attributes.type !== type) fault(`has type ${row.span_attributes.type}`);
    const ended = endFaults(activity, row);
    const failed = failureFaults(activity, row);
    const used = usageFaults(activity, row);
    [...ended, ...failed, ...used].forEach(fault);

    if (parent === null) {
      if (row.span_parents) fault('is not a root');
    } else {
      const [above] = find(parent);
      if (!above) fault(`has no parent ${JSON.stringify(parent)}`);
      else if (!isDeepStrictEqual(row.span_parents, [above.span_id])) {
        const actual = rows.find(({ span_id }) => span_id === row.span_parents?.[0]) as any;
        const names = [actual?.span_attributes.name, above.span_attributes.name];
        fault(`has the wrong parent ${names[0]}, not ${names[1]}`);
      } else if (row.root_span_id !== above.root_span_id) fault('is in another trace');
    }
  }
  if (rows.length !== expected.length) {
    found.push(`there are ${rows.length} spans, not ${expected.length}`);
  }
  return found;
}

/**
 * What is wrong with the metadata of a delivery or a run that its operations do not have, such as its
 * attempts and its outcome. For observers that received all events.
 */
export function factFaults(expected: Activity[], rows: readonly Row[]): string[] {
  return expected.flatMap(({ name, ids, metadata: facts }) => {
    const metadata = spansOf(ids, rows)[0]?.metadata ?? {};
    return Object.entries(facts)
      .filter(([fact, value]: [string, any]) =>
        value?.asymmetricMatch
          ? !value.asymmetricMatch(metadata[fact])
          : !isDeepStrictEqual(metadata[fact], value),
      )
      .map(([fact, value]) => `${name}: ${fact} is ${metadata[fact]}, not ${value}`);
  });
}

function spansOf(ids: SpanIds, rows: readonly Row[]): any[] {
  return rows.filter((row: any) =>
    Object.entries(ids).every(([id, value]) => {
      if (id === 'name') return row.span_attributes.name.startsWith(value);
      if (id === 'root') return !row.span_parents;
      if (id === 'start') return near(row.metrics.start * 1000, Number(value));
      return value === undefined || row.metadata[id] === value;
    }),
  );
}

const near = (one: number, other: number) => Math.abs(one - other) <= TOLERANCE + 0.5;

function endFaults({ start, ends, endedBy, interrupted }: Activity, row: any): string[] {
  const found: string[] = [];
  const { metrics, metadata } = row;
  const [began, ended] = [metrics.start * 1000, metrics.end * 1000];
  if (!(ended >= began)) found.push('is not closed');
  if (!near(began, start)) found.push(`starts ${Math.round(began - start)} ms off`);
  if (ends.length > 0 && !ends.some((end) => near(ended, end))) {
    found.push(`ends ${ends.map((end) => Math.round(ended - end)).join(' or ')} ms off`);
  }
  if (endedBy !== undefined && ended > Math.max(endedBy, start) + TOLERANCE) {
    found.push(`ends ${Math.round(ended - endedBy)} ms after what ended it`);
  }
  if ((metadata['flue.interrupted'] === true) !== interrupted) {
    found.push(interrupted ? 'is not marked as interrupted' : 'is marked as interrupted');
  }
  return found;
}

function failureFaults({ failed, cancelled }: Activity, row: any): string[] {
  const { error = null, metadata } = row;
  if ((metadata['flue.cancelled'] === true) !== cancelled) {
    return [cancelled ? 'is not marked as cancelled' : 'is marked as cancelled'];
  }
  if (failed && (typeof error !== 'string' || error === '')) return [`has no error: ${error}`];
  return !failed && error !== null ? [`failed: ${error}`] : [];
}

function usageFaults({ usage }: Activity, { metrics }: any): string[] {
  if (usage === undefined) return [];
  const { input, output, cacheRead, cacheWrite, totalTokens, cost } = usage ?? {};
  const tokens = {
    prompt_tokens: usage ? input! + cacheRead! + cacheWrite! : undefined,
    completion_tokens: output,
    tokens: totalTokens,
    prompt_cached_tokens: cacheRead,
    prompt_cache_creation_tokens: cacheWrite,
    // Flue reports a cost of zero for a model without a price.
    estimated_cost: cost && cost.total > 0 ? cost.total : undefined,
  };
  return Object.entries(tokens)
    .filter(([metric, value]) =>
      value === undefined || metrics[metric] === undefined
        ? metrics[metric] !== value
        : Math.abs(metrics[metric] - value) > 1e-9,
    )
    .map(([metric, value]) => `${metric} is ${metrics[metric]}, not ${value}`);
}
