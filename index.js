'use strict';

// The exports of the package. Holds the exporter of the process, and loads everything else on demand.

const { runInContext } = require('./js/context.js');
const { Exporter } = require('./js/exporter.js');

// Importing loads nothing native, starts no thread and reads no file.
const exporter = new Exporter();

/** @type {typeof import('./index.d.ts').initLogger} */
const initLogger = (options) => exporter.init(options);

/** @type {typeof import('./index.d.ts').braintrustFlueInstrumentation} */
const braintrustFlueInstrumentation = () => ({
  key: Symbol.for('flue-braintrust'),
  observe: (event) => exporter.observe(event),
  interceptor: runInContext,
  dispose: async () => {
    await flush();
  },
});

/** @type {typeof import('./index.d.ts').braintrustFlueObserver} */
const braintrustFlueObserver = Object.assign(
  (/** @type {unknown} */ event) => exporter.observe(event),
  braintrustFlueInstrumentation(),
);

/** @type {ReturnType<typeof import('./js/spans/traced.js').spansOf> | undefined} */
let spans;

/** Loaded when the application first asks for a span. */
const ofSpans = () => (spans ??= require('./js/spans/traced.js').spansOf(exporter));

/** @type {typeof import('./index.d.ts').currentSpan} */
const currentSpan = () => ofSpans().currentSpan();

/** @type {typeof import('./index.d.ts').injectTraceContext} */
const injectTraceContext = (carrier, options) => ofSpans().injectTraceContext(carrier, options);

/** @type {typeof import('./index.d.ts').logError} */
const logError = (span, error) => ofSpans().logError(span, error);

/** @type {typeof import('./index.d.ts').startSpan} */
const startSpan = (args) => ofSpans().startSpan(args);

/** @type {typeof import('./index.d.ts').traced} */
const traced = (callback, args) => ofSpans().traced(callback, args);

/** @type {typeof import('./index.d.ts').wrapTraced} */
const wrapTraced = (fn, args) => ofSpans().wrapTraced(fn, args);

/** @type {typeof import('./index.d.ts').setMaskingFunction} */
const setMaskingFunction = (mask) => exporter.setMaskingFunction(mask);

/** @type {typeof import('./index.d.ts').flush} */
const flush = (options) => exporter.flush(options);

/** @type {typeof import('./index.d.ts').stats} */
const stats = () => exporter.stats();

/** @type {typeof import('./index.d.ts').close} */
const close = (options) => exporter.close(options);

// Listed by name, so that `import { initLogger } from 'flue-braintrust'` works.
module.exports = {
  initLogger,
  braintrustFlueObserver,
  braintrustFlueInstrumentation,
  currentSpan,
  injectTraceContext,
  logError,
  startSpan,
  traced,
  wrapTraced,
  setMaskingFunction,
  flush,
  stats,
  close,
};
