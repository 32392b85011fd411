'use strict';

// Calls `onReady` and `onError`, one at a time.

const { maxTurnMs, monotonicMs } = require('./builtins/index.js');

/** The one that runs now, and those that wait for its return. @type {(() => unknown)[]} */
let calls = [];
/** When the one that runs now began, by `monotonicMs()`. */
let began = 0;

/**
 * Calls a function of the application once the one that runs now has returned: one that ends the process must not run
 * again meanwhile, nor must another, because a second `process.exit` keeps the application's listeners of `exit` from
 * running. Never throws.
 * @param {() => unknown} call
 */
function callInTurn(call) {
  // The runtime has ended the turn in which it ran: it does not return.
  if (calls.length > 0 && monotonicMs() - began >= maxTurnMs) calls = [];
  calls.push(call);
  if (calls.length > 1) return;
  try {
    // Includes those that are added meanwhile.
    for (const next of calls) {
      began = monotonicMs();
      void quietly(next);
    }
  } finally {
    calls = [];
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
