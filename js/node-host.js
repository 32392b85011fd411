'use strict';

// What the exporter needs of Node.

const fs = require('node:fs');

const { environment } = require('./environment.js');
const { endAtExit, endOnSignals } = require('./exit.js');
const { loadNative, preloadNative } = require('./native-loader.js');
const { PATIENCE_MS, deliverWithin } = require('./vercel.js');
const { printBy } = require('./warn.js');

// Not by `process.stderr`: without a reader it ends the process with an error event.
printBy((line) => fs.writeSync(2, `${line}\n`));

/** The thread that delivers for all recorders. @type {import('../native.d.ts').Engine | undefined} */
let engine;

/** Delivers what all recorders have. @type {(timeoutMs: number) => Promise<unknown>} */
let flush = async () => {};

/** @type {import('./host.d.ts').Host} */
const nodeHost = {
  load: loadNative,
  preload: preloadNative,
  environment,
  hasTimers: true,
  open(settings) {
    const { Engine, Recorder } = loadNative();
    engine ??= new Engine();
    return new Recorder(settings, engine);
  },
  keepIn() {},
  attach(callbacks) {
    ({ flush } = callbacks);
  },
  delivery() {
    deliverWithin(() => flush(PATIENCE_MS));
    return undefined;
  },
  endAtExit,
  endOnSignals,
};

module.exports = { nodeHost };
