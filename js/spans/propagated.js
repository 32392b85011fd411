'use strict';

// The update that every descendant of a span gets.

const { filled, withUnread } = require('./attachment.js');
const { read } = require('./arguments.js');
const { spanEventOf } = require('./span-event.js');
const { mark } = require('../json/marks.js');
const { JSON } = require('../json/own-json.js');
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

/** The base64 of a file: of a `data:` URL, whose type it has, or else of some length. */
const FILE = /data:([^,]{0,200});base64,([\w+/-]*)=*|(?<![\w+/-])([\w+/-]{1000,})=*/gi;

/**
 * What a slug propagates, which may stand in headers and logs of other processes: no file, and of the content what rows
 * may have.
 * @param {Record<string, any> | undefined} propagated
 * @param {InstanceType<typeof import('../destination.js').Destination>} destination of the span
 */
async function slugEventOf(propagated, destination) {
  if (propagated === undefined) return undefined;
  const whole = await wholePropagated(propagated);
  const kept = destination.redactPropagated(
    JSON.stringify(whole, (_, value) => withoutFiles(value)),
  );
  // The mark by which Braintrust leaves scorers out of usage. A fixed word is not content.
  if (propagated.span_attributes?.purpose !== 'scorer') return kept;
  return { ...kept, span_attributes: { ...kept?.span_attributes, purpose: 'scorer' } };
}

/** @param {unknown} value */
const withoutFiles = (value) =>
  typeof value === 'string'
    ? value.replace(FILE, (_, type, data, bare) => {
        const bytes = Math.floor(((data ?? bare).length * 3) / 4);
        return mark(`a file that no slug has: ${type ? `${type}, ` : ''}${bytes} bytes`);
      })
    : value;

module.exports = { flueUpdateOf, propagatedOf, slugEventOf, unreadIn };
