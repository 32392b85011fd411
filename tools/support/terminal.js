'use strict';

// Colours of a terminal, and JSON output.

const { styleText } = require('node:util');

/** @typedef {Parameters<typeof styleText>[0]} Style */

/**
 * Returns a function that colours text on a terminal, unless `NO_COLOR` is set.
 *
 * @param {NodeJS.WriteStream} stream where the text goes
 * @returns {(style: Style, text: string) => string}
 */
function painter(stream) {
  const colours = stream.isTTY === true && !process.env.NO_COLOR;
  return (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
}

/**
 * Prints a result for a program to read.
 *
 * @param {unknown} value
 */
function printJson(value) {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

module.exports = { painter, printJson };
