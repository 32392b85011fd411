'use strict';

// The exports of the package.

const api = require('./js/entry/node.js');

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
