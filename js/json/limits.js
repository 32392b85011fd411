'use strict';

/**
 * The limits of what is written of one event. A mark replaces what exceeds a limit, so that no event blocks the
 * application for long or takes the memory of a thousand others.
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
