'use strict';

// The functions by which an application makes custom spans.

const { currentWork, flueContext } = require('../context.js');
const { NOOP_SPAN } = require('./noop.js');
const { errorOf } = require('./span-update.js');
const { Span, runTraced } = require('./span.js');

/** @typedef {import('../../index.d.ts').Span} AnySpan */
/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */

/**
 * The functions by which an application makes custom spans. Without a recorder they only call their callbacks.
 * @param {InstanceType<typeof import('../exporter.js').Exporter>} exporter
 */
function spansOf(exporter) {
  /** @returns {AnySpan} */
  const currentSpan = () => {
    if (!exporter.isOn) return NOOP_SPAN;
    const own = currentWork()?.span;
    return own instanceof Span ? own : (flueSpan() ?? NOOP_SPAN);
  };

  /** The span of Flue's that runs now. */
  const flueSpan = () => {
    const ids = flueContext();
    const [id, rootSpanId] = (ids && exporter.flueSpan(ids)) ?? [];
    if (id === undefined || rootSpanId === undefined) return undefined;
    return new Span(exporter, { id, spanId: id.slice(0, 16), rootSpanId, spanParents: [] });
  };

  /**
   * @param {StartSpanArgs} [args]
   * @returns {AnySpan}
   */
  const startSpan = (args) => {
    if (!exporter.isOn) return NOOP_SPAN;
    const current = currentSpan();
    if (current !== NOOP_SPAN) return current.startSpan(args);
    return Span.begin(exporter, undefined, args);
  };

  /**
   * @template R
   * @param {(span: AnySpan) => R} callback
   * @param {StartSpanArgs & { setCurrent?: boolean }} [args]
   * @returns {R}
   */
  const traced = (callback, args) => runTraced(startSpan(args), callback, args);

  /**
   * @template {(...args: any[]) => any} F
   * @param {F} fn
   * @param {StartSpanArgs & { setCurrent?: boolean, noTraceIO?: boolean }} [args]
   * @returns {F}
   */
  const wrapTraced = (fn, args) => {
    /** @type {StartSpanArgs} */
    const label = { name: fn.name || 'anonymous', type: 'function', ...args };
    const showsIo = args?.noTraceIO !== true;
    /** @this {unknown} @param {any[]} values */
    function wrapped(...values) {
      if (!exporter.isOn) return fn.apply(this, values);
      const event = showsIo ? { input: values, ...args?.event } : args?.event;
      const span = startSpan({ ...label, ...(event && { event }) });
      return runTraced(span, () => fn.apply(this, values), args, showsIo);
    }
    // The name that the function itself has.
    Object.defineProperty(wrapped, 'name', { value: fn.name, configurable: true });
    return /** @type {F} */ (/** @type {unknown} */ (wrapped));
  };

  /**
   * @template {object} T
   * @param {T} [carrier]
   * @param {{ span?: AnySpan }} [options]
   * @returns {any}
   */
  const injectTraceContext = (carrier, options) => {
    const span = options?.span ?? currentSpan();
    return span.inject(carrier ?? {});
  };

  return { currentSpan, injectTraceContext, logError, startSpan, traced, wrapTraced };
}

/**
 * Records an error in a span.
 * @param {AnySpan} span
 * @param {unknown} error
 */
function logError(span, error) {
  span.log({ error: errorOf(error) });
}

module.exports = { spansOf };
