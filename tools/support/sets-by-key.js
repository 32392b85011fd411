'use strict';

// Maps of sets, in which no set is empty.

/**
 * @template K, V
 * @param {Map<K, Set<V>>} sets
 * @param {K} key
 * @param {V} value
 */
function addTo(sets, key, value) {
  sets.set(key, (sets.get(key) ?? new Set()).add(value));
}

/**
 * @template K, V
 * @param {Map<K, Set<V>>} sets
 * @param {K} key
 * @param {V} value
 */
function removeFrom(sets, key, value) {
  const values = sets.get(key);
  values?.delete(value);
  if (values?.size === 0) sets.delete(key);
}

module.exports = { addTo, removeFrom };
