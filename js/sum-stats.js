'use strict';

// Sums of counters.

const { NO_STATS } = require('./no-stats.js');

/** @typedef {import('../index.d.ts').Stats} Stats */

/**
 * The sum of the counters of several recorders.
 * @param {Stats[]} all the last error is that of the last one that has any
 * @returns {Stats}
 */
function sumStats(all) {
  const lastError = all.map((stats) => stats.lastError).findLast((error) => error !== null) ?? null;
  return { ...NO_STATS, ...all.reduce(sum, { ...NO_STATS }), lastError };
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

module.exports = { sum, sumStats };
