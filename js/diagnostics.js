'use strict';

// What the application's `onError` hears.

const { onWarning } = require('./warn.js');

/** How often the native part is asked what went wrong, in milliseconds. */
const INTERVAL_MS = 1000;

/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */

/**
 * Tells the application what goes wrong, where it wants to know. The native part is asked from time to
 * time instead of calling by itself: nothing of ours then runs between two steps of the application.
 */
class Diagnostics {
  /** @type {((diagnostic: Diagnostic) => unknown) | undefined} */
  #onError;
  #take;

  /** @param {() => Diagnostic[]} take gives what went wrong since it was last asked */
  constructor(take) {
    this.#take = take;
    onWarning((diagnostic) => this.#notify(diagnostic));
  }

  /**
   * Tells it to this function from now on.
   * @param {unknown} onError
   */
  listen(onError) {
    if (typeof onError !== 'function') return;
    if (this.#onError === undefined) setInterval(() => this.report(), INTERVAL_MS).unref();
    this.#onError = /** @type {(diagnostic: Diagnostic) => unknown} */ (onError);
  }

  /** Tells what there is now. */
  report() {
    if (this.#onError === undefined) return;
    try {
      for (const diagnostic of this.#take()) this.#notify(diagnostic);
    } catch {
      // The native part cannot be asked any more: the process ends.
    }
  }

  /** @param {Diagnostic} diagnostic */
  async #notify(diagnostic) {
    try {
      await this.#onError?.(diagnostic);
    } catch {
      // The application's own mistake; there is nobody to tell it to but itself.
    }
  }
}

module.exports = { Diagnostics };
