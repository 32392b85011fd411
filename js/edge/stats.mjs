// Counters across instances of the core.

import { NO_STATS } from '../no-stats.js';

/** @typedef {import('../../index.d.ts').Stats} Stats */

/**
 * The sum of the counters of an earlier instance and of the present one.
 * @param {Stats | undefined} earlier
 * @param {Stats} [present]
 * @returns {Stats}
 */
export function addStats(earlier, present = NO_STATS) {
  if (earlier === undefined) return present;
  return {
    ...sum(earlier, present),
    openSpans: present.openSpans,
    lastError: present.lastError ?? earlier.lastError,
  };
}

/**
 * The counters of an instance that is gone: what was pending is lost, and so is each event since, as one row.
 * @param {Stats} [last] the counters when they were read last
 * @param {number} [events] the events since
 * @returns {Stats}
 */
export function lostStats(last = NO_STATS, events = 0) {
  const { bytes, pending } = last;
  return {
    ...last,
    events: last.events + events,
    accepted: last.accepted + events,
    pending: 0,
    lost: sum(last.lost, { engine_failed: pending + events }),
    bytes: { ...bytes, pending: 0, lost: sum(bytes.lost, { engine_failed: bytes.pending }) },
    lastError: 'the core has failed',
  };
}

/**
 * Adds numbers, member by member.
 * @param {any} one
 * @param {any} other
 * @returns {any}
 */
function sum(one, other) {
  if (typeof one !== 'object' && typeof other !== 'object') return (one ?? 0) + (other ?? 0);
  const names = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]);
  return Object.fromEntries([...names].map((name) => [name, sum(one?.[name], other?.[name])]));
}
