'use strict';

// Follows promises of the application, which settle as without it.

/**
 * Calls a function when a promise of the application has settled. Never throws. Returns the promise that takes its place:
 * it settles alike, so that a rejection that nobody handles stays one. None for a promise with a class or functions of
 * its own, which the application may need: that is not followed.
 * @template T
 * @param {T & Promise<any>} promise
 * @param {(value: unknown) => void} done must not throw
 * @param {(error: unknown) => void} [failed] must not throw
 * @returns {T | undefined}
 */
function follow(promise, done, failed) {
  try {
    return isPlain(promise) ? settling(promise, done, failed) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What {@link follow} returns, for any promise. Throws what its `then` throws.
 * @template T
 * @param {T & Promise<any>} promise
 * @param {(value: unknown) => void} done must not throw
 * @param {(error: unknown) => void} [failed] must not throw
 * @returns {T}
 */
function settling(promise, done, failed) {
  const settled = promise.then(
    (value) => {
      done(value);
      return value;
    },
    (error) => {
      failed?.(error);
      throw error;
    },
  );
  return /** @type {any} */ (settled);
}

/**
 * Whether a promise is of the class `Promise` itself, of any realm, without members of its own.
 * @param {Promise<unknown>} promise
 */
function isPlain(promise) {
  const above = Object.getPrototypeOf(Object.getPrototypeOf(promise));
  return Object.getPrototypeOf(above) === null && Object.getOwnPropertyNames(promise).length === 0;
}

module.exports = { follow, settling };
