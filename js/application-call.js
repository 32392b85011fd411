'use strict';

// Bounds the calls of a function of the application that runs while the agent waits.

const { maxTurnMs, monotonicMs } = require('./builtins/index.js');

/**
 * A call that takes longer is slow, in milliseconds; after `MAX_SLOW` slow ones, the function is no longer called.
 */
const SLOW_MS = 50;
const MAX_SLOW = 3;

/** The calls of one function. */
class ApplicationCall {
  #onSlow;
  #slow = 0;
  /** When the one that runs now began, by `monotonicMs()`; undefined without one. @type {number | undefined} */
  #began;

  /** @param {(why: string) => void} onSlow is called once, with the reason why the function is no longer called */
  constructor(onSlow) {
    this.#onSlow = onSlow;
  }

  /** Whether the function may be called: not within itself, and not after slow calls. */
  get isAllowed() {
    const isRunning = this.#began !== undefined && monotonicMs() - this.#began < maxTurnMs;
    return !isRunning && this.#slow < MAX_SLOW;
  }

  /**
   * Runs and times a call. Throws what it throws.
   * @template T
   * @param {() => T} work
   */
  run(work) {
    const began = monotonicMs();
    this.#began = began;
    try {
      return work();
    } finally {
      this.#began = undefined;
      if (monotonicMs() - began > SLOW_MS) this.#noteSlow();
    }
  }

  #noteSlow() {
    this.#slow += 1;
    if (this.#slow === MAX_SLOW)
      this.#onSlow(`took longer than ${SLOW_MS} ms for ${MAX_SLOW} traces`);
  }
}

module.exports = { ApplicationCall };
