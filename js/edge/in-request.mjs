// Whether a request runs: the timers of a Worker belong to one, and outside of one there are none.

import { timers } from '#builtins';
import { untraced } from '../context.js';

/** False at the top level of a module, for example. */
export function isInRequest() {
  try {
    timers.clearTimeout(untraced(() => timers.setTimeout(() => {}, 0)));
    return true;
  } catch {
    return false;
  }
}
