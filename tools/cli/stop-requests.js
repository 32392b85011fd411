'use strict';

// Requests of the user or the system to stop: Ctrl-C and signals.

/** @type {NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Within this time, in milliseconds, a second signal is the same request: on Ctrl-C, `npx` and `npm run` pass on the
 * signal that the terminal has sent to all processes already.
 */
const SAME_REQUEST_MS = 1000;

/**
 * Calls a function for each request to stop, the first and those after it.
 *
 * @param {(signal: NodeJS.Signals, isFirst: boolean) => void} onRequest
 */
function onStopRequest(onRequest) {
  let lastAt = -Infinity;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const isFirst = lastAt === -Infinity;
      if (!isFirst && performance.now() - lastAt < SAME_REQUEST_MS) return;
      lastAt = performance.now();
      onRequest(signal, isFirst);
    });
  }
}

module.exports = { onStopRequest };
