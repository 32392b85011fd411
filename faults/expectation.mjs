/**
 * Which spans must arrive: derived from the events that the application recorded, and found
 * again among the rows by Flue's ids, which all exporters write into the metadata.
 */
import { existsSync, openSync, readFileSync, writeSync } from 'node:fs';

const STARTS = new Set(['operation_start', 'turn_request', 'tool_start', 'task_start']);
const ENDS = new Set(['operation', 'turn', 'tool', 'task']);

/** Operations that only wrap one other activity; exporters may leave them out. */
const WRAPPERS = new Set(['task', 'shell']);

/**
 * Keeps what of an event matters here, in a file that outlives the process.
 *
 * @param {string} file
 * @returns {(event: any) => void}
 */
export function recorder(file) {
  // Opened once: later the process may have no descriptor left.
  const descriptor = openSync(file, 'a');
  return (event) => {
    const { type, operationKind } = event;
    if (!STARTS.has(type) && !ENDS.has(type)) return;
    if (WRAPPERS.has(operationKind)) return;
    const line = { at: Date.now(), key: keyOfEvent(event), ends: ENDS.has(type) };
    writeSync(descriptor, `${JSON.stringify(line)}\n`);
  };
}

/**
 * @typedef {object} Expected
 * @property {number} startedAt when its event was recorded, milliseconds since 1970
 * @property {number} [endedAt]
 */

/** @param {string} file @returns {Map<string, Expected>} */
export function expectedSpans(file) {
  const lines = existsSync(file) ? (readFileSync(file, 'utf8').match(/.+/g) ?? []) : [];
  const spans = new Map();
  for (const { at, key, ends } of lines.map((line) => JSON.parse(line))) {
    if (ends) spans.set(key, { ...spans.get(key), endedAt: at });
    else spans.set(key, { startedAt: at });
  }
  return spans;
}

/**
 * @typedef {object} Counts
 * @property {number} expected spans
 * @property {number} delivered
 * @property {number} open delivered without a start or an end
 * @property {number} twice further rows for the same span
 * @property {number} lost
 * @property {number} due spans, and ends of spans, that are missing although they were recorded in time
 */

/**
 * @param {Map<string, Expected>} expected
 * @param {any[]} rows as merged
 * @param {number} [dueBefore] events recorded from then on need not have arrived
 * @returns {Counts}
 */
export function compare(expected, rows, dueBefore = Infinity) {
  const found = new Map();
  for (const row of rows) {
    const key = keyOfRow(row);
    found.set(key, [...(found.get(key) ?? []), row]);
  }
  const counts = { expected: 0, delivered: 0, open: 0, twice: 0, lost: 0, due: 0 };
  for (const [key, { startedAt, endedAt }] of expected) {
    const [row, ...more] = found.get(key) ?? [];
    const { start, end } = row?.metrics ?? {};
    const isOpen = typeof start !== 'number' || typeof end !== 'number';
    counts.expected += 1;
    counts.twice += more.length;
    if (row === undefined) counts.lost += 1;
    else counts.delivered += 1;
    if (row !== undefined && isOpen) counts.open += 1;
    if (row === undefined ? startedAt < dueBefore : endedAt < dueBefore && !knowsEnd(row)) {
      counts.due += 1;
    }
  }
  return counts;
}

/** Whether its end was recorded, instead of being closed without. @param {any} row */
function knowsEnd({ metrics, metadata }) {
  return typeof metrics?.end === 'number' && metadata?.['flue.interrupted'] !== true;
}

/** @param {any} event */
function keyOfEvent({ type, operationId, turnId, toolCallId, taskId }) {
  if (type.startsWith('tool')) return `tool ${turnId} ${toolCallId}`;
  if (type.startsWith('turn')) return `turn ${turnId}`;
  return type.startsWith('task') ? `task ${taskId}` : `operation ${operationId}`;
}

/** @param {any} row */
function keyOfRow({ span_attributes: attributes, metadata = {} }) {
  const { name = '', type } = attributes ?? {};
  const of = (id) => metadata[`flue.${id}`];
  if (name.startsWith('tool:')) return `tool ${of('turn_id')} ${of('tool_call_id')}`;
  if (type === 'llm') return `turn ${of('turn_id')}`;
  return name.startsWith('task:') ? `task ${of('task_id')}` : `operation ${of('operation_id')}`;
}
