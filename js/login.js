'use strict';

// The wait for the organisation and the project of a destination, which may have recorded nothing.

const { monotonicMs } = require('./builtins/index.js');
const { sleep } = require('./timers.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/** How long the login is waited for, in milliseconds. */
const LOGIN_MS = 5000;
/** How long the native part is left alone at first and at most until it is asked again, in milliseconds. */
const FIRST_MS = 5;
const LAST_MS = 100;

/**
 * Waits until a destination is connected, at most for 5 seconds. Never rejects.
 * @param {Destination} destination
 */
async function awaitLogin(destination) {
  if (!destination.isOn || destination.isClosed) return;
  if (!destination.connect()) {
    await destination.logIn(LOGIN_MS);
    return;
  }
  const until = monotonicMs() + LOGIN_MS;
  const isAwaited = () => destination.awaitsLogin && monotonicMs() < until;
  for (let delay = FIRST_MS; isAwaited(); delay = Math.min(delay * 2, LAST_MS)) await sleep(delay);
}

module.exports = { awaitLogin };
