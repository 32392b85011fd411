'use strict';

/**
 * How much of one event is written. What exceeds a limit is left out with a mark in its place, so that
 * no event stops the application for long or takes the memory of a thousand others.
 */
module.exports = Object.freeze({
  /** The deepest nesting that is written. */
  DEPTH: 100,
  /** The most members of one object, or elements of one list. */
  MEMBERS: 10_000,
  /** The most values in all. */
  VALUES: 50_000,
  /** The most characters of texts in all; where there are more, each text is cut. */
  CHARACTERS: 8 * 1024 * 1024,
  /** What is left of a text that is cut, in characters. */
  CUT_CHARACTERS: 1024 * 1024,
});
