'use strict';

// Passes diagnostics to the application's `onError`.

const { startTimer } = require('./timers.js');
const { onWarning } = require('./warn.js');

/** How often the native part is polled while rows wait, in milliseconds. */
const INTERVAL_MS = 1000;

/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */
/** @typedef {(diagnostic: Diagnostic) => unknown} OnError */
/** @typedef {{ diagnostic: Diagnostic, onError: OnError | undefined }} Call */

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
  /** What the function that runs now, and then others, are called with. @type {Call[]} */
  #calls = [];

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
      // A timer would keep an exporter that is used no more from being collected.
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
   * Calls a function once the one that runs now has returned: one that ends the process must not run again meanwhile,
   * because a second `process.exit` keeps the application's listeners of `exit` from running.
   * @param {Diagnostic} diagnostic
   * @param {OnError} [onError]
   */
  #notify(diagnostic, onError = this.#onError) {
    this.#calls.push({ diagnostic, onError });
    if (this.#calls.length > 1) return;
    try {
      // Those that are added meanwhile, too.
      for (const call of this.#calls) void notify(call);
    } finally {
      this.#calls = [];
    }
  }
}

/** @param {Call} call */
async function notify({ diagnostic, onError }) {
  try {
    await onError?.(diagnostic);
  } catch {
    // An error in `onError` is the application's own.
  }
}

module.exports = { Diagnostics };
