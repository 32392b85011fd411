'use strict';

// Events of the application's spans that wait for a decision about their trace.

/** How long they wait, in milliseconds. */
const WAIT_MS = 10_000;

/** How many traces are awaited, and how much their events take, in characters of their texts. */
const MAX_TRACES = 1024;
const MAX_LENGTH = 1024 * 1024;

/** A held event, and what else `record` was given. @typedef {{ event: object, priority: any, isCut: boolean }} Held */

/** Bounded. The traces that wait longest go first. */
class HeldEvents {
  /** @type {Map<string, { until: number, events: Held[], length: number }>} */
  #traces = new Map();
  #length = 0;
  #record;
  /** Ends the wait of the events that wait longest. @type {NodeJS.Timeout | undefined} */
  #timer;
  /** Called once no event waits. @type {(() => void)[]} */
  #onEmpty = [];

  /** @param {(held: Held) => void} record takes the events that wait no longer; never throws */
  constructor(record) {
    this.#record = record;
  }

  /** Whether any event waits. */
  get isEmpty() {
    return this.#length === 0;
  }

  /** Settles once no event waits. @returns {Promise<void>} */
  emptied() {
    return this.isEmpty ? Promise.resolve() : new Promise((done) => this.#onEmpty.push(done));
  }

  /** Awaits the decision about a trace. @param {string} trace */
  await(trace) {
    if (this.#traces.has(trace)) return;
    this.#traces.set(trace, { until: Date.now() + WAIT_MS, events: [], length: 0 });
    if (this.#traces.size > MAX_TRACES) this.release(() => false);
  }

  /** Whether the decision about a trace is awaited. @param {string | undefined} trace */
  awaits(trace) {
    return trace !== undefined && this.#traces.has(trace);
  }

  /**
   * @param {string} trace
   * @param {Held} held
   * @param {number} length of its text, in characters
   */
  hold(trace, held, length) {
    const awaited = this.#traces.get(trace);
    if (awaited === undefined) return;
    awaited.events.push(held);
    awaited.length += length;
    this.#length += length;
    this.release(() => false);
    this.#schedule();
  }

  #schedule() {
    if (this.#timer !== undefined || this.isEmpty) return;
    const first = this.#traces.values().next().value?.until ?? 0;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.release(() => false);
        this.#schedule();
      },
      Math.max(0, first - Date.now()) + 1,
    ).unref();
  }

  /**
   * Records the events that wait no longer: those for which there is no room, or no more time, and others that are
   * wanted.
   * @param {(trace: string) => boolean} isWanted
   */
  release(isWanted) {
    if (this.#traces.size === 0) return;
    const now = Date.now();
    for (const [trace, { until, events, length }] of this.#traces) {
      const isCrowded = this.#traces.size > MAX_TRACES || this.#length > MAX_LENGTH;
      if (!isCrowded && until > now && !isWanted(trace)) continue;
      this.#traces.delete(trace);
      this.#length -= length;
      for (const held of events) this.#record(held);
    }
    if (this.isEmpty) for (const done of this.#onEmpty.splice(0)) done();
  }
}

module.exports = { HeldEvents };
