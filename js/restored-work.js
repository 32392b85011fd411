'use strict';

// Work of ended processes that this one continues: its destination, its caller and the decision about its trace.

const { parse } = require('./json/json-string.js');
const { isKeyedId } = require('./work-keys.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {InstanceType<typeof import('./routes.js').Routes>} Routes */

/** The events with which work begins that no other process knows. @type {ReadonlySet<unknown>} */
const NEW = new Set(['submission_queued', 'run_start']);

/** Learns it from the recorders, which restore snapshots on a thread of their own. No method throws. */
class RestoredWork {
  /** Whether any recorder restores work: else no event pays for it. */
  isUsed = false;
  #callers;
  #routes;
  #boundRoutes;
  #destinations;
  #onRoute;

  /**
   * @param {InstanceType<typeof import('./callers.js').Callers>} callers
   * @param {[all: Routes, bound: Routes]} routes those of the module-level observer, and of the loggers' observers
   * @param {() => Iterable<Destination>} destinations the current one first: what several have restored goes on there
   * @param {(destination: Destination) => void} onRoute is called when work is to go to a destination
   */
  constructor(callers, [routes, boundRoutes], destinations, onRoute) {
    this.#callers = callers;
    this.#routes = routes;
    this.#boundRoutes = boundRoutes;
    this.#destinations = destinations;
    this.#onRoute = onRoute;
  }

  /**
   * Asks the recorders for what they have restored, if an event is about work that is not known here.
   * @param {any} event
   */
  note(event) {
    try {
      if (NEW.has(event.type)) return;
      if ((this.#routes.find(event) ?? this.#boundRoutes.find(event)) !== undefined) return;
      for (const destination of this.#destinations()) this.#take(destination);
    } catch {
      // What cannot be read continues nothing; or the environment is being torn down.
    }
  }

  /** @param {Destination} destination */
  #take(destination) {
    const restored = destination.isOn ? destination.recorder.takeRestored?.() : undefined;
    if (restored === undefined || restored === null) return;
    for (const { id: key, caller, recorded } of parse(restored)) {
      const submissionId = isKeyedId(key) ? key.split(' ')[0] : key;
      this.#onRoute(destination);
      this.#routes.assign({ submissionId }, destination);
      if (caller !== null) {
        const [spanId, rootSpanId] = caller;
        // Snapshots have no content: what the span passes on is not known.
        const named = { spanId, rootSpanId, isWithin: false, inherited: {}, destination };
        this.#callers.restore(key, named);
      }
      if (recorded !== null) destination.sampling?.record(recorded);
    }
  }
}

module.exports = { RestoredWork };
