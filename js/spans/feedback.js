'use strict';

// Feedback about a span, as the native part takes it.

const { randomUUID } = require('../builtins/index.js');
const { toJsonSafe } = require('../json/stringify.js');
const { read } = require('./arguments.js');
const { spanUpdateOf } = require('./span-update.js');

/**
 * The event of a feedback. The native part checks it: what cannot be used is counted, with a warning. Does not change
 * what the application passes. Never throws.
 * @param {string | undefined} id of the row that it is about
 * @param {import('../../index.d.ts').Feedback} given
 */
function feedbackEvent(id, given) {
  const { expected, metadata, tags } = spanUpdateOf(given);
  const source = safely(() => given.source);
  const comment = safely(() => given.comment);
  return {
    type: 'feedback',
    timestamp: Date.now(),
    spanId: id,
    ...(isGiven(source) && { kind: String(source) }),
    ...(isGiven(comment) && { message: comment, commentId: randomUUID().replaceAll('-', '') }),
    span: { expected, metadata, tags, scores: safely(() => scoresOf(read(given, 'scores'))) },
  };
}

/** @param {unknown} value */
const isGiven = (value) => value !== undefined && value !== null && value !== '';

/**
 * A value in a form that JSON holds; a mark where it cannot be read.
 * @param {() => unknown} get
 */
function safely(get) {
  try {
    return toJsonSafe(get());
  } catch {
    return { unreadable: true };
  }
}

/**
 * Scores with numbers for booleans, as the `braintrust` package has them. Anything that is no score stays, for the
 * native part to refuse.
 * @param {unknown} given
 */
function scoresOf(given) {
  if (given === null || typeof given !== 'object' || Array.isArray(given))
    return given ?? undefined;
  const scores = Object.entries(given).filter(([, score]) => score !== undefined);
  if (scores.length === 0) return undefined;
  return Object.fromEntries(
    scores.map(([name, score]) => [name, typeof score === 'boolean' ? Number(score) : score]),
  );
}

module.exports = { feedbackEvent };
