'use strict';

// What `top` shows of an application.

const { printable } = require('../collector/text');
const { counted, formatBytes, formatCount, formatDuration } = require('../support/format');

/** @typedef {import('./report').Count} Count */
/** @typedef {import('./report').Logger['stats']} Stats */
/** @typedef {{ text: string, style?: import('../support/terminal').Style }} Line */
/** @typedef {Pick<InstanceType<typeof import('./watched').Watched>, 'pid' | 'last' | 'before' | 'isSilent'>} Seen */

/**
 * @param {Seen} seen
 * @param {number} [now] by `performance.now()`
 * @returns {Line[]}
 */
function drawProcess({ pid, last, before, isSilent }, now = performance.now()) {
  if (last === undefined) {
    return [
      {
        text: `process ${pid} · no answer yet that can be read: it may be busy or stopped`,
        style: 'yellow',
      },
    ];
  }
  const { report, at } = last;
  // The rates of one that does not answer are those of earlier.
  const seconds = before === undefined || isSilent ? 0 : (at - before.at) / 1000;
  const uptime = report.uptimeMs === undefined ? '?' : formatDuration(report.uptimeMs / 1000);
  /** @type {Line[]} */
  const lines = [
    { text: `process ${report.pid} · ${printable(report.program)} · up ${uptime}`, style: 'bold' },
  ];
  if (isSilent) {
    const silence = formatDuration((now - at) / 1000);
    const text = `  no answer for ${silence}: it is busy or stopped; its last counters:`;
    lines.push({ text, style: 'yellow' });
  }
  if (report.loggers.length === 0) lines.push({ text: '  no logger yet' });
  report.loggers.forEach(({ projectName, server, stats }, index) => {
    const earlier = before?.report.loggers[index]?.stats;
    lines.push(
      { text: `  to ${printable(projectName)} at ${printable(server)}` },
      { text: `    ${rates(stats, earlier, seconds)}` },
      { text: `    ${totals(stats)}` },
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
  if (earlier === undefined || seconds <= 0) return `${count(stats.accepted)} rows so far`;
  const rate = (/** @type {'accepted' | 'events' | 'sent' | 'bytesSent'} */ name) => {
    const [now, then] = [stats[name], earlier[name]];
    // A counter that fell is that of another logger.
    return now === undefined || then === undefined || now < then
      ? undefined
      : (now - then) / seconds;
  };
  const shown = (/** @type {Count} */ value) => value?.toFixed(1) ?? '?';
  const bytes = rate('bytesSent');
  return [
    `${shown(rate('accepted'))} rows/s`,
    `${shown(rate('events'))} events/s`,
    `${shown(rate('sent'))} sent/s`,
    `${bytes === undefined ? '?' : formatBytes(Math.round(bytes))}/s`,
  ].join(' · ');
}

/** @param {Stats} stats */
function totals({ openSpans, pending, spooled, sent, lost, sampled }) {
  const total = lost.reduce(
    (/** @type {Count} */ sum, [, rows]) =>
      sum === undefined || rows === undefined ? undefined : sum + rows,
    0,
  );
  return [
    `${count(openSpans)} open`,
    `${count(pending)} pending`,
    `${count(spooled)} spooled`,
    `${count(sent)} sent`,
    `${count(total)} lost`,
    ...(sampled === 0 || sampled === undefined
      ? []
      : [`${count(sampled)} spans left out by sampling`]),
  ].join(' · ');
}

/** @param {Count} value */
const count = (value) => (value === undefined ? '?' : formatCount(value));

/**
 * @param {Stats} stats
 * @returns {Line[]}
 */
function warnings({ lost, lastError }) {
  /** @type {Line[]} */
  const lines = [];
  if (lost.length > 0) {
    const reasons = lost.map(([reason, rows]) => `${reason} ${count(rows)}`).join(', ');
    lines.push({ text: `    lost: ${printable(reasons)}`, style: 'red' });
  }
  if (lastError !== null) {
    lines.push({ text: `    last error: ${printable(lastError)}`, style: 'yellow' });
  }
  return lines;
}

/**
 * @param {Line[]} lines
 * @param {number} most
 * @returns {Line[]} the first ones, and how many more there are
 */
function fitting(lines, most) {
  if (lines.length <= most) return lines;
  const shown = lines.slice(0, most - 1);
  return [...shown, { text: `… ${counted(lines.length - shown.length, 'line')} more` }];
}

module.exports = { drawProcess, fitting };
