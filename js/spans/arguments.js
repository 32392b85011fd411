'use strict';

// Reads the arguments of `startSpan` and `traced`: what cannot be read is left out.

const { spanUpdateOf } = require('./span-update.js');
const { isObject } = require('../json/is-object.js');
const { warn } = require('../warn.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */

/** The types of spans. @type {readonly import('../../index.d.ts').SpanType[]} */
const TYPES = [
  'task',
  'llm',
  'tool',
  'function',
  'score',
  'eval',
  'automation',
  'facet',
  'preprocessor',
  'classifier',
  'review',
];

/**
 * What a span passes on to its descendants.
 * @typedef {object} Inherited
 * @property {Record<string, any>} [propagated] the update that every descendant gets
 * @property {Record<string, any>} [flueUpdate] the same for Flue's spans, as the native part takes it
 * @property {import('../context.js').TraceCarrier} [carrier] the headers that the span or an ancestor continues
 */

/**
 * The ids of a span.
 * @typedef {object} SpanIds
 * @property {string} id of its row
 * @property {string} spanId
 * @property {string} rootSpanId
 * @property {readonly string[]} spanParents
 * @property {import('../slug-destinations.js').SpanObject} [object] what it is in, as far as its slug states that
 * @property {boolean} [isRemote] whether it was named by its ids: another process may record its trace
 */

/** @typedef {SpanIds & Inherited} SpanContext */

/**
 * What a span passes on, without what it does not have.
 * @param {Inherited | undefined} context
 * @returns {Inherited}
 */
function inheritedOf({ propagated, carrier } = {}) {
  return { ...(propagated && { propagated }), ...(carrier && { carrier }) };
}

/**
 * A member of an argument; nothing where it cannot be read.
 * @param {any} args
 * @param {string} name
 */
function read(args, name) {
  try {
    return args?.[name];
  } catch {
    return undefined;
  }
}

/**
 * The value, if it is an object. A text would have a member for each character.
 * @param {any} value
 * @returns {Record<string, any>}
 */
const objectOrEmpty = (value) => (isObject(value) ? value : {});

/** A name; undefined if none is given. @param {unknown} given */
function nameOf(given) {
  return given === undefined || given === null || given === '' ? undefined : String(given);
}

/**
 * A type of spans; undefined if none is given, and with a warning if there is none of that name.
 * @param {unknown} given
 */
function typeOf(given) {
  if (given === undefined || given === null) return undefined;
  const type = TYPES.find((one) => one === given);
  if (type === undefined) {
    warn('BAD_TYPE', `The types of spans are ${TYPES.join(', ')}; another one is ignored.`);
  }
  return type;
}

/**
 * The name, the type and the other attributes of a span.
 * @param {Omit<StartSpanArgs, 'event'> | undefined} args
 */
function labelOf(args) {
  /** @type {Record<string, any>} */
  const label = {};
  try {
    // As in the `braintrust` package, a name and a type among the attributes win.
    const given = objectOrEmpty(args);
    const { name: ownName, type: ownType, ...attributes } = objectOrEmpty(given.spanAttributes);
    const name = nameOf(ownName) ?? nameOf(given.name);
    const type = typeOf(ownType) ?? typeOf(given.type);
    if (name !== undefined) label.name = name;
    if (type !== undefined) label.type = type;
    const { metadata } = spanUpdateOf({ metadata: attributes });
    if (Object.keys(attributes).length > 0) label.attributes = metadata;
  } catch {
    // Attributes that cannot be read are left out.
  }
  return label;
}

module.exports = { inheritedOf, labelOf, objectOrEmpty, nameOf, read, typeOf };
