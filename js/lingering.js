'use strict';

// A destination that is not the current one stays alive until its rows are delivered.

const { startTimer } = require('./timers.js');

/** How often it is checked while its rows wait, in milliseconds. */
const CHECK_MS = 1000;

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/** Keeps one destination from being collected while its rows wait: those of a collected one have only the exit timeout. */
class Lingering {
  #destination;
  #hasTimers;
  /** Its callback holds the destination. @type {NodeJS.Timeout | undefined} */
  #timer;

  /**
   * @param {Destination} destination
   * @param {boolean} hasTimers whether the host has timers outside of requests
   */
  constructor(destination, hasTimers) {
    this.#destination = destination;
    this.#hasTimers = hasTimers;
  }

  /** Keeps the destination alive until its rows are delivered. */
  begin() {
    // A host without timers keeps the recorders that have rows.
    if (!this.#hasTimers) this.#destination.recorder.owner = this.#destination;
    else if (this.#timer === undefined) this.#timer = startTimer(() => this.#check(), CHECK_MS);
  }

  #check() {
    this.#timer = undefined;
    try {
      if (!this.#destination.isIdle) this.begin();
    } catch {
      // The environment is being torn down.
    }
  }
}

module.exports = { Lingering };
