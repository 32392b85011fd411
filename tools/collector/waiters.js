'use strict';

/** The longest time of a timer, in milliseconds: a longer one ends at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * @template T
 * @typedef {object} Waiter
 * @property {(subject: T) => boolean} predicate
 * @property {() => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {NodeJS.Timeout} timer
 */

/**
 * Promises that wait for something to become true of a subject.
 *
 * @template T
 */
class Waiters {
  #subject;
  #describe;
  /** @type {Set<Waiter<T>>} */
  #waiters = new Set();
  #isClosed = false;

  /**
   * @param {T} subject what the predicates look at
   * @param {() => string} describe its state, for the message of a timeout
   */
  constructor(subject, describe) {
    this.#subject = subject;
    this.#describe = describe;
  }

  /**
   * @param {(subject: T) => boolean} predicate
   * @param {number} timeoutMs
   * @returns {Promise<void>} rejects when time is up, on close, and when the predicate throws or is asynchronous
   */
  wait(predicate, timeoutMs) {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw this.#closedError();
      const ms = Math.min(timeoutMs, MAX_TIMEOUT_MS);
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        const condition = predicate.toString().replace(/\s+/g, ' ');
        reject(
          new Error(`not true within ${timeoutMs} ms: ${condition}\nso far: ${this.#describe()}`),
        );
      }, ms);
      const waiter = { predicate, resolve, reject, timer };
      this.#waiters.add(waiter);
      this.#check(waiter);
    });
  }

  /** Looks at every predicate again. */
  check() {
    for (const waiter of this.#waiters) this.#check(waiter);
  }

  /** Rejects whatever still waits. */
  close() {
    this.#isClosed = true;
    for (const waiter of this.#waiters) {
      this.#settle(waiter);
      waiter.reject(this.#closedError());
    }
  }

  #closedError() {
    return new Error(`closed while waiting; so far: ${this.#describe()}`);
  }

  /** @param {Waiter<T>} waiter */
  #check(waiter) {
    try {
      const result = /** @type {unknown} */ (waiter.predicate(this.#subject));
      if (isPromise(result)) throw new TypeError('the predicate must return a boolean, no promise');
      if (!result) return;
      this.#settle(waiter);
      waiter.resolve();
    } catch (error) {
      this.#settle(waiter);
      waiter.reject(error);
    }
  }

  /** @param {Waiter<T>} waiter */
  #settle(waiter) {
    clearTimeout(waiter.timer);
    this.#waiters.delete(waiter);
  }
}

/** @param {unknown} value */
function isPromise(value) {
  return typeof value === 'object' && value !== null && 'then' in value;
}

module.exports = { Waiters };
