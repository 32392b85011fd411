// What `#builtins` gives in every isolate.

/** The memory of an isolate, in bytes. */
export const heapLimit = () => 128 * 1024 * 1024;

/** A Worker has no timers that outlast its work. @param {() => unknown} work */
export const outsideOfWork = (work) => work();

/** @returns {string} */
export const randomUUID = () => crypto.randomUUID();

/** A clock that never goes back, in milliseconds. */
export const monotonicMs = () => performance.now();

/** Called as functions, as the runtime wants it. @type {Pick<typeof globalThis, 'clearTimeout' | 'setTimeout'>} */
export const timers = {
  clearTimeout: (timer) => clearTimeout(timer),
  setTimeout: /** @type {any} */ ((/** @type {[() => void]} */ ...args) => setTimeout(...args)),
};
