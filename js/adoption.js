'use strict';

// Puts Flue's work under the spans of the application that call it.

const { callingWork } = require('./context.js');
const { idsOfReceipt, isDuplicate } = require('./receipts.js');
const { wallMs } = require('./wall-clock.js');
const { warn } = require('./warn.js');
const { warnOfCall } = require('./warn-of-call.js');
const { keyedIdOf } = require('./work-keys.js');

/** @typedef {InstanceType<typeof import('./callers.js').Callers>} Callers */
/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {InstanceType<typeof import('./routes.js').Routes>} Routes */

/** Decides which span has called which work: by Flue's events, and by its receipts. No method throws. */
class Adoption {
  #callers;
  #routes;
  #boundRoutes;
  #onRoute;

  /**
   * @param {Callers} callers
   * @param {[all: Routes, bound: Routes]} routes those of the module-level observer, and of the loggers' observers
   * @param {(destination: Destination) => void} onRoute is called when work is to go to a destination
   */
  constructor(callers, [routes, boundRoutes], onRoute) {
    this.#callers = callers;
    this.#routes = routes;
    this.#boundRoutes = boundRoutes;
    this.#onRoute = onRoute;
  }

  /**
   * Runs Flue's work under the span that calls it, when an event states that it begins. Never throws.
   * @param {any} event
   * @param {boolean} isFollowed
   * @param {Destination} [destination] that of the event, if that is fixed
   */
  noteCaller(event, isFollowed, destination) {
    try {
      const work = callingWork(event, isFollowed) ?? this.#callers.expected(event, destination);
      if (work === undefined || !isOpen(work.destination)) return;
      if (destination !== undefined && work.destination !== destination) return;
      const routes = destination === undefined ? this.#routes : this.#boundRoutes;
      const keyed = keyedIdOf(/** @type {any} */ (event));
      if (keyed !== undefined) {
        this.#callers.keyed.nameNext(keyed, event, callerOf(work));
        this.#route(/** @type {any} */ (event), work.destination, routes);
        return;
      }
      // A message that is delivered again belongs to its first sender.
      if (!this.#isKnown(/** @type {any} */ (event))) {
        this.#name(/** @type {any} */ (event), work, routes);
      }
    } catch {
      // What cannot be read has no caller.
    }
  }

  /**
   * Runs Flue's work under a span, whether it has begun or not. Never throws.
   * @param {unknown} target a receipt of Flue's, or an id
   * @param {import('./exporter-services.d.ts').Calling} calling
   * @param {number} [since] only if the work begins later in the order of beginnings, and nothing shows that another
   *   one has called it
   */
  adopt(target, calling, since) {
    try {
      const ids = idsOfReceipt(target);
      const { destination } = calling;
      if (ids === undefined || !isOpen(destination)) return;
      const keyed = keyedIdOf(ids);
      if (isDuplicate(target) && keyed === undefined) return;
      if (since !== undefined) {
        if (this.#callers.isOfOthers(ids, calling.span, since)) return;
        if (keyed === undefined && !this.#callers.hasBegun(ids)) {
          this.#callers.expect(ids, calling);
          return;
        }
      }
      const known = this.knownDestination(ids);
      if (known !== undefined && known !== destination) {
        if (this.#callers.find(ids) !== undefined) return;
        // What a function returns may have been looked up.
        if (since !== undefined) return;
        warn('OTHER_LOGGER', 'Work of Flue cannot run under a span of another logger.');
        return;
      }
      if (keyed !== undefined) {
        const caller = callerOf(calling);
        const conversationId = this.#callers.keyed.nameByReceipt(keyed, caller, target, since);
        if (conversationId !== undefined) this.#recordCaller({ ...ids, conversationId }, calling);
        else if (!isDuplicate(target)) this.#route(ids, destination);
        return;
      }
      // The spans of work that has begun keep their ids here; the core moves their rows, if it can.
      if (!this.#callers.hasBegun(ids) && !this.#name(ids, calling)) return;
      this.#recordCaller(ids, calling);
    } catch (error) {
      warnOfCall('A span could not be made the parent', error);
    }
  }

  /**
   * @param {import('./routes.js').Ids} ids
   * @param {import('./exporter-services.d.ts').Calling} calling
   * @param {Routes} [routes] that its events take
   */
  #name(ids, calling, routes = this.#routes) {
    if (!this.#callers.name(ids, callerOf(calling))) return false;
    this.#route(ids, calling.destination, routes);
    return true;
  }

  /**
   * @param {import('./routes.js').Ids} ids
   * @param {Destination} destination
   * @param {Routes} [routes] that its events take
   */
  #route(ids, destination, routes = this.#routes) {
    this.#onRoute(destination);
    routes.assign(ids, destination);
  }

  /**
   * @param {import('./routes.js').Ids} ids
   * @param {import('./exporter-services.d.ts').Calling} calling
   */
  #recordCaller(ids, { span, destination }) {
    const event = {
      type: 'caller_named',
      timestamp: wallMs(),
      ...ids,
      $caller: callerFields(span),
      $propagated: span.inherited.flueUpdate,
      $sampled: destination.sampling?.decisionOn(span.rootSpanId),
    };
    destination.record(event, 'Note');
  }

  /**
   * Whether the work of an event has a destination, and does not restart.
   * @param {import('./routes.js').Ids} event
   */
  #isKnown(event) {
    return (this.#routes.findFor(event) ?? this.#boundRoutes.findFor(event)) !== undefined;
  }

  /**
   * Where work went, if this process knows it.
   * @param {import('./routes.js').Ids} ids
   */
  knownDestination(ids) {
    return this.#routes.find(ids) ?? this.#boundRoutes.find(ids);
  }
}

/** A span as the caller of Flue's work. @param {import('./exporter-services.d.ts').Calling['span']} span */
const callerFields = ({ spanId, rootSpanId, isRemote }) => {
  return { spanId, rootSpanId, isWithin: !isRemote };
};

/** @param {import('./exporter-services.d.ts').Calling} calling */
const callerOf = ({ span, destination }) => {
  return { ...callerFields(span), inherited: span.inherited, destination };
};

/** Whether a destination records anything. @param {Destination} destination */
const isOpen = (destination) => destination.isOn && !destination.isClosed;

module.exports = { Adoption };
