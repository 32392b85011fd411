'use strict';

// Ends exporters when the process ends. One set of listeners serves all copies and evaluations of this package.

const { setImmediate } = require('node:timers');

const { handleSignals } = require('./signals.js');

/** Where `process` keeps the registry. The number is that of the protocol between copies. */
const REGISTRY = Symbol.for('flue-braintrust.exit.1');

/**
 * An exporter at the end of the process. No member throws.
 * @typedef {object} Ending
 * @property {(step: Step) => void} beginExit
 * @property {(step: Step) => void} waitExit blocks for at most the exit timeout, and 250 ms
 * @property {() => unknown} flush
 * @property {() => void} [survive] the end did not take place: it records on
 */

/**
 * A step of the end. `Delivery`: everything is delivered. `Interruption`: the same after open spans are closed; an end
 * that comes later corrects its span. `Shutdown`: the exporter ends.
 * @typedef {keyof typeof import('../native.d.ts').ExitStep} Step
 */

/**
 * Registers an exporter. A function, because copies of `process`, as test runners make them, share functions.
 * @typedef {((exporter: Ending) => void) & { handleSignals: () => void }} Registry
 */

/**
 * Ends an exporter when the process ends. It is held weakly: an unused one shuts down when it is collected.
 * @param {Ending} exporter
 */
function endAtExit(exporter) {
  registry()(exporter);
}

/** The properties in which the listener of {@link endWorkersAtExit} has the functions of its native part. */
const BEGINS = Symbol.for('flue-braintrust.begins');
const ENDS = Symbol.for('flue-braintrust.ends');

/**
 * Has the exporters of all workers begin to end with the main thread, by one deadline: Node ends workers one after
 * another. The main thread itself may have no exporter.
 * @param {() => void} begin of the native part: the same function for every evaluation of this package
 * @param {() => void} end called after that on a signal, where Node ends no worker
 */
function endWorkersAtExit(begin, end) {
  const listeners = /** @type {Record<symbol, unknown>[]} */ (
    /** @type {unknown} */ (process.listeners('exit'))
  );
  if (listeners.some((listener) => listener[BEGINS] === begin)) return;
  const listener = quiet(() => {
    // Loaded when it is needed: it takes 0.7 ms.
    if (require('node:worker_threads').isMainThread) begin();
  });
  listener[BEGINS] = begin;
  listener[ENDS] = end;
  process.prependListener('exit', listener);
}

/**
 * A listener that never throws: an error would change the exit code, and keep later listeners from running. The
 * application may have frozen or replaced what a step uses.
 * @param {() => void} listener
 * @returns {(() => void) & Record<symbol, unknown>}
 */
const quiet = (listener) =>
  /** @type {any} */ (
    () => {
      try {
        listener();
      } catch {
        // The native part delivers what is left.
      }
    }
  );

/** Calls the functions with this mark, one for each copy of the native part. @param {symbol} mark */
function callNative(mark) {
  for (const listener of process.listeners('exit')) /** @type {any} */ (listener)[mark]?.();
}

/** Ends all exporters on signals as well, once for a process. */
function endOnSignals() {
  registry().handleSignals();
}

/** @returns {Registry} */
function registry() {
  const holder = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (process));
  return (holder[REGISTRY] ??= newRegistry());
}

/** @returns {Registry} */
function newRegistry() {
  /** @type {Set<WeakRef<Ending>>} */
  const references = new Set();
  const present = () => [...references].flatMap((reference) => reference.deref() ?? []);

  /** Side by side: this waits for the slowest, not for their sum. @param {Step} step */
  const end = (step) => {
    const exporters = present();
    for (const exporter of exporters) exporter.beginExit(step);
    for (const exporter of exporters) exporter.waitExit(step);
  };

  // A listener of the application may call `process.exit` or throw, and no other runs then: the first one delivers.
  // Another may end spans: the last one closes those that are left. What ends after both, the native part delivers.
  const last = quiet(() => end(isLast() ? 'Shutdown' : 'Interruption'));
  // On Windows no function runs after the listeners.
  const isLast = () => process.platform === 'win32' || process.listeners('exit').at(-1) === last;
  const first = quiet(() => {
    end('Delivery');
    // Runs only in a process that goes on, such as one that handles what a listener throws.
    setImmediate(() => present().forEach((exporter) => exporter.survive?.()));
  });
  process.prependListener('exit', first);
  process.on('exit', last);

  let handlesSignals = false;
  return Object.assign(
    (/** @type {Ending} */ exporter) => {
      for (const reference of references) {
        if (reference.deref() === undefined) references.delete(reference);
        else if (reference.deref() === exporter) return;
      }
      references.add(new WeakRef(exporter));
    },
    {
      handleSignals: () => {
        if (handlesSignals) return;
        handlesSignals = true;
        handleSignals({
          // A signal ends the process without the ends of its workers.
          now: () => {
            callNative(BEGINS);
            end('Delivery');
            end('Shutdown');
            callNative(ENDS);
          },
          soon: () => present().forEach((exporter) => void exporter.flush()),
        });
      },
    },
  );
}

module.exports = { endAtExit, endOnSignals, endWorkersAtExit };
