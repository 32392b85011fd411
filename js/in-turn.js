'use strict';

// Calls `onReady` and `onError`, one at a time.

const { maxTurnMs, monotonicMs } = require('./builtins/index.js');

/** The one that runs now, and those that wait for its return. @type {(() => unknown)[]} */
const calls = [];
/** When the one that runs now began, by `monotonicMs()`. */
let began = 0;

/**
 * Calls a function of the application once the one that runs now has returned: one that ends the process must not run
 * again meanwhile, nor must another, because a second `process.exit` keeps the application's listeners of `exit` from
 * running. Never throws.
 * @param {() => unknown} call
 */
function callInTurn(call) {
  const isRunning = calls.length > 0 && monotonicMs() - began < maxTurnMs;
  // The runtime has ended the turn in which the first one ran: it does not return.
  if (!isRunning) calls.shift();
  calls.push(call);
  if (isRunning) return;
  while (calls.length > 0) {
    const [next = call] = calls;
    began = monotonicMs();
    void quietly(next);
    if (calls[0] === next) calls.shift();
  }
}

/** @param {() => unknown} call */
async function quietly(call) {
  try {
    await call();
  } catch {
    // An error in it is the application's own.
  }
}

module.exports = { callInTurn };
