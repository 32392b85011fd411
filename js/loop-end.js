'use strict';

// Watches whether the event loop has nothing left to do. Node emits `beforeExit` then, and again whenever what the
// listeners of it began is done.

const { setImmediate } = require('node:timers');

let isWatched = false;
let hasEnded = false;

/** Whether it has nothing to do but what listeners of `beforeExit` begin now. The first call begins to watch it. */
function hasLoopEnded() {
  if (!isWatched) {
    isWatched = true;
    // Before those of the application.
    process.prependListener('beforeExit', () => {
      hasEnded = true;
      // Runs only if they have begun anything.
      setImmediate(() => void (hasEnded = false)).unref();
    });
  }
  return hasEnded;
}

module.exports = { hasLoopEnded };
