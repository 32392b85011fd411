'use strict';

/**
 * What an earlier evaluation of a module has created, or what this one creates: test runners and dev servers evaluate
 * modules again and again in one process.
 * @template T
 * @param {symbol} key that names it among the global variables
 * @param {() => T} create
 * @returns {T}
 */
function presentOrNew(key, create) {
  /** @type {Record<symbol, any>} */
  const globals = globalThis;
  const present = globals[key];
  if (present !== undefined) return present;
  const created = create();
  // A frozen global object keeps nothing.
  Reflect.set(globals, key, created);
  return created;
}

module.exports = { presentOrNew };
