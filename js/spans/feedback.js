'use strict';

// Feedback about a span, as the native part takes it.

const { toJsonSafe } = require('../json/stringify.js');
const { read } = require('./arguments.js');
const { partsWith, withUnread } = require('./attachment.js');
const { noteUpdate, repeatWhenRead } = require('./repeated-updates.js');
const { optionalUUID } = require('./span-ids.js');
const { spanUpdateOf } = require('./span-update.js');
const { wallMs } = require('../wall-clock.js');
const { warn } = require('../warn.js');

/**
 * The row that feedback is about.
 * @typedef {object} Target
 * @property {string} [id] none: it cannot be used
 * @property {string} [rootSpanId] the trace, if it is known
 */

/**
 * The event of feedback. The native part checks it: what cannot be used is counted, with a warning. Does not change
 * what the application passes. Never throws.
 * @param {Target} target
 * @param {import('../../index.d.ts').Feedback} given
 * @param {string} [otherwise] the source when none is given
 */
function feedbackEvent({ id, rootSpanId }, given, otherwise) {
  const { expected, metadata, tags } = spanUpdateOf(given, false);
  const source = safely(() => given.source) ?? otherwise;
  const comment = safely(() => given.comment);
  return {
    type: 'feedback',
    timestamp: wallMs(),
    spanId: id,
    rootSpanId: rootSpanId || undefined,
    // What is not text is not a source: the native part refuses this one.
    ...(isGiven(source) && { kind: typeof source === 'string' ? source : '(no text)' }),
    ...(isGiven(comment) && { message: comment, commentId: optionalUUID().replaceAll('-', '') }),
    span: { expected, metadata, tags, scores: safely(() => scoresOf(read(given, 'scores'))) },
  };
}

/**
 * Records feedback, and the files of what is expected once they are read. Never throws.
 * @param {InstanceType<typeof import('../destination.js').Destination>} destination
 * @param {Target} target
 * @param {import('../../index.d.ts').Feedback} given
 * @param {string} [otherwise] the source when none is given
 */
function recordFeedback(destination, target, given, otherwise) {
  const { update: event, files } = withUnread(() => feedbackEvent(target, given, otherwise));
  const { type, timestamp, spanId, rootSpanId, kind } = event;
  const { expected, metadata } = event.span;
  // Metadata belongs to this feedback alone: other feedback cannot complete it.
  if (partsWith(metadata, files) !== undefined) {
    const what = 'A file in the metadata of feedback is left out: it was still being read';
    warn('BAD_SPAN', `${what}.`, what);
  }
  if (spanId !== undefined) noteUpdate(spanId, { expected });
  destination.record(event, 'Start');
  if (spanId === undefined || partsWith(expected, files) === undefined) return;
  const repeated = repeatWhenRead(spanId, { expected }, files, (span) =>
    destination.record({ type, timestamp, spanId, rootSpanId, kind, span }, 'Start'),
  );
  destination.defer(repeated);
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

module.exports = { recordFeedback };
