'use strict';

// Passes diagnostics to the application's `onError`.

const { onWarning } = require('./warn.js');

/** How often the native part is polled, in milliseconds. */
const INTERVAL_MS = 1000;

/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */

/**
 * Calls the application's `onError` for each diagnostic. Polls the native part, so that no callback of this package
 * runs between two steps of the application.
 */
class Diagnostics {
  /** @type {((diagnostic: Diagnostic) => unknown) | undefined} */
  #onError;
  #take;

  /** @param {() => Diagnostic[]} take returns the diagnostics since the last call */
  constructor(take) {
    this.#take = take;
    onWarning((diagnostic) => this.#notify(diagnostic));
  }

  /**
   * Sets the function to call. Anything but a function is ignored.
   * @param {unknown} onError
   */
  listen(onError) {
    if (typeof onError !== 'function') return;
    if (this.#onError === undefined) setInterval(() => this.report(), INTERVAL_MS).unref();
    this.#onError = /** @type {(diagnostic: Diagnostic) => unknown} */ (onError);
  }

  /** Reports the diagnostics so far. */
  report() {
    if (this.#onError === undefined) return;
    try {
      for (const diagnostic of this.#take()) this.#notify(diagnostic);
    } catch {
      // The environment is being torn down.
    }
  }

  /** @param {Diagnostic} diagnostic */
  async #notify(diagnostic) {
    try {
      await this.#onError?.(diagnostic);
    } catch {
      // An error in `onError` is the application's own.
    }
  }
}

module.exports = { Diagnostics };
