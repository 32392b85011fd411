'use strict';

// Timers of this package, in which the application's spans record nothing.

const { outsideOfWork } = require('./builtins/index.js');
const { untraced } = require('./context.js');

/**
 * Calls a function later, without keeping the process alive, and outside of the work that runs now: what it calls is no
 * part of that.
 * @param {() => void} call
 * @param {number} ms
 * @returns {NodeJS.Timeout}
 */
function startTimer(call, ms) {
  const set = () => setTimeout(() => outsideOfWork(call), ms);
  const timer = outsideOfWork(() => untraced(set));
  // A number in a browser, and where tests replace the function.
  timer.unref?.();
  return timer;
}

/** Waits, and keeps the process alive meanwhile. @param {number} ms */
const sleep = (ms) => untraced(() => new Promise((resolve) => setTimeout(resolve, ms)));

module.exports = { sleep, startTimer };
