/** Finds everything in which the spans of the two exporters differ. */
import { isDeepStrictEqual } from 'node:util';

/**
 * @typedef {object} Difference
 * @property {string} line
 * @property {string} scenario
 * @property {string} activity
 * @property {string} kind of the activity
 * @property {'existence' | 'name' | 'type' | 'parent' | 'input' | 'output' | 'error' | 'tags' | 'end' |
 *   'metrics' | 'metadata' | 'attributes' | 'context'} field
 * @property {string} [key] of metrics, metadata, attributes and context
 * @property {unknown} official undefined when it has none
 * @property {unknown} ours undefined when we have none
 * @property {{ official?: import('./spans.mjs').Span, ours?: import('./spans.mjs').Span }} spans
 */

/** Metrics that no two runs share. Whether they are there is compared, and when it ended by `end`. */
const timings = new Set(['start', 'end', 'duration_ms', 'time_to_first_token']);

/** Two clocks are read for a span, in a process that is busy. */
const TOLERANCE_MS = 15;

/**
 * @param {Map<string, import('./spans.mjs').Span>} official
 * @param {Map<string, import('./spans.mjs').Span>} ours
 * @returns {Difference[]} without line and scenario
 */
export function compare(official, ours) {
  const activities = new Set([...official.keys(), ...ours.keys()]);
  return [...activities].flatMap((activity) => {
    const spans = { official: official.get(activity), ours: ours.get(activity) };
    const { kind } = spans.official ?? spans.ours;
    return differences(spans).map((difference) =>
      Object.assign({ activity, kind, spans }, difference),
    );
  });
}

function differences({ official, ours }) {
  if (!official || !ours) {
    const named = (span) => span && [...span.path, span.row.span_attributes?.name].join(' › ');
    return [{ field: 'existence', official: named(official), ours: named(ours) }];
  }
  const { span_attributes: theirs = {}, ...their } = official.row;
  const { span_attributes: our = {}, ...own } = ours.row;
  return [
    ...value('name', theirs.name, our.name),
    ...value('type', theirs.type, our.type),
    ...parent(official, ours),
    ...['input', 'output', 'error', 'tags'].flatMap((field) =>
      value(field, their[field], own[field]),
    ),
    ...value('end', ending(official), ending(ours)),
    ...entries('metrics', their.metrics, own.metrics, timings),
    ...entries('metadata', their.metadata, own.metadata),
    ...entries('attributes', theirs, our, undefined, new Set(['name', 'type'])),
    ...entries('context', their.context, own.context),
  ];
}

function value(field, official, ours) {
  return isDeepStrictEqual(official, ours) ? [] : [{ field, official, ours }];
}

/** A span that hangs elsewhere; its descendants move with it and are not reported again. */
function parent(official, ours) {
  if (official.parent === ours.parent) return [];
  const path = (span) => (span.path.length === 0 ? '(root)' : span.path.join(' › '));
  return [{ field: 'parent', official: path(official), ours: path(ours) }];
}

function entries(field, official = {}, ours = {}, onlyKeys = new Set(), ignored = new Set()) {
  const keys = new Set([...Object.keys(official), ...Object.keys(ours)]).difference(ignored);
  return [...keys].flatMap((key) => {
    const inBoth = official[key] !== undefined && ours[key] !== undefined;
    if (inBoth && onlyKeys.has(key)) return [];
    return value(field, official[key], ours[key]).map((found) => Object.assign({ key }, found));
  });
}

/**
 * Whether the span has ended, and when: Flue reports the tools of a batch together, when the last of
 * them is done, and Flue 0.x reports a turn only after its tools.
 */
function ending({ kind, row, toolsFrom }) {
  const { start, end, duration_ms: took } = row.metrics ?? {};
  if (end === undefined) return 'open';
  if (kind === 'tool' && (end - start) * 1000 - took > TOLERANCE_MS) return 'later than it took';
  if (kind === 'turn' && (end - toolsFrom) * 1000 > TOLERANCE_MS) return 'after its tools began';
  return 'ended';
}
