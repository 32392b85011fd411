/** The clocks of a scenario. Imported before the package, which keeps those that it finds. */
const wall = Date.now.bind(Date);
let monotonic = performance.now.bind(performance);
let aheadMs = 0;
Date.now = () => wall() + aheadMs;
performance.now = () => monotonic() + aheadMs;

/** Moves both clocks on at once. @param {number} ms */
export const advance = (ms) => void (aheadMs += ms);

/** Replaces the monotonic clock. @param {() => number} clock */
export const readBy = (clock) => void (monotonic = clock);
