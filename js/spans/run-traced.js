'use strict';

// Runs functions of the application within spans.

const { types } = require('../builtins/index.js');
const { follow, settling } = require('../promises.js');
const { warnOfCall } = require('../warn-of-call.js');
const { read } = require('./arguments.js');
const { NOOP_SPAN } = require('./noop.js');

/** A span of ours. @typedef {InstanceType<typeof import('./span.js').Span>} RecordingSpan */

/**
 * Runs a function within a span and ends the span after it. Rethrows what the function throws. Whatever fails here,
 * the function runs exactly once.
 * @template R
 * @param {import('../../index.d.ts').Span} span
 * @param {(span: import('../../index.d.ts').Span) => R} callback
 * @param {{ setCurrent?: boolean }} [args]
 * @param {boolean} [showsOutput] whether the result is the span's output
 * @returns {R}
 */
function runTraced(span, callback, args, showsOutput = false) {
  if (!isRecording(span)) return callback(span);
  const isCurrent = read(args, 'setCurrent') !== false;
  const failed = (/** @type {unknown} */ thrown) => finishSafely(span, { error: { thrown } });
  const done = (/** @type {unknown} */ output) => {
    if (isCurrent) adoptSafely(span, output);
    finishSafely(span, showsOutput ? { output } : {});
  };
  let hasRun = false;
  const run = () => {
    hasRun = true;
    return callback(span);
  };
  let result;
  try {
    result = isCurrent ? span.run(run) : run();
  } catch (error) {
    if (!hasRun) return callback(span);
    failed(error);
    throw error;
  }
  if (isRemoteCall(result)) {
    awaitRemote(result, done, failed);
    return result;
  }
  if (!types.isPromise(result)) {
    // A lazy query, say: whoever awaits it begins the work, whose result is not known here.
    done(isThenable(result) ? undefined : result);
    return result;
  }
  try {
    return settling(result, done, failed);
  } catch {
    // A promise with a `then` of its own that throws: whoever awaits it learns that.
    done(undefined);
    return result;
  }
}

/**
 * Whether a value is what a call of another Worker or Durable Object returns: a promise that can be called, which is none
 * of the language. The call has begun.
 * @param {unknown} value
 */
function isRemoteCall(value) {
  if (typeof value !== 'function') return false;
  try {
    return Object.prototype.toString.call(value) === '[object JsRpcPromise]';
  } catch {
    // A proxy of the application's.
    return false;
  }
}

/**
 * Calls a function when a remote call has ended. The application has the call itself: it may call members of the result
 * that is still under way.
 * @param {any} call
 * @param {(value: unknown) => void} done must not throw
 * @param {(error: unknown) => void} failed must not throw
 */
function awaitRemote(call, done, failed) {
  try {
    call.then(done, failed);
  } catch {
    done(undefined);
  }
}

/** @param {any} value */
function isThenable(value) {
  try {
    return typeof value === 'object' && typeof value?.then === 'function';
  } catch {
    return false;
  }
}

/**
 * @param {RecordingSpan} span
 * @param {Parameters<RecordingSpan['finish']>[0]} last
 */
function finishSafely(span, last) {
  try {
    span.finish(last);
  } catch (error) {
    warnOfCall('A span could not be ended', error);
  }
}

/**
 * @param {RecordingSpan} span
 * @param {unknown} result
 */
function adoptSafely(span, result) {
  try {
    span.adoptResult(result);
  } catch {
    // What cannot be read is not a receipt.
  }
}

/**
 * Runs a function within a span that it does not end, and the work of Flue that it begins under that span. Returns and
 * throws what the function does.
 * @template R
 * @param {RecordingSpan} span
 * @param {() => R} callback
 * @returns {R}
 */
function runWithin(span, callback) {
  const result = span.run(callback);
  if (types.isPromise(result)) return whenDone(result, (value) => adoptSafely(span, value));
  adoptSafely(span, result);
  return result;
}

/**
 * Calls a function with what a promise resolves to, before whoever awaits the promise later. Never throws. Returns the
 * promise for the application; see {@link follow}.
 * @template T
 * @param {T & Promise<any>} promise
 * @param {(value: unknown) => void} use
 * @returns {T}
 */
function whenDone(promise, use) {
  const done = (/** @type {unknown} */ value) => {
    try {
      use(value);
    } catch {
      // What cannot be read is not a receipt.
    }
  };
  return follow(promise, done) ?? promise;
}

/**
 * Whether a span that was started records anything.
 * @param {import('../../index.d.ts').Span} span
 * @returns {span is RecordingSpan}
 */
function isRecording(span) {
  return span !== NOOP_SPAN;
}

module.exports = { finishSafely, runTraced, runWithin, whenDone };
