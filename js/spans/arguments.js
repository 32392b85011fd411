'use strict';

// Reads the arguments of `startSpan` and `traced`: what cannot be read is left out.

const { isObject, spanUpdateOf } = require('./span-update.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */

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
 * The members of what is to be an object: none of anything else, such as a text, which would have one for each character.
 * @param {any} value
 * @returns {Record<string, any>}
 */
const membersOf = (value) => (isObject(value) ? value : {});

/**
 * The name, the type and the other attributes of a span.
 * @param {Omit<StartSpanArgs, 'event'> | undefined} args
 */
function labelOf(args) {
  /** @type {Record<string, any>} */
  const label = {};
  try {
    // As in the `braintrust` package, a name and a type among the attributes win.
    const given = membersOf(args);
    const { name = given.name, type = given.type, ...attributes } = membersOf(given.spanAttributes);
    if (name !== undefined && name !== '') label.name = String(name);
    if (type !== undefined) label.type = String(type);
    const { metadata } = spanUpdateOf({ metadata: attributes });
    if (Object.keys(attributes).length > 0) label.attributes = metadata;
  } catch {
    // Attributes that cannot be read are left out.
  }
  return label;
}

module.exports = { inheritedOf, labelOf, membersOf, read };
