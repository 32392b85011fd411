// What the core takes from outside: time and randomness. As in `#builtins`, what a test has replaced is not used.

import { runningMs } from '../running-clock.js';

const { crypto } = globalThis;
const randomValues = crypto?.getRandomValues?.bind(crypto);
const { now: unixMs } = Date;

/** @returns {[number, number]} the monotonic clock and the wall clock, in milliseconds */
export const now = () => [runningMs(), unixMs()];

/** The two halves of a seed. Throws outside of a request, where there is no randomness. */
export const randomHalves = () => randomValues(new Uint32Array(2));
