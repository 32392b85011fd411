'use strict';

// The globals of Jest that the specs use, on `node:test`: Jest itself needs native parts of its own for each platform.
// Loaded before a spec. SKIP is a pattern for the names of tests to leave out.

const children = require('node:child_process');
const nodeTest = require('node:test');
const { format } = require('node:util');
const { expect } = require('expect');

const TIMEOUT_MS = 120_000;
const skipped = process.env.SKIP ? new RegExp(process.env.SKIP) : undefined;

const { NAPI_RS_NATIVE_LIBRARY_PATH } = process.env;
for (const name of /** @type {const} */ (['spawn', 'fork'])) {
  const start = /** @type {Function} */ (children[name]);
  // The programs under test inherit nothing but what the specs name; they must find the binary.
  Object.assign(children, {
    [name]: (/** @type {any[]} */ ...args) => {
      const options = args.pop();
      return start(...args, { ...options, env: { ...options.env, NAPI_RS_NATIVE_LIBRARY_PATH } });
    },
  });
}

/** @param {string} name @param {() => unknown} body */
function test(name, body) {
  if (skipped?.test(name)) return;
  void nodeTest.test(name, { timeout: TIMEOUT_MS }, async () => {
    await body();
  });
}

/** @param {readonly unknown[]} rows */
test.each = (rows) => (/** @type {string} */ name, /** @type {Function} */ body) => {
  for (const row of rows) {
    const args = Array.isArray(row) ? row : [row];
    const places = name.match(/%[a-z]/g)?.length ?? 0;
    test(format(name, ...args.slice(0, places)), () => body(...args));
  }
};
test.skip = () => {};

Object.assign(globalThis, {
  expect,
  test,
  describe: nodeTest.describe,
  beforeEach: nodeTest.beforeEach,
  afterEach: nodeTest.afterEach,
});
