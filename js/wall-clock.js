'use strict';

// The time of day, as the application has it: its tests may set another one.

const { now = () => NaN } = Date;

/** Milliseconds since the epoch. Never throws: a test may have replaced `Date` by something without `now`. */
function wallMs() {
  try {
    return Number(Date.now());
  } catch {
    return now();
  }
}

module.exports = { wallMs };
