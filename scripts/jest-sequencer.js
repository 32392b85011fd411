'use strict';

const { basename } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * The files that take longest, longest first: where one of them starts last, the others wait for it. Jest itself knows
 * how long a file takes only after it has run there.
 */
const LONGEST = [
  'e2e',
  'edge',
  'cloudflare',
  'faults',
  'privacy',
  'hostile',
  'native-loader',
  'delivery',
  'lines',
  'answers',
  'corpus',
  'init',
  'endings',
  'viewer',
  'loggers',
  'diagnostics',
].map((name) => `${name}.spec.ts`);

/** Starts the longest test files first, even in a fresh clone. */
module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    // oxlint-disable-next-line unicorn/no-array-sort -- no array's, but the one of the class above
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
};

function rank({ path }) {
  const place = LONGEST.indexOf(basename(path));
  return place === -1 ? LONGEST.length : place;
}
