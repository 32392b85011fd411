'use strict';

// The events of the application's spans, on their way from a span to the recorder of its destination.

const { isUntraced } = require('./context.js');
const { HeldEvents } = require('./held-events.js');
const { takeCut } = require('./json/cut.js');
const { JSON } = require('./json/own-json.js');
const { stringify } = require('./json/stringify.js');
const { minimalSpanEnd } = require('./minimal-end-event.js');

/** @typedef {import('./held-events.js').Held} Held */
/** @typedef {import('./held-events.js').Admission} Admission */
/** @typedef {import('./held-events.js').Priority} Priority */

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/** Those of one destination. No method throws. */
class OwnEvents {
  #host;
  #masking;
  #destination;
  #held = new HeldEvents((held) => this.#recordHeld(held));

  /**
   * @param {import('./host.d.ts').Host} host
   * @param {import('./exporter-services.d.ts').ExporterServices['masking']} masking
   * @param {Destination} destination
   */
  constructor(host, masking, destination) {
    this.#host = host;
    this.#masking = masking;
    this.#destination = destination;
  }

  /** Whether none waits for the decision about its trace. */
  get isEmpty() {
    return this.#held.isEmpty;
  }

  /** Settles once no event waits that waits now. */
  released() {
    return this.#held.released();
  }

  /**
   * The application refers to a trace of Flue's whose root may begin here soon: until then, its function cannot decide,
   * and the events of that trace wait for it.
   * @param {string} traceId
   */
  awaitRoot(traceId) {
    const { sampling } = this.#destination;
    if (sampling?.sample === undefined || sampling.hasDecided(traceId)) return;
    // Elsewhere nothing would end the wait.
    if (this.#host.hasTimers) this.#held.await(traceId);
  }

  /** Records the events whose trace is decided about. */
  releaseDecided() {
    const { sampling } = this.#destination;
    this.#held.release((traceId) => sampling?.hasDecided(traceId) !== false);
  }

  /** Records the events that wait: only the ids of their traces decide about them now. */
  releaseAll() {
    this.#held.release(() => true);
  }

  /**
   * @param {object} event
   * @param {Priority} priority
   * @param {Admission} [admission] of the span: one that is refused records nothing more
   */
  record(event, priority, admission) {
    if (isUntraced()) {
      takeCut();
      return;
    }
    try {
      if (this.#holds(event, priority, admission)) {
        void this.#host.delivery();
        return;
      }
    } catch {
      this.#destination.countLost();
      return;
    }
    this.#recordNow({ event, priority, admission, isCut: takeCut() });
  }

  /**
   * Whether an event waits for the decision about its trace.
   * @param {any} event
   * @param {Priority} priority
   * @param {Admission} [admission]
   */
  #holds(event, priority, admission) {
    const { type, rootSpanId } = event;
    if (type === 'feedback' || this.#destination.isClosed || !this.#held.awaits(rootSpanId))
      return false;
    // As it is now: the application may change its values.
    const text = stringify(event);
    const { isSet: isMasked } = this.#masking;
    const held = { event: JSON.parse(text), priority, admission, isCut: takeCut(), isMasked };
    this.#held.hold(rootSpanId, held, text.length);
    return true;
  }

  /** @param {Held} held */
  #recordHeld(held) {
    const record = () => this.#recordNow(held);
    if (held.isMasked && !this.#masking.isSet) {
      this.#masking.recordMasked(this.#destination.recorder, record);
    } else record();
  }

  /** @param {Held} held */
  #recordNow({ event, priority, admission, isCut }) {
    // What is refused is counted.
    if (admission?.isRefused) return;
    const destination = this.#destination;
    const { recorder } = destination;
    try {
      destination.expectRows();
      if (destination.sampling?.leavesOutOwn(event)) return;
      if (destination.isClosed) {
        recorder.refuse();
        return;
      }
      const level = this.#host.load().Priority;
      const record = (/** @type {object} */ one, /** @type {Priority} */ name) =>
        recorder.record(stringify(one), level[name], takeCut() || isCut);
      if (record(this.#begun(event), priority)) return;
      if (priority === 'Continuation') record(minimalSpanEnd(event), 'MinimalEnd');
      else if (admission !== undefined && event.type === 'span_start') admission.isRefused = true;
    } catch {
      destination.countLost();
    } finally {
      void this.#host.delivery();
    }
  }

  /**
   * The event with what the application adds to the trace that it begins, and whether that is recorded. Feedback that
   * must not be lost, because another process has decided about its trace, names no trace.
   * @param {any} event
   */
  #begun(event) {
    const { sampling, enrichment } = this.#destination;
    if (event.type === 'feedback' && sampling?.isUndecided(event.rootSpanId)) {
      return { ...event, rootSpanId: undefined };
    }
    if (event.type !== 'span_start' || event.parentSpanId !== undefined) return event;
    const added = enrichment?.of(event.spanId, event);
    const sampled = sampling?.decisionOn(event.rootSpanId);
    if (added === undefined && sampled === undefined) return event;
    return { ...event, $enrichment: added, $sampled: sampled };
  }
}

module.exports = { OwnEvents };
