'use strict';

// Timers of this package, in which the application's spans record nothing.

const { outsideOfWork, timers } = require('./builtins/index.js');
const { untraced } = require('./context.js');
const { runningMs, woke } = require('./running-clock.js');

/**
 * Calls a function later, without keeping the process alive, and outside of the work that runs now: what it calls is no
 * part of that.
 * @param {() => void} call
 * @param {number} ms
 * @returns {NodeJS.Timeout}
 */
function startTimer(call, ms) {
  const set = () => timers.setTimeout(() => outsideOfWork(call), ms);
  const timer = outsideOfWork(() => untraced(set));
  // A number in a browser.
  timer.unref?.();
  return timer;
}

/** @param {NodeJS.Timeout | undefined} timer */
const stopTimer = (timer) => timers.clearTimeout(timer);

/** Waits, and keeps the process alive meanwhile. @param {number} ms */
async function sleep(ms) {
  const dueMs = runningMs() + ms;
  await untraced(() => new Promise((resolve) => timers.setTimeout(resolve, ms)));
  woke(dueMs);
}

module.exports = { sleep, startTimer, stopTimer };
