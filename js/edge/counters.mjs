// The counters of a recorder over all instances of the core. An instance that fails takes its rows with it.

import { addStats, lostStats } from './stats.mjs';

/** @typedef {import('../../index.d.ts').Stats} Stats */

/** Adds the counters of earlier instances to those of the present one. */
export class EdgeCounters {
  /** What earlier instances have counted, and lost. @type {Stats | undefined} */
  #earlier;
  /** The counters at the last poll, the events that waited then, and those since. @type {Stats | undefined} */
  #last;
  #waiting = 0;
  #eventsSince = 0;

  /** Notes an event that is passed to the present instance. */
  notePassed() {
    this.#eventsSince++;
  }

  /** Notes a poll of the present instance. @param {{ stats: Stats, waiting: number }} progress */
  notePoll({ stats, waiting }) {
    this.#last = stats;
    this.#waiting = waiting;
    this.#eventsSince = 0;
  }

  /** Counts an event that no instance could take. */
  countLost() {
    const reason = 'unreadable_event';
    this.#earlier = addStats(this.#earlier, lostStats(undefined, { events: 1, reason }));
  }

  /** Counts what the present instance loses, as it has failed. @returns {number} the lost rows */
  countFailure() {
    const lost = {
      ...lostStats(this.#last, { waiting: this.#waiting, events: this.#eventsSince }),
      lastError: 'the core has failed',
    };
    this.#earlier = addStats(this.#earlier, lost);
    this.#last = undefined;
    this.#waiting = 0;
    this.#eventsSince = 0;
    return lost.lost.engine_failed ?? 0;
  }

  /** The counters of all instances. @param {Stats | undefined} present those of the present one */
  sum(present) {
    return addStats(this.#earlier, present);
  }
}
