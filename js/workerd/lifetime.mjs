// How long a Worker lives on after it has replied.

/** @typedef {(promise: Promise<unknown>) => void} WaitUntil */

/** @type {WaitUntil | undefined} */
let waitUntil;

/** @param {WaitUntil} runtime how this runtime is asked to live on until something is done */
export function tieTo(runtime) {
  waitUntil = runtime;
}

/**
 * Lets the request or the Durable Object that runs now live until the work is done.
 * @param {Promise<unknown>} work never rejects
 */
export function keepAliveFor(work) {
  try {
    waitUntil?.(work);
  } catch {
    // Outside of any request there is nothing to keep alive.
  }
}
