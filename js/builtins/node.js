'use strict';

// What the shared modules use of Node. In a Worker, `#builtins` of `package.json` is `js/builtins/workerd.mjs`.

const { AsyncLocalStorage } = require('node:async_hooks');
const { types } = require('node:util');
const { getHeapStatistics } = require('node:v8');

/** The limit of the heap, in bytes. */
const heapLimit = getHeapStatistics().heap_size_limit;

module.exports = { AsyncLocalStorage, heapLimit, types };
