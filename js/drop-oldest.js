'use strict';

/**
 * Keeps a collection within its bound after an entry was added.
 * @param {Map<any, unknown> | Set<any>} collection
 * @param {number} most how many entries it may have
 */
function dropOldest(collection, most) {
  if (collection.size > most) collection.delete(collection.keys().next().value);
}

module.exports = { dropOldest };
