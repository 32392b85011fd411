'use strict';

// The loggers that an application gets: each is bound to one destination.

const { runInContext } = require('../context.js');
const { NOOP_SPAN } = require('../spans/noop.js');
const { objectOf, writeSlug } = require('../spans/slug.js');
const { runTraced } = require('../spans/run-traced.js');
const { Span } = require('../spans/span.js');
const { pastSpansOf } = require('../spans/past-spans.js');

/** @typedef {InstanceType<typeof import('../destination.js').Destination>} Destination */
/** @typedef {InstanceType<typeof import('../exporter.js').Exporter>} Exporter */

/**
 * @typedef {object} Loggers
 * @property {(destination: Destination) => import('../../index.d.ts').Logger} of the logger of a destination, always
 *   the same one
 * @property {(logger: unknown) => Destination | undefined} destinationOf undefined unless it is a logger
 */

/**
 * The loggers of an exporter.
 * @param {Exporter} exporter
 * @param {() => import('../../index.d.ts').Span} currentSpan
 * @returns {Loggers}
 */
function loggersOf(exporter, currentSpan) {
  /** @type {WeakMap<Destination, import('../../index.d.ts').Logger>} */
  const loggers = new WeakMap();
  /** @type {WeakMap<WeakKey, Destination>} */
  const destinations = new WeakMap();
  return {
    of(destination) {
      const present = loggers.get(destination);
      if (present !== undefined) return present;
      const created = loggerOf(exporter, destination, currentSpan);
      loggers.set(destination, created);
      destinations.set(created, destination);
      return created;
    },
    destinationOf: (logger) => destinations.get(/** @type {WeakKey} */ (logger)),
  };
}

/**
 * @param {Exporter} exporter
 * @param {Destination} destination
 * @param {() => import('../../index.d.ts').Span} currentSpan
 * @returns {import('../../index.d.ts').Logger}
 */
function loggerOf(exporter, destination, currentSpan) {
  /** @param {import('../../index.d.ts').StartSpanArgs} [args] */
  const beginTrace = (args) =>
    destination.isOn ? Span.begin(destination, undefined, args) : NOOP_SPAN;
  /** @param {import('../../index.d.ts').StartSpanArgs} [args] */
  const startSpan = (args) => {
    const current = currentSpan();
    const isHere = current instanceof Span && Span.destinationOf(current) === destination;
    return isHere ? current.startSpan(args) : beginTrace(args);
  };

  /** @type {ReturnType<typeof observerOf> | undefined} */
  let observer;
  /** @type {import('../../index.d.ts').Logger} */
  const logger = {
    kind: 'logger',
    asyncFlush: true,
    startSpan,
    traced: (callback, args) => runTraced(startSpan(args), callback, args),
    log(event) {
      const span = beginTrace({ event });
      span.end();
      return span.id;
    },
    get id() {
      return projectOf(destination).then(({ projectId }) => projectId ?? '');
    },
    get project() {
      return projectOf(destination).then(({ projectId, projectName }) => {
        return { id: projectId ?? '', name: destination.isById ? '' : (projectName ?? '') };
      });
    },
    export: async () => writeSlug(objectOf(destination)),
    ...pastSpansOf(exporter, destination),
    observer: () => (observer ??= observerOf(exporter, destination)),
    flush: (options) => destination.flush(options),
    stats: () => destination.stats(),
    close: (options) => destination.close(options),
  };
  // What stands for it in content, as in the `braintrust` package: its members may ask for a login.
  const descriptor = { __proto__: null, value: () => '<logger>' };
  return Object.defineProperty(logger, 'toJSON', descriptor);
}

/**
 * The project, once its id is known.
 * @param {Destination} destination
 * @returns {Promise<{ projectId?: string | null, projectName?: string }>}
 */
async function projectOf(destination) {
  if (!destination.traceDestination()?.projectId) await destination.login.wait();
  return destination.traceDestination() ?? {};
}

/**
 * @param {Exporter} exporter
 * @param {Destination} destination
 */
function observerOf(exporter, destination) {
  const observer = (/** @type {unknown} */ event) => exporter.observeAt(destination, event);
  /** @type {import('../../index.d.ts').FlueInstrumentation} */
  const instrumentation = {
    // A unique key: Flue accepts several instrumentations if their keys differ.
    key: Symbol('flue-braintrust logger'),
    observe: (event) => exporter.observeAt(destination, event, true),
    interceptor: (operation, ctx, next) => runInContext(operation, ctx, next, destination),
    dispose: async () => {
      await destination.flush();
    },
  };
  return Object.assign(observer, instrumentation);
}

module.exports = { loggersOf };
