'use strict';

// What the package exports on Node, in one instance for each version of the package. All that a call can need is loaded
// with this module: later, the process may have no file descriptor left, or other files in `node_modules`.

const { apiOf } = require('../api/api.js');
const { Exporter } = require('../exporter.js');
const { presentOrNew } = require('../global-instance.js');
const { nodeHost } = require('../node-host.js');
const { version } = require('../../package.json');

/**
 * The key of the functions among the global variables: a test runner or a dev server may evaluate this module again and
 * again, and a workspace may have several copies of the package. All of one version have the same functions, with the same
 * loggers and the same current span.
 */
const KEY = Symbol.for(`flue-braintrust ${version}`);

// The exporter has no thread and no connection yet.
module.exports = presentOrNew(KEY, () => apiOf(new Exporter(nodeHost)));
