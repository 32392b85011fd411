'use strict';

// Text that is safe for a terminal, and its width.

/** Characters that would steer the terminal or reorder the line: never printed. */
const UNPRINTABLE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;
const ZERO_WIDTH = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;

/** Texts of one column per character, which need no segmentation. */
const NARROW = /^[ -~→…✗⚠]*$/;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * @param {string} text
 * @returns {string} on one line and harmless to a terminal
 */
function printable(text) {
  return text.replace(UNPRINTABLE, ' ').trim();
}

/**
 * @param {string} text printable
 * @returns {number} the columns it takes in a terminal
 */
function widthOf(text) {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/**
 * @param {string} text printable
 * @param {number} width
 * @returns {string} the text, shortened with `…` where it takes more columns
 */
function shorten(text, width) {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/**
 * @param {string} grapheme
 * @returns {number}
 */
function graphemeWidth(grapheme) {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

module.exports = { printable, shorten, widthOf };
