'use strict';

// The functions by which an application makes custom spans.

const { currentWork, flueContext, runDetached } = require('../context.js');
const { warnOfCall } = require('../warn-of-call.js');
const { objectOrEmpty, nameOf, read, typeOf } = require('./arguments.js');
const { NOOP_SPAN } = require('./noop.js');
const { errorOf } = require('./span-update.js');
const { makesGenerators, traceGenerator } = require('./generators.js');
const { beginsTraces, namedParent } = require('./parents.js');
const { runTraced, runWithin } = require('./run-traced.js');
const { Span } = require('./span.js');

/** @typedef {import('../../index.d.ts').Span} AnySpan */
/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */

/**
 * The functions by which an application makes custom spans. Without a recorder they only call their callbacks.
 * @param {InstanceType<typeof import('../exporter.js').Exporter>} exporter
 */
function spansOf(exporter) {
  /** @returns {AnySpan} */
  const currentSpan = () => {
    const { span: own, isDetached } = currentWork() ?? {};
    if (own instanceof Span) return own;
    return (isDetached ? undefined : flueSpan()) ?? NOOP_SPAN;
  };

  /** The span of Flue's that runs now. */
  const flueSpan = () => {
    const ids = flueContext();
    if (ids === undefined) return undefined;
    const destination = exporter.destinationOf();
    if (!destination.isOn) return undefined;
    const [id, rootSpanId] = exporter.flueSpan(destination, ids) ?? [];
    if (id === undefined || rootSpanId === undefined) return undefined;
    const inherited = currentWork()?.inherited ?? destination.callerOf(ids)?.inherited;
    return Span.ofFlue(destination, { id, rootSpanId }, inherited);
  };

  /**
   * @param {StartSpanArgs} [args]
   * @returns {AnySpan}
   */
  const startSpan = (args) => startWith(() => args);

  /**
   * A span with arguments that may not be readable. Never throws: the application's work runs without a span then.
   * @param {() => StartSpanArgs | undefined} argsOf
   * @returns {AnySpan}
   */
  const startWith = (argsOf) => {
    try {
      const current = currentSpan();
      if (current !== NOOP_SPAN) return current.startSpan(argsOf());
      const destination = exporter.destinationOf();
      return destination.isOn ? Span.begin(destination, undefined, argsOf()) : NOOP_SPAN;
    } catch (error) {
      warnOfCall('A span could not be started', error);
      return NOOP_SPAN;
    }
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
    const event = read(args, 'event');
    const showsInput = read(args, 'noTraceIO') !== true;
    // What the application states in place of the result stays.
    const showsOutput = showsInput && read(event, 'output') === undefined;
    // As in the `braintrust` package, one that states its input shows no values.
    const showsValues = showsOutput && read(event, 'input') === undefined;
    const fnName = read(fn, 'name');
    const isGenerator = makesGenerators(fn);
    /** @this {unknown} @param {any[]} values */
    function wrapped(...values) {
      const start = () =>
        startWith(() => {
          /** @type {StartSpanArgs} */
          const given = objectOrEmpty(args);
          const name = nameOf(given.name) ?? nameOf(fnName);
          const label = { ...given, name, type: typeOf(given.type) ?? 'function' };
          if (!showsInput || args?.event?.input !== undefined) return label;
          return { ...label, event: { ...objectOrEmpty(args?.event), input: values } };
        });
      if (isGenerator) {
        const isCurrent = read(args, 'setCurrent') !== false;
        return traceGenerator(fn.apply(this, values), start, { showsValues, isCurrent });
      }
      return runTraced(start(), () => fn.apply(this, values), args, showsOutput);
    }
    // The name that the function itself has.
    const descriptor = { __proto__: null, value: fnName, configurable: true };
    Object.defineProperty(wrapped, 'name', descriptor);
    return /** @type {F} */ (/** @type {unknown} */ (wrapped));
  };

  /**
   * @template {object} T
   * @param {T} [carrier]
   * @param {{ span?: AnySpan }} [options]
   * @returns {any}
   */
  const injectTraceContext = (carrier, options) => {
    const span = read(options, 'span') ?? currentSpan();
    const headers = carrier ?? {};
    try {
      return typeof span?.inject === 'function' ? span.inject(headers) : headers;
    } catch {
      // A span that cannot be used.
      return headers;
    }
  };

  /** @type {typeof import('../../index.d.ts').withParent} */
  const withParent = (/** @type {any} */ parent, /** @type {any} */ callback) => {
    const place = placeOf(parent);
    if (place === undefined) return callback(NOOP_SPAN);
    if (place instanceof Span) return runWithin(place, () => callback(place));
    return exporter.runAt(place, () => callback(NOOP_SPAN), true);
  };

  /**
   * A handle of the span that a parent is or names, or the destination in which it begins traces; undefined without one.
   * @param {unknown} parent
   */
  const placeOf = (parent) => {
    try {
      if (isSpan(parent)) return parent;
      const context = namedParent(parent === NOOP_SPAN ? undefined : parent);
      const destination = exporter.at(exporter.destinationOf(), context?.object);
      if (context === undefined || !destination.isOn) return undefined;
      return beginsTraces(context) ? destination : Span.at(destination, context);
    } catch (error) {
      warnOfCall('A parent could not be used', error);
      return undefined;
    }
  };

  return {
    currentSpan,
    injectTraceContext,
    logError,
    startSpan,
    traced,
    traceable: wrapTraced,
    withCurrent,
    withParent,
    wrapTraced,
  };
}

/**
 * Runs a function within which a span is the current one. Returns and throws what the function does.
 * @template R
 * @param {AnySpan} span
 * @param {(span: AnySpan) => R} callback
 * @returns {R}
 */
function withCurrent(span, callback) {
  if (span === NOOP_SPAN) return runDetached(() => callback(span));
  return isSpan(span) ? runWithin(span, () => callback(span)) : callback(span);
}

/**
 * Whether a value is a span of ours, and not a proxy of one. Never throws.
 * @param {unknown} value
 * @returns {value is InstanceType<typeof Span>}
 */
function isSpan(value) {
  try {
    return value instanceof Span && Span.destinationOf(value) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Records an error in a span.
 * @param {AnySpan} span
 * @param {unknown} error
 */
function logError(span, error) {
  try {
    if (typeof span?.log === 'function') span.log({ error: errorOf(error) });
  } catch {
    // A span that cannot be used.
  }
}

module.exports = { spansOf };
