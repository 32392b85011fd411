'use strict';

// Text that is safe for a terminal, and its width.

/** Characters that would steer the terminal, end the line or reorder it, and halves of surrogate pairs: never printed. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]+/gu;
const WIDE =
  /[\u1100-\u115f\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\ufe0f\u3000-\u303e\u3200-\u33ff\uff01-\uff60\uffe0-\uffe6]/u;
/** Half-width forms of wide scripts. */
const HALF_WIDTH = /^[\uff61-\uffdc\uffe8-\uffee]/u;
const ZERO_WIDTH = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;

/** Texts of one column per character, which need no segmentation. */
const NARROW = /^[ -~→…✗⚠]*$/;

/** The most code units of one grapheme that are printed: any number of marks may stand on one letter. */
const MAX_GRAPHEME = 32;

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
  if (text.length <= width && NARROW.test(text)) return text;
  let [whole, kept, used] = ['', '', 0];
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width) return `${kept}…`;
    whole += segment.slice(0, MAX_GRAPHEME);
    if (used < width) kept = whole;
  }
  return whole;
}

/**
 * Breaks a text into lines, between words where there are any.
 *
 * @param {string} text printable
 * @param {number} width of a line
 * @param {number} most lines; the last is shortened
 * @returns {string[]} at least one
 */
function fold(text, width, most) {
  const lines = [];
  let rest = text;
  while (lines.length < most - 1 && rest !== '') {
    const line = headOf(rest, width);
    lines.push(line.trimEnd());
    rest = rest.slice(line.length).trimStart();
  }
  if (rest !== '' || lines.length === 0) lines.push(shorten(rest, width));
  return lines;
}

/**
 * The beginning of a text that fits: to the end of a word, unless that would leave more than half of the line empty.
 *
 * @param {string} text
 * @param {number} width
 */
function headOf(text, width) {
  let [end, used, wordEnd, wordUsed] = [0, 0, 0, 0];
  for (const { segment, index } of graphemes.segment(text)) {
    if (segment === ' ') [wordEnd, wordUsed] = [index, used];
    used += graphemeWidth(segment);
    // One grapheme at least, however narrow the line is.
    if (used > width && end > 0) return text.slice(0, wordUsed * 2 > width ? wordEnd : end);
    end = index + segment.length;
  }
  return text;
}

/**
 * @param {string} grapheme
 * @returns {number}
 */
function graphemeWidth(grapheme) {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) && !HALF_WIDTH.test(grapheme) ? 2 : 1;
}

module.exports = { fold, printable, shorten, widthOf };
