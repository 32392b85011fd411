'use strict';

// Whether this process is Flue's development server.

const path = require('node:path');

const { variables } = require('./variables.js');

/** Set by test runners in the processes that run tests. */
const TESTS = ['JEST_WORKER_ID', 'VITEST', 'VITEST_WORKER_ID', 'NODE_TEST_CONTEXT'];

/** `flue()` of `@flue/vite` leaves it in the process whose Vite server serves the application on Node. */
const VITE = Symbol.for('flue.vite.injectedDevEnv');

/**
 * Whether `flue dev` or, with `@flue/vite`, Vite's development server runs the application in this process. Never in
 * production, and not in tests.
 */
function isDevServer() {
  const all = variables();
  if (all.NODE_ENV === 'production' || all.NODE_ENV === 'test') return false;
  if (TESTS.some((name) => all[name] !== undefined)) return false;
  const [, program = '', command] = process.argv;
  // The command line of 0.x and 1.0-beta serves the application itself, or marks the process that does.
  if (/^flue(\.[cm]?js)?$/.test(path.basename(program))) return command === 'dev';
  return VITE in globalThis || all.FLUE_MODE === 'local';
}

module.exports = { isDevServer };
