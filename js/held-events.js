'use strict';

// Events of the application's spans that wait for a decision about their trace.

const { monotonicMs } = require('./builtins/index.js');
const { startTimer } = require('./timers.js');

/** How long they wait, in milliseconds. */
const WAIT_MS = 10_000;

/** The most traces that are awaited, and the most characters in the texts of their events. */
const MAX_TRACES = 1024;
const MAX_LENGTH = 1024 * 1024;

/** @typedef {keyof typeof import('../native.d.ts').Priority} Priority */

/** Whether the queue refused the start of a span. @typedef {{ isRefused: boolean }} Admission */

/**
 * An event of a custom span, and what it is recorded with.
 * @typedef {object} Held
 * @property {any} event
 * @property {Priority} priority
 * @property {Admission | undefined} admission of the span, if it is one of this process
 * @property {boolean} isCut whether content was cut from it
 * @property {boolean} [isMasked] whether a masking function was set when it came
 */

/** @typedef {{ until: number, events: Held[], length: number, onRelease: (() => void)[] }} Awaited */

/** Bounded. The traces that wait longest go first. */
class HeldEvents {
  /** Until when each waits, by `monotonicMs()`, and what is called at its release. @type {Map<string, Awaited>} */
  #traces = new Map();
  #length = 0;
  #record;
  /** Ends the wait of the events that wait longest. @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {(held: Held) => void} record takes the events that wait no longer; never throws */
  constructor(record) {
    this.#record = record;
  }

  /** Whether any event waits. */
  get isEmpty() {
    return this.#length === 0;
  }

  /** Settles once every event that waits now is recorded; later events may still wait. @returns {Promise<unknown>} */
  released() {
    const awaited = [...this.#traces.values()].filter(({ events }) => events.length > 0);
    return Promise.all(
      awaited.map(({ onRelease }) => new Promise((done) => onRelease.push(() => done(undefined)))),
    );
  }

  /** Awaits the decision about a trace. @param {string} trace */
  await(trace) {
    if (this.#traces.has(trace)) return;
    const until = monotonicMs() + WAIT_MS;
    this.#traces.set(trace, { until, events: [], length: 0, onRelease: [] });
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
    const expire = () => {
      this.#timer = undefined;
      this.release(() => false);
      this.#schedule();
    };
    this.#timer = startTimer(expire, Math.max(0, first - monotonicMs()) + 1);
  }

  /**
   * Records the events that wait no longer: those for which there is no room, or no more time, and others that are
   * wanted.
   * @param {(trace: string) => boolean} isWanted
   */
  release(isWanted) {
    if (this.#traces.size === 0) return;
    const now = monotonicMs();
    for (const [trace, { until, events, length, onRelease }] of this.#traces) {
      const isCrowded = this.#traces.size > MAX_TRACES || this.#length > MAX_LENGTH;
      if (!isCrowded && until > now && !isWanted(trace)) continue;
      this.#traces.delete(trace);
      this.#length -= length;
      for (const held of events) this.#record(held);
      for (const done of onRelease) done();
    }
  }
}

module.exports = { HeldEvents };
