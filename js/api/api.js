'use strict';

// The functions that the package exports, on any host.

const { runInContext } = require('../context.js');
const { spansOf } = require('../spans/traced.js');

/** @typedef {InstanceType<typeof import('../exporter.js').Exporter>} Exporter */

/**
 * The functions that the package exports, over one exporter.
 * @param {Exporter} exporter
 */
function apiOf(exporter) {
  /** @type {typeof import('../../index.d.ts').initLogger} */
  const initLogger = (options) => exporter.init(options);

  /** @type {typeof import('../../index.d.ts').braintrustFlueInstrumentation} */
  const braintrustFlueInstrumentation = () => ({
    key: Symbol.for('flue-braintrust'),
    observe: (event) => exporter.observe(event),
    interceptor: runInContext,
    dispose: async () => {
      await flush();
    },
  });

  /** @type {typeof import('../../index.d.ts').braintrustFlueObserver} */
  const braintrustFlueObserver = Object.assign(
    (/** @type {unknown} */ event) => exporter.observe(event),
    braintrustFlueInstrumentation(),
  );

  /** @type {typeof import('../../index.d.ts').setMaskingFunction} */
  const setMaskingFunction = (mask) => exporter.setMaskingFunction(mask);

  /** @type {typeof import('../../index.d.ts').flush} */
  const flush = (options) => exporter.flush(options);

  /** @type {typeof import('../../index.d.ts').stats} */
  const stats = () => exporter.stats();

  /** @type {typeof import('../../index.d.ts').close} */
  const close = (options) => exporter.close(options);

  return {
    ...spansOf(exporter),
    initLogger,
    braintrustFlueObserver,
    braintrustFlueInstrumentation,
    setMaskingFunction,
    flush,
    stats,
    close,
  };
}

module.exports = { apiOf };
