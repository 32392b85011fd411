'use strict';

// What the package exports on Node, in one instance for each copy of the package. All that a call can need is loaded with
// this module: later, the process may have no file descriptor left, or other files in `node_modules`.

const { apiOf } = require('../api/api.js');
const { Exporter } = require('../exporter.js');
const { presentOrNew } = require('../global-instance.js');
const { nodeHost } = require('../node-host.js');
const { version } = require('../../package.json');

/**
 * The key of the functions among the global variables: a test runner or a dev server may evaluate this module again and
 * again, and each evaluation of the same copy gives the same functions, with the same exporter.
 */
const KEY = Symbol.for(`flue-braintrust ${version} ${directory()}`);

/** The directory of this copy. A bundle of ES modules has none. */
function directory() {
  return typeof __dirname === 'string' ? __dirname : '';
}

// The exporter has no thread and no connection yet.
module.exports = presentOrNew(KEY, () => apiOf(new Exporter(nodeHost)));
