/** Turns what was recorded into spans that know their activity and their parent. */
import { activityKey, nameActivities } from './activities.mjs';
import { normaliser } from './normalise.mjs';

/**
 * @typedef {object} Span
 * @property {string} kind of the activity: workflow, operation, turn, tool, task, compaction or other
 * @property {string} activity its name, the same in every run
 * @property {string | null} parent the parent's activity; null for a root
 * @property {string[]} path the names of the spans above, from the root down
 * @property {number} [toolsFrom] when the first tool that a turn called began
 * @property {object} row with ids and times normalised
 */

/**
 * @param {import('./run.mjs').Recording} recording
 * @returns {Map<string, Span>} by activity
 */
export function spansOf({ rows, events }) {
  const names = nameActivities(events);
  const normalise = normaliser(events, names);
  const counts = new Map();
  const bySpanId = new Map();

  for (const row of rows) {
    const { kind, key } = activityKey(row);
    const name = names.get(key) ?? `unknown ${key}`;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const activity = count === 1 ? name : `${name} again (${count})`;
    bySpanId.set(row.span_id, { kind, activity, parentId: row.span_parents?.[0], row });
  }

  const toolsFrom = new Map();
  for (const { kind, row } of bySpanId.values()) {
    const turnId = row.metadata?.['flue.turn_id'];
    if (kind !== 'tool' || turnId === undefined) continue;
    toolsFrom.set(turnId, Math.min(row.metrics.start, toolsFrom.get(turnId) ?? Infinity));
  }

  const pathOf = ({ parentId }) => {
    if (parentId === undefined) return [];
    const parent = bySpanId.get(parentId);
    return parent ? [...pathOf(parent), parent.row.span_attributes?.name] : ['(missing)'];
  };
  const spans = [...bySpanId.values()].map((span) => {
    const parent = span.parentId === undefined ? null : bySpanId.get(span.parentId);
    return {
      kind: span.kind,
      activity: span.activity,
      parent: parent === null ? null : (parent?.activity ?? '(missing)'),
      path: pathOf(span),
      toolsFrom: toolsFrom.get(span.row.metadata?.['flue.turn_id']),
      row: { metadata: {}, metrics: {}, ...normalise(span.row) },
    };
  });
  return new Map(spans.map((span) => [span.activity, span]));
}
