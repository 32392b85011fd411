'use strict';

// How a list changed: what a server sends instead of the whole list. The viewer's page bundles this file, too: it uses
// nothing of Node.

/**
 * The change of a list. Without the `removed` and the `placed` elements the old and the new list are the same, in the
 * same order; each placed one then stands at its index.
 *
 * @typedef {object} ListDelta
 * @property {string[]} removed ids
 * @property {[number, object][]} placed new, changed and moved elements, by rising index
 */

/**
 * @template {object} T
 * @param {readonly T[]} elements
 * @param {(element: T) => string} idOf
 * @returns {Map<string, number>} the index of each
 */
function placesOf(elements, idOf) {
  return new Map(elements.map((element, place) => [idOf(element), place]));
}

/**
 * The difference between two lists, as small as it can be. An element that did not change is the same object in both.
 *
 * @template {object} T
 * @param {readonly object[]} before
 * @param {Map<string, number>} places of its elements
 * @param {readonly T[]} after
 * @param {(element: T) => string} idOf
 * @returns {ListDelta | null} null when an id repeats, and so names no element
 */
function differenceOf(before, places, after, idOf) {
  const ids = after.map(idOf);
  const kept = new Set(ids);
  if (kept.size < ids.length || places.size < before.length) return null;
  // The places of what stayed, in the new order: where they do not rise, something moved.
  const stayed = ids.map((id) => places.get(id) ?? -1);
  const inOrder = risingOf(stayed);
  /** @type {[number, object][]} */
  const placed = [];
  for (const [index, element] of after.entries()) {
    const place = stayed[index] ?? -1;
    if (!inOrder.has(index) || before[place] !== element) placed.push([index, element]);
  }
  return { removed: [...places.keys()].filter((id) => !kept.has(id)), placed };
}

/**
 * @template {object} T
 * @param {readonly T[]} before
 * @param {ListDelta} delta
 * @param {(element: T) => string} idOf
 * @returns {T[] | null} the list as it is now; null when the delta is not one of this list
 */
function applyDelta(before, { removed, placed }, idOf) {
  const gone = new Set(removed);
  for (const [, element] of placed) gone.add(idOf(/** @type {T} */ (element)));
  const stayed = before.filter((element) => !gone.has(idOf(element)));
  /** @type {T[]} */
  const after = [];
  let next = 0;
  for (const [index, element] of placed) {
    const missing = index - after.length;
    if (missing < 0 || next + missing > stayed.length) return null;
    for (const end = next + missing; next < end; next += 1)
      after.push(/** @type {T} */ (stayed[next]));
    after.push(/** @type {T} */ (element));
  }
  for (; next < stayed.length; next += 1) after.push(/** @type {T} */ (stayed[next]));
  return after;
}

/**
 * The indexes of a longest rising part of a list of numbers.
 *
 * @param {number[]} numbers those below 0 are left out
 * @returns {Set<number>}
 */
function risingOf(numbers) {
  /** The index of the smallest last number of a rising part, by the length of the part. @type {number[]} */
  const tails = [];
  /** @type {number[]} */
  const before = [];
  for (const [index, number] of numbers.entries()) {
    if (number < 0) continue;
    let [low, high] = [0, tails.length];
    // Mostly all of them rise.
    if (high > 0 && at(numbers, at(tails, high - 1)) < number) low = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(numbers, at(tails, middle)) < number) low = middle + 1;
      else high = middle;
    }
    before[index] = low === 0 ? -1 : at(tails, low - 1);
    tails[low] = index;
  }
  /** @type {Set<number>} */
  const rising = new Set();
  for (let index = tails.at(-1) ?? -1; index >= 0; index = at(before, index)) rising.add(index);
  return rising;
}

/** @param {number[]} list @param {number} index @returns {number} */
function at(list, index) {
  return /** @type {number} */ (list[index]);
}

module.exports = { applyDelta, differenceOf, placesOf };
