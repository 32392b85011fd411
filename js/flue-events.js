'use strict';

// Flue's events, on their way from the observer to the recorder of their destination.

const { Capture, UNREADABLE_KIND } = require('./capture.js');
const { untraced } = require('./context.js');
const { takeCut } = require('./json/cut.js');
const { RepeatedEvents } = require('./repeated-events.js');
const { rootOf } = require('./root-of-work.js');
const { UnbegunSubmissions } = require('./unbegun-submissions.js');
const { isKeyedId } = require('./work-keys.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {InstanceType<typeof import('./routes.js').Routes>} Routes */
/** @typedef {InstanceType<typeof import('./sampling.js').Sampling>} Sampling */

/** The events of one destination. No public method throws. */
class FlueEvents {
  #host;
  #services;
  #destination;
  #capture;
  #refused = new RepeatedEvents();
  #unbegun = new UnbegunSubmissions();

  /**
   * @param {import('./host.d.ts').Host} host
   * @param {Pick<import('./exporter-services.d.ts').ExporterServices, 'callers' | 'kindOf'>} services
   * @param {Destination} destination
   */
  constructor(host, services, destination) {
    this.#host = host;
    this.#services = services;
    this.#destination = destination;
    this.#capture = new Capture(host.load(), destination);
  }

  /** The next events are captured in full. */
  reset() {
    this.#capture = new Capture(this.#host.load(), this.#destination);
  }

  /**
   * Records one event.
   * @param {any} event
   * @param {import('./capture.js').EventKind} kind
   * @param {Routes} routes notes where its work goes
   * @returns {Promise<void> | undefined} the delivery, for runtimes that wait for it
   */
  observe(event, kind, routes) {
    try {
      if (!kind.isWanted) {
        if (kind === UNREADABLE_KIND) throw new TypeError('The type of an event cannot be read.');
        if (!this.#capture.wants(event, kind)) return undefined;
      }
      const instead = this.#unbegun.note(event);
      const isRecorded =
        instead === undefined
          ? this.#take(event, kind, routes)
          : this.#takeAll(instead, event, kind, routes);
      if (!isRecorded) return undefined;
    } catch {
      this.#destination.countLost();
    }
    return this.#host.delivery(kind.stage === 'begins');
  }

  /**
   * Records what takes the place of an event: the event itself, and others outside its async context, which belongs to
   * other work. Throws where reading them does.
   * @param {any[]} events
   * @param {any} event
   * @param {import('./capture.js').EventKind} kind of the event
   * @param {Routes} routes
   * @returns {boolean} whether any is recorded
   */
  #takeAll(events, event, kind, routes) {
    let isRecorded = false;
    for (const each of events) {
      const itsKind = each === event ? kind : this.#services.kindOf(each);
      if (itsKind === undefined) continue;
      const take = () => this.#take(each, itsKind, routes);
      if (each === event ? take() : untraced(take)) isRecorded = true;
    }
    return isRecorded;
  }

  /**
   * Records one event that is translated, unless its trace is left out. Throws where reading it does.
   * @param {any} event
   * @param {import('./capture.js').EventKind} kind
   * @param {Routes} routes
   * @returns {boolean} whether it is recorded
   */
  #take(event, kind, routes) {
    const destination = this.#destination;
    const { recorder, sampling } = destination;
    const { stage, isCall } = kind;
    if (stage !== undefined) {
      const id = routes.note(event, stage, destination);
      if (isCall || isKeyedId(id)) this.#services.callers.note(event);
    }
    if (sampling !== undefined && this.#leavesOut(sampling, event)) {
      destination.releaseDecided();
      return false;
    }
    if (destination.isClosed) {
      if (!this.#refused.has(event)) recorder.refuse();
    } else {
      // In a Cloudflare Worker, each object with a storage has a recorder.
      const owner = recorder.current?.();
      const to = owner ?? recorder;
      const record = (/** @type {string} */ text, /** @type {any} */ priority) =>
        to.record(text, priority, takeCut());
      this.#capture.take(event, kind, record, owner);
    }
    if (sampling !== undefined) destination.releaseDecided();
    destination.expectRows();
    return true;
  }

  /**
   * Whether an event belongs to a trace that is left out.
   * @param {Sampling} sampling
   * @param {unknown} event
   */
  #leavesOut(sampling, event) {
    const key = this.#services.callers.keys.of(event);
    return sampling.leavesOut(event, key, () =>
      rootOf(event, this.#destination, this.#host.load()),
    );
  }
}

module.exports = { FlueEvents };
