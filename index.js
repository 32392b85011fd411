'use strict';

const { runInContext } = require('./js/context.js');
const { Exporter } = require('./js/exporter.js');
const { spansOf } = require('./js/spans/traced.js');

// Importing loads nothing native, starts nothing and reads nothing.
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

const { currentSpan, injectTraceContext, logError, startSpan, traced, wrapTraced } =
  spansOf(exporter);

/** @type {typeof import('./index.d.ts').setMaskingFunction} */
const setMaskingFunction = (mask) => exporter.setMaskingFunction(mask);

/** @type {typeof import('./index.d.ts').flush} */
const flush = (options) => exporter.flush(options);

/** @type {typeof import('./index.d.ts').stats} */
const stats = () => exporter.stats();

/** @type {typeof import('./index.d.ts').close} */
const close = (options) => exporter.close(options);

// Named one by one, so that `import { initLogger } from 'flue-braintrust'` works.
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
