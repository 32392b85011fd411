'use strict';

// Sizes, ages and losses as people read them.

const { counted } = require('../collector/text');

const UNITS = /** @type {const} */ ([
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]);

/**
 * @param {number} count
 * @returns {string} such as `1.4 MiB`
 */
function formatBytes(count) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/**
 * @param {string} date an ISO date
 * @param {number} [now]
 * @returns {string} such as `3 hours ago`
 */
function formatAge(date, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(date)) / 1000);
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? ['second', 1];
  const count = Math.floor(seconds / length);
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

/**
 * @param {Record<string, number>} lost rows by reason
 * @returns {string[]} a line for each reason
 */
function lossLines(lost) {
  return Object.entries(lost).map(([reason, rows]) => `Lost ${counted(rows, 'row')}: ${reason}.`);
}

module.exports = { formatAge, formatBytes, lossLines };
