'use strict';

// Timers that do not keep the process alive.

const { outsideOfWork } = require('./builtins/index.js');
const { untraced } = require('./context.js');

/**
 * Calls a function later, outside of the work that runs now: what it calls is no part of that.
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

module.exports = { startTimer };
