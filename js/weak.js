'use strict';

// References that keep nothing alive.

/**
 * A weak reference; a strong one if the runtime has no `WeakRef`, as in a Worker with an early compatibility date.
 * @template {WeakKey} T
 * @param {T} value
 * @returns {WeakRef<T>}
 */
function weakly(value) {
  if (typeof WeakRef === 'function') return new WeakRef(value);
  return /** @type {any} */ ({ deref: () => value });
}

module.exports = { weakly };
