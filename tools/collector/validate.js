'use strict';

// Checks rows, and lists their problems.

const { FIELDS, show } = require('./fields');
const { writtenTokens } = require('../support/cache-tokens');
const { isObject } = require('../support/json');
const { finiteNumbers } = require('./trace');

/** @typedef {import('./types').JsonObject} JsonObject */
/** @typedef {import('./types').Row} Row */

/** Fields that every row repeats, whatever it is about: in the logs of a project, and in an experiment. */
const ROW_IDENTITY = ['id', 'project_id', 'log_id'];
const EXPERIMENT_IDENTITY = ['id', 'experiment_id'];
/** Fields that every row of a span repeats besides. */
const SPAN_IDENTITY = ['span_id', 'root_span_id'];

/**
 * @param {unknown} row
 * @returns {row is Row} whether it can be stored at all: an object with an id
 */
function isStorable(row) {
  return isObject(row) && typeof row.id === 'string' && row.id !== '';
}

/** Of these, a row has one at least; other objects with an id have none. */
const OBJECT_IDS = [...ROW_IDENTITY, ...EXPERIMENT_IDENTITY, ...SPAN_IDENTITY, 'dataset_id'].filter(
  (field) => field !== 'id',
);

/**
 * @param {unknown} value
 * @returns {boolean} whether it is a row, and not any object with an id
 */
function isRow(value) {
  return isStorable(value) && OBJECT_IDS.some((field) => value[field] !== undefined);
}

/**
 * Checks one row as it arrived, by itself.
 *
 * @param {JsonObject} incoming
 * @returns {string[]} what breaks the protocol; empty when nothing does
 */
function checkIncomingRow(incoming) {
  const identity = incoming.experiment_id === undefined ? ROW_IDENTITY : EXPERIMENT_IDENTITY;
  const required = needsSpanIds(incoming) ? [...identity, ...SPAN_IDENTITY] : identity;
  const missing = required
    .filter((field) => incoming[field] === undefined)
    .map((field) => `${field} is missing`);

  const wrong = Object.entries(incoming).flatMap(([field, value]) => {
    const check = FIELDS.get(field);
    return check === undefined
      ? [`${field} is not a field of a row`]
      : check(value).map((problem) => `${field}${separator(problem)}${problem}`);
  });

  const parents = incoming.span_parents;
  const ownParent =
    Array.isArray(parents) && parents.includes(incoming.span_id)
      ? ['span_parents must not name the span itself']
      : [];
  return [...missing, ...wrong, ...ownParent];
}

/**
 * Checks a stored row against what was stored of it before.
 *
 * @param {Row | undefined} before
 * @param {Row} after
 * @param {boolean} isMerge whether the row in between was a merge
 * @returns {string[]} what breaks the protocol; empty when nothing does
 */
function checkStoredRow(before, after, isMerge) {
  return [
    ...(before === undefined ? [] : changedIds(before, after)),
    ...(before === undefined || isMerge ? [] : lostFields(before, after)),
    ...wrongMetrics(finiteNumbers(after.metrics)),
  ];
}

/**
 * Whether a row must have the ids of a span: feedback, comments and updates that know only the id of the row have none.
 *
 * @param {JsonObject} row
 * @returns {boolean}
 */
function needsSpanIds(row) {
  const feedback = row._audit_source !== undefined && row.span_id === undefined;
  const isUpdate = row._is_merge === true && row.created === undefined;
  if (isUpdate && row.span_id === undefined && row.root_span_id === undefined) return false;
  return !feedback && row.comment === undefined && row._object_delete !== true;
}

/**
 * @param {string} problem begins with `must` when it is about the field itself
 * @returns {string}
 */
function separator(problem) {
  return problem.startsWith('must ') ? ' ' : '.';
}

/**
 * @param {Row} before
 * @param {Row} after
 * @returns {string[]}
 */
function changedIds(before, after) {
  return SPAN_IDENTITY.filter(
    (field) => before[field] !== undefined && before[field] !== after[field],
  ).map((field) => `${field} changed from ${show(before[field])} to ${show(after[field])}`);
}

/**
 * @param {Row} before
 * @param {Row} after
 * @returns {string[]} a start row that comes late wipes what was merged before it
 */
function lostFields(before, after) {
  const lost = namesIn(before).filter((name) => !namesIn(after).includes(name));
  return lost.length === 0 ? [] : [`replaces the stored row and loses ${lost.join(', ')}`];
}

/**
 * @param {Row} row
 * @returns {string[]} its fields, and `metrics.<name>` for each metric
 */
function namesIn(row) {
  const metrics = isObject(row.metrics) ? Object.keys(row.metrics) : [];
  return [...Object.keys(row), ...metrics.map((name) => `metrics.${name}`)];
}

/**
 * @param {{ [name: string]: number }} metrics
 * @returns {string[]}
 */
function wrongMetrics(metrics) {
  const problems = [];
  const { start, end, prompt_tokens: prompt, prompt_cached_tokens: read = 0 } = metrics;
  if (start !== undefined && end !== undefined && end < start) {
    problems.push(`metrics.end ${end} lies before metrics.start ${start}`);
  }
  const cached = read + (writtenTokens(metrics) ?? 0);
  if (prompt !== undefined && cached > prompt) {
    problems.push(`metrics.prompt_tokens ${prompt} does not include the ${cached} cached tokens`);
  }
  return problems;
}

module.exports = { checkIncomingRow, checkStoredRow, isRow, isStorable };
