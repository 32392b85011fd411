// What `#builtins` gives in every isolate.

/** The memory of an isolate, in bytes. */
export const heapLimit = () => 128 * 1024 * 1024;

/**
 * How long a function of the application may run in a turn of the event loop, in milliseconds: one that has not returned
 * by then is not running any more. The runtime may end a turn, and the clock stands still within one.
 */
export const maxTurnMs = 1000;

/** A Worker has no timers that outlast its work. @param {() => unknown} work */
export const outsideOfWork = (work) => work();

// Tests replace the global timers and clocks while the application runs: what this package waits for must still come.
const { clearTimeout, crypto, performance, setTimeout } = globalThis;

/** @type {() => string} */
export const randomUUID = crypto?.randomUUID?.bind(crypto);

/** A clock that never goes back, in milliseconds. @type {() => number} */
export const monotonicMs = performance?.now.bind(performance);

/** Called as functions, as the runtime wants it. @type {Pick<typeof globalThis, 'clearTimeout' | 'setTimeout'>} */
export const timers = {
  clearTimeout: (timer) => clearTimeout(timer),
  setTimeout: /** @type {any} */ ((/** @type {[() => void]} */ ...args) => setTimeout(...args)),
};
