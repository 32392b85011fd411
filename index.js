'use strict';

// The exports of the package. All that a call can need is loaded with this module: later, the process may have no file
// descriptor left, or other files in `node_modules`.

const { apiOf } = require('./js/api/api.js');
const { Exporter } = require('./js/exporter.js');
const { nodeHost } = require('./js/node-host.js');
const { version } = require('./package.json');

/**
 * Names the functions among the global variables: a test runner or a dev server may evaluate this module again and
 * again, and each evaluation of the same copy gives the same functions, with the same exporter.
 */
const KEY = Symbol.for(`flue-braintrust ${version} ${directory()}`);

/** The directory of this copy. A bundle of ES modules has none. */
function directory() {
  return typeof __dirname === 'string' ? __dirname : '';
}

/**
 * The functions of an earlier evaluation, or new ones with an exporter of their own: no thread, no connection yet.
 * @returns {ReturnType<typeof apiOf>}
 */
function presentOrNew() {
  /** @type {Record<symbol, any>} */
  const globals = globalThis;
  const present = globals[KEY];
  if (present !== undefined) return present;
  const created = apiOf(new Exporter(nodeHost));
  // A frozen global object keeps nothing.
  Reflect.set(globals, KEY, created);
  return created;
}

const api = presentOrNew();

// One by one, so that `import { initLogger } from 'flue-braintrust'` works.
exports.initLogger = api.initLogger;
exports.currentLogger = api.currentLogger;
exports.withLogger = api.withLogger;
exports.braintrustFlueObserver = api.braintrustFlueObserver;
exports.braintrustFlueInstrumentation = api.braintrustFlueInstrumentation;
exports.currentSpan = api.currentSpan;
exports.flueSpan = api.flueSpan;
exports.injectTraceContext = api.injectTraceContext;
exports.logError = api.logError;
exports.logFeedback = api.logFeedback;
exports.logScores = api.logScores;
exports.permalink = api.permalink;
exports.startSpan = api.startSpan;
exports.traced = api.traced;
exports.withCurrent = api.withCurrent;
exports.wrapTraced = api.wrapTraced;
exports.setMaskingFunction = api.setMaskingFunction;
exports.flush = api.flush;
exports.stats = api.stats;
exports.close = api.close;
exports.Attachment = api.Attachment;
exports.ERR_PERMALINK = api.ERR_PERMALINK;
exports.NOOP_SPAN = api.NOOP_SPAN;
exports.NOOP_SPAN_PERMALINK = api.NOOP_SPAN_PERMALINK;
exports.extractTraceContextFromHeaders = api.extractTraceContextFromHeaders;
exports.log = api.log;
exports.traceable = api.traceable;
exports.updateSpan = api.updateSpan;
exports.withParent = api.withParent;
