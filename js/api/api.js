'use strict';

// The functions that the package exports, on any host.

const { runInContext } = require('../context.js');
const { spansOf } = require('../spans/traced.js');
const { loggersOf } = require('./logger.js');
const { Attachment } = require('../spans/attachment.js');
const { showBraintrustObjects } = require('../spans/braintrust-objects.js');
const { ERR_PERMALINK, LINK, NOOP_SPAN } = require('../spans/noop.js');
const { pastSpansOf } = require('../spans/past-spans.js');
const { extract } = require('../spans/trace-context.js');

/** @typedef {InstanceType<typeof import('../exporter.js').Exporter>} Exporter */

/**
 * The functions that the package exports, over one exporter.
 * @param {Exporter} exporter
 */
function apiOf(exporter) {
  showBraintrustObjects();
  const spans = spansOf(exporter);
  const loggers = loggersOf(exporter, spans.currentSpan);

  /** @type {typeof import('../../index.d.ts').initLogger} */
  const initLogger = (options) => loggers.of(exporter.init(options));

  /** @type {typeof import('../../index.d.ts').currentLogger} */
  const currentLogger = () => {
    const destination = exporter.current;
    return destination.isOn ? loggers.of(destination) : undefined;
  };

  /** @type {typeof import('../../index.d.ts').withLogger} */
  const withLogger = (/** @type {any} */ first, /** @type {any} */ second) => {
    // The deprecated form of the `braintrust` package: the function, and the options of a logger.
    if (typeof first === 'function') return first(initLogger(second));
    const destination = loggers.destinationOf(first);
    if (destination === undefined) return second(first);
    return exporter.runAt(destination, () => second(first));
  };

  /** @type {typeof import('../../index.d.ts').braintrustFlueInstrumentation} */
  const braintrustFlueInstrumentation = () => ({
    key: Symbol.for('flue-braintrust'),
    observe: (event) => exporter.observe(event, true),
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

  /** @type {typeof import('../../index.d.ts').log} */
  const log = (event) => currentLogger()?.log(event) ?? '';

  /** @type {typeof import('../../index.d.ts').flush} */
  const flush = (options) => exporter.current.flush(options);

  /** @type {typeof import('../../index.d.ts').stats} */
  const stats = () => exporter.current.stats();

  /** @type {typeof import('../../index.d.ts').close} */
  const close = (options) => exporter.current.close(options);

  return {
    ...spans,
    ...pastSpansOf(exporter),
    Attachment,
    ERR_PERMALINK,
    NOOP_SPAN,
    NOOP_SPAN_PERMALINK: LINK,
    extractTraceContextFromHeaders: extract,
    initLogger,
    log,
    currentLogger,
    withLogger,
    braintrustFlueObserver,
    braintrustFlueInstrumentation,
    setMaskingFunction,
    flush,
    stats,
    close,
  };
}

module.exports = { apiOf };
