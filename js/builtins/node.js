'use strict';

// What the shared modules use of Node. In a Worker, `#builtins` of `package.json` is `js/builtins/workerd.mjs`.

const { AsyncLocalStorage } = require('node:async_hooks');
const { clearTimeout, setTimeout } = require('node:timers');
const { types } = require('node:util');

/** The limit of the heap, in bytes. Loads the module when it is asked for: it takes 1.5 ms. */
const heapLimit = () => require('node:v8').getHeapStatistics().heap_size_limit;

/** Loads the module with the first span: it takes 3 ms. The global `crypto` is not in every context. */
const randomUUID = () => require('node:crypto').randomUUID();

/** Runs a function in the async context in which this package was loaded, which is no work of the application's. */
const outsideOfWork = AsyncLocalStorage.snapshot();

// Tests replace the global timers and clocks while the application runs: what this package waits for must still come.

/** The timers of Node itself. */
const timers = { clearTimeout, setTimeout };

const { uptime } = process;

/** A clock that never goes back, in milliseconds. `performance` of `node:perf_hooks` takes 1 ms to load. */
const monotonicMs = () => uptime() * 1000;

module.exports = {
  AsyncLocalStorage,
  heapLimit,
  monotonicMs,
  outsideOfWork,
  randomUUID,
  timers,
  types,
};
