'use strict';

// The update that every descendant of a span gets.

const { filled, withUnread } = require('./attachment.js');
const { read } = require('./arguments.js');
const { spanEventOf } = require('./span-event.js');
const { toJsonSafe } = require('../json/stringify.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */

/** The files in such updates that were still being read. @type {WeakMap<object, import('./attachment.js').UnreadFile[]>} */
const unread = new WeakMap();

/**
 * What the arguments of a span propagate.
 * @param {StartSpanArgs | undefined} args
 */
function propagatedOf(args) {
  const given = read(args, 'propagatedEvent');
  if (typeof given !== 'object' || given === null) return undefined;
  const { update, files } = withUnread(
    () => /** @type {Record<string, any>} */ (toJsonSafe(given)),
  );
  if (files.length > 0) unread.set(update, files);
  return update;
}

/**
 * What is propagated to Flue's spans, as the native part takes it: they keep their names and types.
 * @param {Record<string, any>} propagated
 */
function flueUpdateOf(propagated) {
  const { name: _name, type: _type, ...update } = spanEventOf(propagated);
  return update;
}

/**
 * The files in what is propagated that were still being read.
 * @param {Record<string, any> | undefined} propagated
 */
const unreadIn = (propagated) => (propagated && unread.get(propagated)) ?? [];

/**
 * What is propagated, with its files.
 * @param {Record<string, any> | undefined} propagated
 */
async function wholePropagated(propagated) {
  const files = unreadIn(propagated);
  if (files.length === 0) return propagated;
  await Promise.all(files.map(({ reading }) => reading));
  return filled(propagated, files);
}

module.exports = { flueUpdateOf, propagatedOf, unreadIn, wholePropagated };
