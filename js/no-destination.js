'use strict';

// The destination while nothing is traced.

const { NO_STATS } = require('./no-stats.js');
const { weakly } = require('./weak.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {InstanceType<typeof import('./routes.js').Routes>} Routes */

/** Records nothing. */
class NoDestination {
  isOn = false;
  isClosed = false;
  isById = false;
  decidesByFunction = false;
  reference = weakly(this);
  login = { begin: () => false, isUnderWay: false, wait: async () => {} };

  setCurrent() {}
  awaitRoot() {}
  releaseAll() {}

  /**
   * @param {any} event
   * @param {import('./capture.js').EventKind} kind
   * @param {Routes} routes
   */
  observe(event, { stage }, routes) {
    try {
      // Work that begins without tracing continues without it.
      if (stage !== undefined) routes.note(event, stage, /** @type {any} */ (this));
    } catch {
      // The event is not recorded anyway.
    }
    return undefined;
  }

  record = () => true;
  caller = () => undefined;
  callerOf = () => undefined;
  adopt() {}
  countLost() {}
  defer() {}
  at() {
    return this;
  }

  recordsTrace = () => true;
  traceDestination = () => undefined;
  flush = async () => ({ complete: true, ...NO_STATS });
  stats = () => NO_STATS;
  close = this.flush;
}

/** @type {Destination} */
const NO_DESTINATION = /** @type {any} */ (new NoDestination());

module.exports = { NO_DESTINATION };
