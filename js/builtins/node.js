'use strict';

// What the shared modules use of Node. In a Worker, `#builtins` of `package.json` is `js/builtins/workerd.mjs`.

const { AsyncLocalStorage } = require('node:async_hooks');
const { clearTimeout, setTimeout } = require('node:timers');
const { types } = require('node:util');

/** The limit of the heap, in bytes. Loads the module when it is asked for: it takes 1.5 ms. */
const heapLimit = () => require('node:v8').getHeapStatistics().heap_size_limit;

/** How long a function of the application may run in a turn of the event loop: it returns, or the process ends. */
const maxTurnMs = Infinity;

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
let lastUUID = '';
/** Loaded with the first span: it takes 3 ms. The global `crypto` is not in every context. @type {typeof import('node:crypto') | undefined} */
let crypto;

/** A UUID that differs from the one before, even where a test has replaced the function of Node. */
function randomUUID() {
  try {
    crypto ??= require('node:crypto');
    const id = crypto.randomUUID();
    if (UUID.test(id) && id !== lastUUID) return (lastUUID = id);
  } catch {
    // A mock that throws, or no secure memory.
  }
  return ownUUID();
}

/** Four hexadecimal digits of a number; zeros of what is none. @param {number} value */
const digits = (value) => (value & 0xffff).toString(16).padStart(4, '0');
const HIGH = 2 ** 16;

/** Tests replace `Math.random`, too. */
function randomDigits() {
  try {
    return digits(Math.random() * HIGH);
  } catch {
    return '0000';
  }
}

// Drawn now, when it is most likely that of JavaScript.
const seed = randomDigits() + randomDigits();
let count = 0;

/** A UUID from a count and weaker randomness. Its first half, which is the id of a span, differs by itself. */
function ownUUID() {
  count += 1;
  const time = monotonicMs() * 1000;
  const own = digits(process.pid) + digits(time / HIGH) + digits(time);
  return `${seed}-${digits(count / HIGH)}-${digits(count)}-${randomDigits()}-${own}`;
}

/** Runs a function in the async context in which this package was loaded, which is not work of the application's. */
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
  maxTurnMs,
  monotonicMs,
  outsideOfWork,
  randomUUID,
  timers,
  types,
};
