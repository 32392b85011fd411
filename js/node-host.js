'use strict';

// What the exporter needs of Node.

const fs = require('node:fs');

const { environment } = require('./environment.js');
const { endAtExit, endOnSignals } = require('./exit.js');
const { loadNative, preloadNative } = require('./native-loader.js');
const { printBy } = require('./warn.js');

// Not by `process.stderr`: without a reader it ends the process with an error event.
printBy((line) => fs.writeSync(2, `${line}\n`));

/** @type {import('./host.d.ts').Host} */
const nodeHost = {
  load: loadNative,
  preload: preloadNative,
  environment,
  hasTimers: true,
  keepIn() {},
  attach() {},
  delivery: () => undefined,
  endAtExit,
  endOnSignals,
};

module.exports = { nodeHost };
