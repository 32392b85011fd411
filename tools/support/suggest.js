'use strict';

// What a mistyped word was meant to be.

/** The most differences between a word and what it was meant to be. */
const MAX_DISTANCE = 2;

/**
 * The candidate that a word was probably meant to be: at most two typing errors away (case is none), or one that it
 * begins or ends, that begins it, or that has the same letters.
 *
 * @param {string} word
 * @param {string[]} candidates
 * @returns {string | undefined}
 */
function suggestionFor(word, candidates) {
  const typed = word.toLowerCase();
  if (typed === '' || typed.length > 40) return undefined;
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distanceOf(typed, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.min(MAX_DISTANCE, candidate.length - 2))
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate ?? candidates.find((name) => isPart(typed, name));
}

/** @param {string} word */
const sorted = (word) => [...word].toSorted().join('');

/**
 * @param {string} typed
 * @param {string} name
 */
function isPart(typed, name) {
  if (sorted(typed) === sorted(name)) return true;
  if (typed.length >= 2 && (name.startsWith(typed) || typed.startsWith(name))) return true;
  return typed.length >= 3 && name.endsWith(typed);
}

/**
 * How many insertions, deletions, replacements and swaps of neighbours lead from one word to another.
 *
 * @param {string} from
 * @param {string} to
 */
function distanceOf(from, to) {
  /** @type {number[]} */
  let beforeLast = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = Number(last[j - 1]) + (from[i - 1] === to[j - 1] ? 0 : 1);
      let best = Math.min(Number(last[j]) + 1, Number(row[j - 1]) + 1, replaced);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        best = Math.min(best, Number(beforeLast[j - 2]) + 1);
      }
      row.push(best);
    }
    [beforeLast, last] = [last, row];
  }
  return Number(last[to.length]);
}

module.exports = { suggestionFor };
