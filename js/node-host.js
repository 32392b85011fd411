'use strict';

// What the exporter needs of Node.

const fs = require('node:fs');
const path = require('node:path');

const { isDevServer } = require('./dev-server.js');
const { environment } = require('./environment.js');
const { endAtExit, endOnSignals, endWorkersAtExit } = require('./exit.js');
const { hasLoopEnded } = require('./loop-end.js');
const { loadNative } = require('./native-loader.js');
const { variables } = require('./variables.js');
const { PATIENCE_MS, deliverWithin } = require('./vercel.js');
const { printBy, warn } = require('./warn.js');

/** The thread that delivers for all recorders. @type {import('../native.d.ts').Engine | undefined} */
let engine;

/** What the exporter can be asked. @type {import('./host.d.ts').Callbacks | undefined} */
let exporter;
let offersStats = false;

/** Lets `flue-braintrust top` read the counters, if `FLUE_BRAINTRUST_TOP` asks for it. */
function offerStats() {
  const variable = variables().FLUE_BRAINTRUST_TOP?.trim();
  if (offersStats || !variable || ['0', 'false'].includes(variable)) return;
  offersStats = true;
  try {
    const { serveStats } = require('./stats-socket.js');
    serveStats(variable, report, (why) => {
      warn('NO_TOP', `\`flue-braintrust top\` cannot watch this process: ${why}.`);
    });
  } catch {
    // A clone may have lost the file: what is asked for is not part of the application.
  }
}

/** Delivers what all loggers have. */
const flushAll = async () => exporter?.flush(PATIENCE_MS);

/** The counters of this process, without secrets. */
const report = () => ({
  pid: process.pid,
  program: path.basename(process.argv[1] ?? process.execPath),
  uptimeMs: Math.round(process.uptime() * 1000),
  loggers: exporter?.stats?.() ?? [],
});

/** @type {typeof import('../native.d.ts') | undefined} */
let native;

/** How often a line is tried again while stderr is full, and after how many milliseconds. */
const ATTEMPTS = 20;
const AGAIN_MS = 5;

// Not by `process.stderr`: without a reader it ends the process with an error event. By the native part, which never
// blocks, if it is loaded; not on Windows, where nothing runs that would wait for the last line.
printBy((line) => {
  if (native && process.platform !== 'win32') native.printLine(line);
  else writeLine(line);
});

/** Writes a line, even if stderr is a pipe that does not block and is full for a moment. @param {string} line */
function writeLine(line) {
  let rest = Buffer.from(`${line}\n`);
  for (let attempts = 0; rest.length > 0; attempts += 1) {
    try {
      rest = rest.subarray(fs.writeSync(2, rest));
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN' || attempts > ATTEMPTS) {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
    }
  }
}

/** The native part, whose exporters in workers end with the main thread from now on. */
function load() {
  if (!native) {
    native = loadNative();
    endWorkersAtExit(native.beginProcessExit, native.endProcess);
  }
  return native;
}

/** @type {import('./host.d.ts').Host} */
const nodeHost = {
  load,
  preload() {
    try {
      load();
    } catch {
      // Whoever needs it tries again, and learns why not.
    }
  },
  environment,
  hasTimers: true,
  isDev: isDevServer,
  open(settings) {
    const native = load();
    engine ??= new native.Engine();
    const recorder = new native.Recorder(settings, engine);
    offerStats();
    return recorder;
  },
  keepIn() {},
  attach(callbacks) {
    exporter = callbacks;
  },
  delivery(mayBeFirst = true) {
    deliverWithin(flushAll, mayBeFirst);
    return undefined;
  },
  endAtExit,
  hasLoopEnded,
  endOnSignals,
};

module.exports = { nodeHost };
