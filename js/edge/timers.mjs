// Timers of a Worker, which belong to the request that runs now: outside of one there are none.

import { untraced } from '../context.js';

/** Whether a request runs: none does at the top level of a module, for example. */
export function isInRequest() {
  try {
    clearTimeout(untraced(() => setTimeout(() => {}, 0)));
    return true;
  } catch {
    return false;
  }
}

/** @param {number} ms */
export const sleep = (ms) => untraced(() => new Promise((resolve) => setTimeout(resolve, ms)));
