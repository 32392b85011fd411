// What the core takes from outside: time and randomness.

/** @returns {[number, number]} the monotonic clock and the wall clock, in milliseconds */
export const now = () => [performance.now(), Date.now()];

/** The two halves of a seed. There is no randomness outside of a request. */
export const randomHalves = () => crypto.getRandomValues(new Uint32Array(2));
