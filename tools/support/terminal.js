'use strict';

// Colours and abilities of a terminal, and JSON output.

const { styleText } = require('node:util');

/** @typedef {Parameters<typeof styleText>[0]} Style */

/**
 * Whether text for a stream is coloured. `FORCE_COLOR` decides if it is set (`0` and `false`: no; anything else: yes,
 * also without a terminal), as in Node. Otherwise a terminal has colours, unless `NO_COLOR` is set or it is `dumb`.
 *
 * @param {NodeJS.WriteStream} stream where the text goes
 */
function hasColours(stream) {
  const forced = process.env.FORCE_COLOR;
  if (forced) return forced !== '0' && forced !== 'false';
  return canRedraw(stream) && !process.env.NO_COLOR;
}

/**
 * Whether a stream is a terminal that can erase what it shows.
 *
 * @param {NodeJS.WriteStream} stream
 */
function canRedraw(stream) {
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

/**
 * The columns of a terminal; undefined: the stream is none, or a terminal that does not know (it reports 0).
 *
 * @param {NodeJS.WriteStream} stream
 * @returns {number | undefined}
 */
function columnsOf(stream) {
  return (stream.isTTY === true && stream.columns) || undefined;
}

/**
 * Returns a function that colours text where it has colours.
 *
 * @param {NodeJS.WriteStream} stream where the text goes
 * @returns {(style: Style, text: string) => string}
 */
function painter(stream) {
  const colours = hasColours(stream);
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
}

/** What JSON leaves as it is, and a terminal may carry out: control characters, and those that reorder a line. */
const STEERING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Prints a result for a program to read. It is harmless to a terminal, too.
 *
 * @param {unknown} value
 */
function printJson(value) {
  const text = JSON.stringify(value, null, 2).replace(
    STEERING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  process.stdout.write(`${text}\n`);
}

module.exports = { canRedraw, columnsOf, hasColours, painter, printJson };
