'use strict';

const { runInContext } = require('./js/context.js');
const { Exporter } = require('./js/exporter.js');

// Importing loads nothing native, starts nothing and reads nothing.
const exporter = new Exporter();

/** @type {typeof import('./index.d.ts').initLogger} */
const initLogger = (options) => exporter.init(options);

/** @type {typeof import('./index.d.ts').braintrustFlueObserver} */
const braintrustFlueObserver = (event) => exporter.observe(event);

/** @type {typeof import('./index.d.ts').braintrustFlueInstrumentation} */
const braintrustFlueInstrumentation = () => ({
  key: Symbol.for('flue-braintrust'),
  observe: braintrustFlueObserver,
  interceptor: runInContext,
  dispose: async () => {
    await flush();
  },
});

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
  setMaskingFunction,
  flush,
  stats,
  close,
};
