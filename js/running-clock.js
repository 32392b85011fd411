'use strict';

// A clock that stands still while the process or the isolate does: a machine sleeps, a process is stopped. What waits by
// it does not give up without a chance.

const { monotonicMs } = require('./builtins/index.js');

/** The most that counts of the time in which nothing ran, in milliseconds. As in the native part. */
const MAX_LATE_MS = 500;

/** A wait, and when it is to end by `monotonicMs()`. @typedef {{ dueAt: number }} Wait */

/** How long the clock stood still. */
let stoodStillMs = 0;
/** Up to which time the clock was read, by `monotonicMs()`: what has passed stays passed. */
let readAt = 0;
/** The wait that is to end first. The clock does not leave it behind: when it ends shows whether all stood still. @type {Wait | undefined} */
let first;

/** The time in milliseconds. Never goes back. */
function runningMs() {
  const most = first === undefined ? Infinity : first.dueAt + MAX_LATE_MS;
  readAt = Math.max(readAt, Math.min(monotonicMs(), most));
  return readAt - stoodStillMs;
}

/**
 * Begins a wait, to which the end belongs.
 * @param {number} ms
 * @returns {Wait}
 */
function beginWait(ms) {
  const wait = { dueAt: monotonicMs() + ms };
  if (first === undefined || wait.dueAt < first.dueAt) first = wait;
  return wait;
}

/** Ends a wait. If it ends much later than it was to, nothing ran. @param {Wait} wait */
function endWait(wait) {
  // Of those before it, the runtime has ended the request: they do not end.
  if (first !== undefined && first.dueAt <= wait.dueAt) first = undefined;
  const now = monotonicMs();
  const since = Math.max(wait.dueAt + MAX_LATE_MS, readAt);
  if (now <= since) return;
  stoodStillMs += now - since;
  readAt = now;
}

module.exports = { beginWait, endWait, runningMs };
