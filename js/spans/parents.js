'use strict';

// The parents that applications name for their spans: slugs, W3C headers, ids.

const { warn } = require('../warn.js');
const { read } = require('./arguments.js');
const { readSlug, spanObjectOf } = require('./slug.js');
const { HEX_16, HEX_32, objectIn, traceContextOf } = require('./trace-context.js');

/** @typedef {import('./arguments.js').SpanContext} SpanContext */

/**
 * Where new traces begin, as the slug of a logger or an experiment names it.
 * @typedef {object} TracePlace
 * @property {true} beginsTraces
 * @property {import('../slug-destinations.js').SpanObject} object
 * @property {Record<string, any>} [propagated] the update that every span gets
 */

/** The older form of the ids of spans and traces. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What W3C and OpenTelemetry state where there is no span. */
const NO_ID = /^[0-]*$/;

/** @param {unknown} id @param {RegExp} form */
const isId = (id, form) =>
  typeof id === 'string' && (form.test(id) || UUID.test(id)) && !NO_ID.test(id);
/** @param {unknown} id */
const isSpanId = (id) => isId(id, HEX_16);
/** @param {unknown} id */
const isTraceId = (id) => isId(id, HEX_32);

/**
 * The parent that arguments name; undefined if they name none, and with a warning when it cannot be used.
 * @param {any} args of `startSpan`
 * @returns {SpanContext | TracePlace | undefined}
 */
function parentOf(args) {
  return namedParent(read(args, 'parent')) ?? parentOfIds(read(args, 'parentSpanIds'));
}

/**
 * The span that a slug or W3C headers name, or the logs or the experiment that a slug names. Undefined without one, and
 * with a warning when it cannot be read.
 * @param {unknown} parent
 * @param {string} [name] of the argument
 * @returns {SpanContext | TracePlace | undefined}
 */
function namedParent(parent, name = 'parent') {
  if (parent === undefined || parent === null || parent === '') return undefined;
  const found = typeof parent === 'string' ? slugParent(parent) : headerParent(parent);
  if (found === undefined) {
    const what = `\`${name}\` is not a slug of a span in a project or an experiment`;
    warn('BAD_PARENT', `${what}; it is ignored.`, what);
  }
  return found;
}

/**
 * @param {string} slug
 * @returns {SpanContext | TracePlace | undefined}
 */
function slugParent(slug) {
  const ids = readSlug(slug);
  const object = ids && spanObjectOf(ids);
  if (ids?.span_id === undefined && object !== undefined) {
    const propagated = ids?.propagated_event;
    return { beginsTraces: true, object, ...(propagated && { propagated }) };
  }
  if (!isSpanId(ids?.span_id) || !isTraceId(ids?.root_span_id)) return undefined;
  if (ids?.isExperiment && object === undefined) return undefined;
  return contextOf({
    id: ids?.row_id ?? '',
    spanId: /** @type {string} */ (ids?.span_id),
    rootSpanId: /** @type {string} */ (ids?.root_span_id),
    ...(ids?.propagated_event && { propagated: ids.propagated_event }),
    ...(object && { object }),
  });
}

/** @param {unknown} headers */
function headerParent(headers) {
  const found = traceContextOf(headers);
  const object = objectIn(headers);
  return found && contextOf({ id: '', ...found, ...(object && { object }) });
}

/**
 * The span with the ids of `parentSpanIds`. Of several parents, a row has the first.
 * @param {unknown} given
 */
function parentOfIds(given) {
  if (given === undefined || given === null) return undefined;
  const several = read(given, 'parentSpanIds');
  const spanId = read(given, 'spanId') ?? (Array.isArray(several) ? several[0] : several);
  const rootSpanId = read(given, 'rootSpanId');
  if (isSpanId(spanId) && isTraceId(rootSpanId)) {
    return contextOf({ id: '', spanId, rootSpanId });
  }
  const what = '`parentSpanIds` has no ids of a span and its trace';
  warn('BAD_PARENT', `${what}; it is ignored.`, what);
  return undefined;
}

/**
 * The span whose row an update names by its id, and by its trace if that is known.
 * @param {unknown} event
 */
function rowNamed(event) {
  const id = String(read(event, 'id') ?? '');
  const trace = read(event, 'root_span_id');
  return contextOf({ id, spanId: id.slice(0, 16), rootSpanId: isTraceId(trace) ? trace : '' });
}

/**
 * @param {Omit<SpanContext, 'spanParents'>} ids
 * @returns {SpanContext}
 */
const contextOf = (ids) => ({ ...ids, spanParents: [], isRemote: true });

/**
 * Whether spans begin traces there.
 * @param {SpanContext | TracePlace} parent
 * @returns {parent is TracePlace}
 */
const beginsTraces = (parent) => 'beginsTraces' in parent;

module.exports = { beginsTraces, namedParent, parentOf, rowNamed };
