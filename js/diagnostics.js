'use strict';

// What the application's `onError` hears.

const { onWarning } = require('./warn.js');

/** How often the native part is asked what went wrong, in milliseconds. */
const INTERVAL_MS = 1000;

/** @typedef {import('../index.d.ts').Trouble} Trouble */

/**
 * Tells the application what goes wrong, where it wants to know. The native part is asked from time to
 * time instead of calling by itself: nothing of ours then runs between two steps of the application.
 */
class Troubles {
  /** @type {((trouble: Trouble) => unknown) | undefined} */
  #onError;
  #take;

  /** @param {() => Trouble[]} take gives what went wrong since it was last asked */
  constructor(take) {
    this.#take = take;
    onWarning((trouble) => this.#tell(trouble));
  }

  /**
   * Tells it to this function from now on.
   * @param {unknown} onError
   */
  listen(onError) {
    if (typeof onError !== 'function') return;
    if (this.#onError === undefined) setInterval(() => this.tell(), INTERVAL_MS).unref();
    this.#onError = /** @type {(trouble: Trouble) => unknown} */ (onError);
  }

  /** Tells what there is now. */
  tell() {
    if (this.#onError === undefined) return;
    try {
      for (const trouble of this.#take()) this.#tell(trouble);
    } catch {
      // The native part cannot be asked any more: the process ends.
    }
  }

  /** @param {Trouble} trouble */
  async #tell(trouble) {
    try {
      await this.#onError?.(trouble);
    } catch {
      // The application's own mistake; there is nobody to tell it to but itself.
    }
  }
}

module.exports = { Troubles };
