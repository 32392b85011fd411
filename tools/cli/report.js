'use strict';

// What an application reports to `top`: checked, since anything may listen on a socket.

const { isObject } = require('../support/json');

/** The deepest nesting of a report, and the most loggers of it. Real ones have five levels. */
const [MAX_DEPTH, MAX_LOGGERS] = [16, 100];
/** The counters that are shown. */
const COUNTERS = /** @type {const} */ ([
  'accepted',
  'events',
  'sent',
  'bytesSent',
  'openSpans',
  'pending',
  'spooled',
  'sampled',
]);

/** A count that is shown; undefined: it is missing, or not a count. @typedef {number | undefined} Count */

/**
 * @typedef {object} Logger
 * @property {string} projectName
 * @property {string} server
 * @property {{ [C in typeof COUNTERS[number]]: Count } & { lost: [reason: string, rows: Count][], lastError: string | null }} stats
 */

/**
 * @typedef {object} Report
 * @property {number} pid
 * @property {string} program
 * @property {Count} uptimeMs
 * @property {Logger[]} loggers
 * @property {import('../support/json').JsonObject} raw as it came
 */

/**
 * Reads an answer; see `js/node-host.js` for what it has.
 *
 * @param {string} line
 * @param {number} pid of the process that owns the socket
 * @returns {Report | undefined} undefined: it is not a report
 */
function reportOf(line, pid) {
  const raw = parsed(line);
  if (!isObject(raw) || !Array.isArray(raw.loggers)) return undefined;
  return {
    pid: countOf(raw.pid) ?? pid,
    program: textOf(raw.program),
    uptimeMs: countOf(raw.uptimeMs),
    loggers: raw.loggers.filter(isObject).slice(0, MAX_LOGGERS).map(loggerOf),
    raw,
  };
}

/** @param {string} line @returns {unknown} undefined: it is not JSON, or nested too deeply to be walked */
function parsed(line) {
  let depth = 0;
  for (const character of line) {
    if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth > MAX_DEPTH) return undefined;
  }
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** @param {import('../support/json').JsonObject} logger @returns {Logger} */
function loggerOf({ projectName, server, stats }) {
  const given = isObject(stats) ? stats : {};
  const counts = COUNTERS.map((name) => /** @type {const} */ ([name, countOf(given[name])]));
  const lost = Object.entries(isObject(given.lost) ? given.lost : {});
  return {
    projectName: textOf(projectName),
    server: textOf(server),
    stats: {
      .../** @type {{ [C in typeof COUNTERS[number]]: Count }} */ (Object.fromEntries(counts)),
      lost: lost.map(([reason, rows]) => [reason, countOf(rows)]),
      lastError: typeof given.lastError === 'string' ? given.lastError : null,
    },
  };
}

/** @param {unknown} value @returns {Count} */
const countOf = (value) =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;

/** @param {unknown} value */
const textOf = (value) => (typeof value === 'string' ? value : '?');

module.exports = { reportOf };
