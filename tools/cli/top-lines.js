'use strict';

// What `top` shows of an application.

const { printable } = require('../collector/text');
const { formatBytes, formatCount, formatDuration } = require('../support/format');

/** @typedef {import('./watched').Report} Report */
/** @typedef {import('../../index.d.ts').Stats} Stats */
/** @typedef {{ text: string, style?: import('../support/terminal').Style }} Line */

/**
 * @param {{ last?: import('./watched').Sample | undefined, before?: import('./watched').Sample | undefined }} watched
 * @returns {Line[]}
 */
function drawProcess({ last, before }) {
  if (last === undefined) return [];
  const { report, at } = last;
  const seconds = before === undefined ? 0 : (at - before.at) / 1000;
  /** @type {Line[]} */
  const lines = [
    {
      text: `process ${report.pid} · ${printable(String(report.program))} · up ${formatDuration(report.uptimeMs / 1000)}`,
      style: 'bold',
    },
  ];
  if (report.loggers.length === 0) lines.push({ text: '  no logger yet' });
  report.loggers.forEach(({ projectName, server, stats }, index) => {
    const earlier = before?.report.loggers[index]?.stats;
    lines.push(
      { text: `  to ${printable(String(projectName))} at ${printable(String(server))}` },
      { text: `    ${rates(stats, earlier, seconds)}` },
      { text: `    ${amounts(stats)}` },
      ...warnings(stats),
    );
  });
  return lines;
}

/**
 * @param {Stats} stats
 * @param {Stats | undefined} earlier
 * @param {number} seconds between the two
 */
function rates(stats, earlier, seconds) {
  if (earlier === undefined || seconds <= 0) return `${formatCount(stats.accepted)} rows so far`;
  const rate = (/** @type {number} */ now, /** @type {number} */ then) =>
    ((now - then) / seconds).toFixed(1);
  return [
    `${rate(stats.accepted, earlier.accepted)} rows/s`,
    `${rate(stats.events, earlier.events)} events/s`,
    `${rate(stats.sent, earlier.sent)} sent/s`,
    `${formatBytes(Math.round((stats.bytesSent - earlier.bytesSent) / seconds))}/s`,
  ].join(' · ');
}

/** @param {Stats} stats */
function amounts({ openSpans, pending, spooled, sent, lost }) {
  const total = Object.values(lost).reduce((sum, rows) => sum + rows, 0);
  return [
    `${formatCount(openSpans)} open`,
    `${formatCount(pending)} pending`,
    `${formatCount(spooled)} spooled`,
    `${formatCount(sent)} sent`,
    `${formatCount(total)} lost`,
  ].join(' · ');
}

/**
 * @param {Stats} stats
 * @returns {Line[]}
 */
function warnings({ lost, lastError }) {
  const reasons = Object.entries(lost).map(([reason, rows]) => `${reason} ${formatCount(rows)}`);
  return [
    ...(reasons.length > 0
      ? [
          {
            text: `    lost: ${printable(reasons.join(', '))}`,
            style: /** @type {const} */ ('red'),
          },
        ]
      : []),
    ...(lastError === null
      ? []
      : [
          {
            text: `    last error: ${printable(String(lastError))}`,
            style: /** @type {const} */ ('yellow'),
          },
        ]),
  ];
}

module.exports = { drawProcess };
