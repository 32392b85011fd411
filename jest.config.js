'use strict';

/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/__test__'],
  globalSetup: '<rootDir>/__test__/support/setup.mjs',
  testMatch: ['**/*.spec.ts'],
  transform: { '\\.ts$': '@swc/jest' },
  // Every test drives real processes on real clocks, on machines that may have two busy cores.
  testTimeout: 400_000,
  testSequencer: '<rootDir>/scripts/jest-sequencer.js',
  // Many tests wait for what happens elsewhere: two more keep two cores busy.
  maxWorkers: 4,
};
