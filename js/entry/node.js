'use strict';

// What the package exports on Node, in one instance for each copy of the package. All that a call can need is loaded with
// this module: later, the process may have no file descriptor left, or other files in `node_modules`.

const { apiOf } = require('../api/api.js');
const { Exporter } = require('../exporter.js');
const { nodeHost } = require('../node-host.js');
const { version } = require('../../package.json');

/**
 * Names the functions among the global variables: a test runner or a dev server may evaluate this module again and
 * again, and each evaluation of the same copy gives the same functions, with the same exporter.
 */
const KEY = Symbol.for(`flue-braintrust ${version} ${directory()}`);

/** The directory of this copy. A bundle of ES modules has none. */
function directory() {
  return typeof __dirname === 'string' ? __dirname : '';
}

/**
 * The functions of an earlier evaluation, or new ones with an exporter of their own: no thread, no connection yet.
 * @returns {ReturnType<typeof apiOf>}
 */
function presentOrNew() {
  /** @type {Record<symbol, any>} */
  const globals = globalThis;
  const present = globals[KEY];
  if (present !== undefined) return present;
  const created = apiOf(new Exporter(nodeHost));
  // A frozen global object keeps nothing.
  Reflect.set(globals, KEY, created);
  return created;
}

module.exports = presentOrNew();
