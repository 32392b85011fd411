'use strict';

/**
 * Which part of a full collection is dropped at once. V8 finds the oldest entry behind all that were dropped since it
 * last rebuilt the collection: of 16,384, an entry alone takes 7 µs, and 256 at once take 50.
 */
const SHARE = 1 / 64;

/**
 * Keeps a collection within its bound after an entry was added.
 * @param {Map<any, unknown> | Set<any>} collection
 * @param {number} most how many entries it may have
 */
function dropOldest(collection, most) {
  if (collection.size <= most) return;
  let left = Math.ceil(most * SHARE);
  for (const key of collection.keys()) {
    collection.delete(key);
    left -= 1;
    if (left === 0) return;
  }
}

module.exports = { dropOldest };
