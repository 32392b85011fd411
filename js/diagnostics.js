'use strict';

// Passes diagnostics to the application's `onError`.

const { callInTurn } = require('./in-turn.js');
const { startTimer } = require('./timers.js');
const { onWarning } = require('./warn.js');

/** How often the native part is polled while rows wait, in milliseconds. */
const INTERVAL_MS = 1000;

/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */
/** @typedef {(diagnostic: Diagnostic) => unknown} OnError */

/**
 * Calls the application's `onError` for each diagnostic. Polls the native part, so that no callback of this package
 * runs between two steps of the application.
 */
class Diagnostics {
  /** The one that was set last. @type {OnError | undefined} */
  #onError;
  #take;
  #isIdle;
  #hasTimers;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** Whether nothing was expected at the last poll: the next one is the last. */
  #wasIdle = false;

  /**
   * @param {object} native
   * @param {() => { diagnostic: Diagnostic, onError?: OnError | undefined }[]} native.take returns the diagnostics
   *   since the last call, each with the function of its logger
   * @param {() => boolean} native.isIdle whether no rows and no connection are waited for
   * @param {boolean} hasTimers whether a timer may poll; otherwise `report` is called
   */
  constructor({ take, isIdle }, hasTimers) {
    this.#take = take;
    this.#isIdle = isIdle;
    this.#hasTimers = hasTimers;
    onWarning((diagnostic) => this.#notify(diagnostic));
  }

  /**
   * Sets the function to call for what no other function of a logger receives. Anything but a function is ignored.
   * @param {unknown} onError
   */
  listen(onError) {
    if (typeof onError !== 'function') return;
    this.#onError = /** @type {OnError} */ (onError);
    this.schedulePoll();
  }

  /** Polls from now on: rows or a connection are expected. Does nothing without `onError`. */
  schedulePoll() {
    if (this.#onError === undefined || !this.#hasTimers) return;
    this.#wasIdle = false;
    if (this.#timer === undefined) this.#startTimer();
  }

  #startTimer() {
    this.#timer = startTimer(() => {
      this.#timer = undefined;
      this.report();
      // A timer would keep an unused exporter from being collected.
      if (this.#wasIdle) return;
      // What ended the wait may be reported a moment later.
      this.#wasIdle = this.#isIdle();
      this.#startTimer();
    }, INTERVAL_MS);
  }

  /** Reports the diagnostics so far. */
  report() {
    if (this.#onError === undefined) return;
    try {
      for (const { diagnostic, onError } of this.#take()) this.#notify(diagnostic, onError);
    } catch {
      // The environment is being torn down.
    }
  }

  /**
   * @param {Diagnostic} diagnostic
   * @param {OnError} [onError]
   */
  #notify(diagnostic, onError = this.#onError) {
    callInTurn(() => onError?.(diagnostic));
  }
}

module.exports = { Diagnostics };
