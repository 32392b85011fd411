'use strict';

// Where a text may be cut. Rules and the masking function see what is left: the part of a secret before the cut would
// not be found.

/** How far before the limit a text is cut at most, in characters. Keys and tokens are shorter. */
const REACH = 16 * 1024;

/** What ends keys and tokens, the best first. */
const BOUNDARIES = ['\n', '"', '. ', ', '];

/** The same in a text of words without any of these; the last ones may be in a key or an address. */
const JOINTS = [':', '=', '~', '%', '@', '/', '+', '.'];

/** What else may be in a key, a token or an address. */
const PART_OF_WORD = /[\w.+/=%@:~-]/;

/**
 * The position at which a text is cut that is longer than `most` characters: before it, and not within a word.
 * @param {string} text
 * @param {number} most
 */
function boundaryBefore(text, most) {
  if (text.length <= most) return text.length;
  const start = Math.max(0, most - REACH);
  const reach = text.slice(start, most);
  for (const boundary of BOUNDARIES) {
    const at = reach.lastIndexOf(boundary);
    if (at >= 0) return start + at;
  }
  const blank = blankIn(reach);
  if (blank >= 0) return start + blank;
  let end = reach.length;
  while (end > 0 && PART_OF_WORD.test(/** @type {string} */ (reach[end - 1]))) end -= 1;
  if (end === 0 && start === 0) return 0;
  if (end === 0) {
    end = JOINTS.map((joint) => reach.lastIndexOf(joint)).find((joint) => joint > 0) ?? 0;
  }
  const at = end === 0 ? most : start + end;
  // Not between the halves of a character.
  return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 ? at - 1 : at;
}

/**
 * The last blank that is not after a digit, if there is one: numbers of cards, accounts and telephones have blanks.
 * @param {string} text
 */
function blankIn(text) {
  const last = text.lastIndexOf(' ');
  let at = last;
  while (at > 0 && /[\d ]/.test(/** @type {string} */ (text[at - 1]))) {
    at = text.lastIndexOf(' ', at - 1);
  }
  return at > 0 ? at : last;
}

module.exports = { boundaryBefore };
