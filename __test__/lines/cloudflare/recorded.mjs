/** Flue's own events of a run of an agent with tools, as they were recorded. */
import { readFileSync } from 'node:fs';

const FILE = new URL('../../corpus/2.1.0/multi-turn-tools-thinking.ndjson', import.meta.url);

/** @typedef {{ type: string }} FlueEvent */

/** @returns {FlueEvent[]} */
export function recordedRun() {
  const lines = readFileSync(FILE, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line).event).filter((event) => event !== undefined);
}

/**
 * The same run by other ids, as if it had happened once more.
 * @param {FlueEvent[]} events
 * @param {number} n
 * @returns {FlueEvent[]}
 */
export function copyOf(events, n) {
  // Types, such as `turn_request`, have the form of ids.
  const copied = JSON.stringify(events, (name, value) =>
    name !== 'type' && typeof value === 'string' && /^(?:sub|conv|op|turn|call)_\w+$/.test(value)
      ? `${value}-${n}`
      : value,
  );
  return JSON.parse(copied);
}

/**
 * How many spans it makes.
 * @param {FlueEvent[]} events
 */
export const spansOf = (events) =>
  events.filter(({ type }) => /^(operation_start|turn_request|tool_start|task_start)$/.test(type))
    .length;
