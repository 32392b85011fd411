'use strict';

// Durations, times, counts, costs, sizes, ages and losses for people. The viewer's page bundles this file, too: it
// uses nothing of Node.

const UNITS = /** @type {const} */ ([
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]);

/**
 * @param {number} seconds
 * @returns {string} such as `320 ms`, `1.24 s`, `2 m 03 s`, `1 h 02 m`
 */
function formatDuration(seconds) {
  const ms = Math.round(seconds * 1000);
  if (ms < 1) return '<1 ms';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const wholeSeconds = Math.round(ms / 1000);
  const wholeMinutes = Math.floor(wholeSeconds / 60);
  if (wholeMinutes < 60) return `${wholeMinutes} m ${twoDigits(wholeSeconds % 60)} s`;
  return `${Math.floor(wholeMinutes / 60)} h ${twoDigits(wholeMinutes % 60)} m`;
}

/**
 * @param {number} count
 * @returns {string} such as `1,204`
 */
function formatCount(count) {
  return count.toLocaleString('en-US');
}

/**
 * @param {number} dollars
 * @returns {string} such as `$0.0123`
 */
function formatCost(dollars) {
  return dollars > 0 && dollars < 0.0001 ? '<$0.0001' : `$${dollars.toFixed(4)}`;
}

/**
 * @param {number} count
 * @param {string} noun
 * @returns {string} such as `1 span`, `1,204 spans`
 */
function counted(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * @param {number} n
 * @returns {string}
 */
function twoDigits(n) {
  return String(n).padStart(2, '0');
}

/**
 * @param {number} seconds since the epoch
 * @returns {string} local time, with the day unless it is today
 */
function formatTime(seconds) {
  const at = new Date(seconds * 1000);
  const clock = at.toLocaleTimeString(undefined, { hour12: false });
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? clock : `${at.toLocaleDateString()} ${clock}`;
}

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

module.exports = {
  counted,
  formatAge,
  formatBytes,
  formatCost,
  formatCount,
  formatDuration,
  formatTime,
  lossLines,
};
