'use strict';

// The thread that searches. Holds the text of every row; `search.js` keeps it up to date.

const { parentPort } = require('node:worker_threads');

const { keepNewest } = require('../support/keep-newest');
const { addTo, removeFrom } = require('../support/sets-by-key');
const { excerptOf, patternOf, searchText } = require('./search-text');

/** @typedef {import('./types').SearchAnswer} SearchAnswer */
/** @typedef {import('./types').SearchMessage} SearchMessage */

/** How many searches have their results kept up to date, so that a page that repeats one costs little. */
const MAX_SEARCHES = 4;

/** The texts of rows, by trace and row. @type {Map<string, Map<string, string>>} */
const texts = new Map();

/** The rows that contain what was searched, by trace. @typedef {Map<string, Set<string>>} Found */

/** @type {Map<string, { pattern: RegExp, found: Found }>} */
const searches = new Map();

parentPort?.on('message', (/** @type {SearchMessage} */ message) => {
  switch (message.kind) {
    case 'rows':
      for (const [traceId, row] of message.rows) update(traceId, row);
      break;
    case 'keep':
      keep(message.traceId, new Set(message.rowIds));
      break;
    default:
      answer(message.id, resultOf(message));
  }
});

/** @param {Extract<SearchMessage, { id: number }>} message @returns {SearchAnswer['result']} */
function resultOf({ needle, within, excerptsOf }) {
  const { pattern, found } = search(needle);
  if (within !== undefined) return [...(found.get(within) ?? [])];
  if (excerptsOf === undefined) return [...found.keys()];
  return excerptsOf.map((traceId) => {
    const [rowId = ''] = found.get(traceId) ?? [];
    return excerptOf(texts.get(traceId)?.get(rowId) ?? '', pattern);
  });
}

/** @param {string} needle */
function search(needle) {
  const known = searches.get(needle);
  searches.delete(needle);
  const pattern = known?.pattern ?? patternOf(needle);
  const result = known ?? { pattern, found: findAll(pattern) };
  searches.set(needle, result);
  keepNewest(searches, MAX_SEARCHES);
  return result;
}

/** @param {RegExp} pattern @returns {Found} */
function findAll(pattern) {
  /** @type {Found} */
  const found = new Map();
  for (const [traceId, rows] of texts) {
    for (const [rowId, text] of rows) {
      if (pattern.test(text)) addTo(found, traceId, rowId);
    }
  }
  return found;
}

/** @param {string} traceId @param {import('../support/json').JsonObject} row */
function update(traceId, row) {
  const text = searchText(row);
  const rows = texts.get(traceId) ?? new Map();
  texts.set(traceId, rows.set(row.id, text));
  for (const { pattern, found } of searches.values()) {
    if (pattern.test(text)) addTo(found, traceId, String(row.id));
    else removeFrom(found, traceId, String(row.id));
  }
}

/** @param {string} traceId @param {Set<string>} rowIds the rows that the trace still has */
function keep(traceId, rowIds) {
  const rows = texts.get(traceId) ?? new Map();
  for (const rowId of rows.keys()) {
    if (rowIds.has(rowId)) continue;
    rows.delete(rowId);
    for (const { found } of searches.values()) removeFrom(found, traceId, rowId);
  }
  if (rows.size === 0) texts.delete(traceId);
}

/** @param {number} id @param {SearchAnswer['result']} result */
function answer(id, result) {
  parentPort?.postMessage({ id, result });
}
