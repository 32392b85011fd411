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

/**
 * @param {number} seconds
 * @returns {string} such as `320 ms`, `1.24 s`, `2 m 03 s`, `1 h 02 m`
 */
function formatDuration(seconds) {
  const ms = Math.round(seconds * 1000);
  if (ms < 1) return '<1 ms';
  if (ms < 1000) return `${ms} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const wholeSeconds = Math.round(ms / 1000);
  const wholeMinutes = Math.floor(wholeSeconds / 60);
  if (wholeMinutes < 60) return `${wholeMinutes} m ${twoDigits(wholeSeconds % 60)} s`;
  return `${Math.floor(wholeMinutes / 60)} h ${twoDigits(wholeMinutes % 60)} m`;
}

/**
 * @param {number} count
 * @returns {string} such as `1,204`
 */
function formatCount(count) {
  return count.toLocaleString('en-US');
}

/**
 * @param {number} dollars
 * @returns {string} such as `$0.0123`
 */
function formatCost(dollars) {
  return dollars > 0 && dollars < 0.0001 ? '<$0.0001' : `$${dollars.toFixed(4)}`;
}

/**
 * @param {number} count
 * @param {string} noun
 * @returns {string} such as `1 span`, `1,204 spans`
 */
function counted(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * @param {number} n
 * @returns {string}
 */
function twoDigits(n) {
  return String(n).padStart(2, '0');
}

module.exports = {
  counted,
  formatCost,
  formatCount,
  formatDuration,
  printable,
  shorten,
  widthOf,
};
