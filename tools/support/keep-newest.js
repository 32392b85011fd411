'use strict';

/**
 * Drops the oldest entries of a collection.
 *
 * @template K
 * @param {Map<K, unknown> | Set<K>} collection
 * @param {number} most how many stay
 */
function keepNewest(collection, most) {
  for (const oldest of collection.keys()) {
    if (collection.size <= most) return;
    collection.delete(oldest);
  }
}

module.exports = { keepNewest };
