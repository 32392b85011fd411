'use strict';

// Checks the arguments of `startSpan` and `traced`: what cannot be used is left out with a warning.

const { warn } = require('../warn.js');
const { spanUpdateOf } = require('./span-update.js');
const { readSlug } = require('./slug.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */

/**
 * The ids of a span.
 * @typedef {object} SpanContext
 * @property {string} id of its row
 * @property {string} spanId
 * @property {string} rootSpanId
 * @property {readonly string[]} spanParents
 * @property {Record<string, any>} [propagated] the update that every descendant gets
 */

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
 * @param {StartSpanArgs | undefined} args
 * @param {Record<string, any> | undefined} propagated
 */
function attributesOf(args, propagated) {
  return { ...args?.spanAttributes, ...propagated?.span_attributes };
}

/**
 * The name, the type and the other attributes of a span.
 * @param {Omit<StartSpanArgs, 'event'> | undefined} args
 */
function labelOf(args) {
  /** @type {Record<string, any>} */
  const label = {};
  try {
    const { name: ownName, type: ownType, ...attributes } = args?.spanAttributes ?? {};
    const { name = ownName, type = ownType } = args ?? {};
    if (name !== undefined && name !== '') label.name = String(name);
    if (type !== undefined) label.type = String(type);
    const { metadata } = spanUpdateOf({ metadata: attributes });
    if (Object.keys(attributes).length > 0) label.attributes = metadata;
  } catch {
    // Attributes that cannot be read are left out.
  }
  return label;
}

/**
 * The span that a slug names. Undefined without one, and with a warning when it cannot be read.
 * @param {unknown} slug
 * @returns {SpanContext | undefined}
 */
function spanContextOf(slug) {
  if (slug === undefined || slug === null || slug === '') return undefined;
  const ids = typeof slug === 'string' ? readSlug(slug) : undefined;
  if (typeof ids?.span_id !== 'string' || typeof ids.root_span_id !== 'string') {
    warn('BAD_PARENT', '`parent` is no slug of a span in a project; it is ignored.');
    return undefined;
  }
  return {
    id: ids.row_id ?? '',
    spanId: ids.span_id,
    rootSpanId: ids.root_span_id,
    spanParents: [],
    ...(ids.propagated_event && { propagated: ids.propagated_event }),
  };
}

module.exports = { attributesOf, labelOf, spanContextOf, read };
