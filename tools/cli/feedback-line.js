'use strict';

// The line that `dev` prints for feedback.

const { printable, shorten } = require('../collector/text');
const { isObject } = require('../support/json');

/** The most columns of a text or a value, and of all of them. */
const [MAX_TEXT, MAX_CHANGES] = [80, 400];

/**
 * One line, such as `feedback: user_rating 1 on flue.prompt (house-1)`.
 *
 * @param {import('../collector/types').Feedback} feedback
 * @returns {string}
 */
function feedbackLine({ rowId, row, span }) {
  const changes = shorten(changesOf(row).join(', '), MAX_CHANGES) || 'nothing but its source';
  const where =
    span === undefined
      ? `for the id ${clean(rowId)}, which no trace here has`
      : `on ${nameOf(span)}`;
  return `feedback: ${changes} ${where}\n`;
}

/**
 * @param {import('../collector/types').Row} row
 * @returns {string[]}
 */
function changesOf({ scores, expected, tags, comment, _audit_metadata: metadata }) {
  const text = isObject(comment) ? comment.text : undefined;
  return [
    ...Object.entries(isObject(scores) ? scores : {}).map(
      ([name, score]) => `${clean(name)} ${clean(score)}`,
    ),
    ...(expected === undefined ? [] : [`expected ${clean(expected)}`]),
    ...(Array.isArray(tags) ? [`tags ${tags.map(clean).join(' ')}`] : []),
    ...(text === undefined ? [] : [`comment ${clean(JSON.stringify(text))}`]),
    ...(isObject(metadata) && scores === undefined && text === undefined
      ? [`metadata ${clean(metadata)}`]
      : []),
  ];
}

/** @param {import('../collector/types').Row} span */
function nameOf({ span_attributes: attributes, metadata }) {
  const name = isObject(attributes) ? attributes.name : undefined;
  const known = isObject(metadata) ? metadata : {};
  const who =
    known['flue.instance_id'] ?? known['flue.run_id'] ?? known['flue.submission_id'] ?? undefined;
  const suffix = who === undefined ? '' : ` (${clean(who)})`;
  return `${typeof name === 'string' && name !== '' ? clean(name) : 'a span without a name'}${suffix}`;
}

/** @param {unknown} value */
function clean(value) {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return shorten(printable(text.slice(0, 10 * MAX_TEXT)), MAX_TEXT);
}

module.exports = { feedbackLine };
