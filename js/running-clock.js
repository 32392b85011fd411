'use strict';

// A clock that stands still while the process or the isolate does: a machine sleeps, a process is stopped. What waits by
// it does not give up without a chance.

const { monotonicMs } = require('./builtins/index.js');

/** The most that counts of the time in which nothing ran, in milliseconds. As in the native part. */
const MAX_LATE_MS = 500;

/** How long it stood still, and what it showed last: what has passed by then stays passed. */
let stoodStillMs = 0;
let shownMs = 0;

/** The time in milliseconds. Never goes back. */
function runningMs() {
  shownMs = monotonicMs() - stoodStillMs;
  return shownMs;
}

/**
 * Notes that a wait has ended that was to end at `dueMs` at the latest, by this clock. If it ended much later, and
 * nothing has read the clock meanwhile, nothing ran. A wait that does not end shows nothing: its request may have ended.
 * @param {number} dueMs
 */
function woke(dueMs) {
  const lateMs = monotonicMs() - stoodStillMs - Math.max(dueMs, shownMs);
  stoodStillMs += Math.max(0, lateMs - MAX_LATE_MS);
  runningMs();
}

module.exports = { runningMs, woke };
