// Counters across instances of the core.

import { NO_STATS } from '../no-stats.js';
import { sum } from '../sum-stats.js';

/** @typedef {import('../../index.d.ts').Stats} Stats */

/**
 * The beginning of a line about a loss, such as `1 row is lost`.
 * @param {number} rows
 * @param {number} [attachments]
 */
export function lossOf(rows, attachments = 0) {
  const counts = Object.entries({ row: rows, attachment: attachments });
  const lost = counts.filter(([, count]) => count > 0);
  const stated = lost.map(([what, count]) => `${count} ${what}${count === 1 ? '' : 's'}`);
  return `${stated.join(' and ') || 'nothing'} ${rows + attachments > 1 ? 'are' : 'is'} lost`;
}

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
 * The counters of an instance that is gone: pending rows are lost, and so is each event that was not yet a row, as one
 * row. What its storage has is counted again by the next instance.
 * @param {Stats} [last] the counters when they were read last
 * @param {object} [more]
 * @param {number} [more.waiting] the events of these counters that were no rows yet
 * @param {number} [more.events] the events since
 * @param {import('../../index.d.ts').LossReason} [more.reason]
 * @returns {Stats}
 */
export function lostStats(
  last = NO_STATS,
  { waiting = 0, events = 0, reason = 'engine_failed' } = {},
) {
  const { attachments, bytes, pending, spooled } = last;
  const withLoss = (/** @type {Stats['lost']} */ lost, /** @type {number} */ count) =>
    count > 0 ? sum(lost, { [reason]: count }) : lost;
  return {
    ...last,
    events: last.events + events,
    accepted: last.accepted + waiting + events - spooled,
    pending: 0,
    spooled: 0,
    lost: withLoss(last.lost, pending + waiting + events),
    bytes: {
      ...bytes,
      accepted: bytes.accepted - bytes.spooled,
      pending: 0,
      spooled: 0,
      lost: withLoss(bytes.lost, bytes.pending),
    },
    attachments: {
      ...attachments,
      pending: 0,
      lost: withLoss(attachments.lost, attachments.pending),
    },
  };
}
