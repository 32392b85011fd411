// Whether a request runs: the timers of a Worker belong to one, and outside of one there are none.

import { untraced } from '../context.js';

/** False at the top level of a module, for example. */
export function isInRequest() {
  try {
    clearTimeout(untraced(() => setTimeout(() => {}, 0)));
    return true;
  } catch {
    return false;
  }
}
