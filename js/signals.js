'use strict';

// Delivers on signals, for applications that set `handleSignals`.

// Not that of `process`: what the application replaces it with must not keep its own listeners from running.
const { listeners } = require('node:events').prototype;

/** The signals that end a process and can be caught. On Windows, Ctrl-C, Ctrl-Break and the closing of the console. */
const SIGNALS = /** @type {readonly NodeJS.Signals[]} */ (
  process.platform === 'win32'
    ? ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGBREAK']
    : ['SIGTERM', 'SIGINT', 'SIGHUP']
);

/** Marks the listeners of all copies of this package: they are not the application's. */
const OURS = Symbol.for('flue-braintrust.signals');

/**
 * Delivers pending rows when a signal ends the process, and then lets the signal take its default effect. If the
 * application has listeners of its own, they end the process. Workers receive no signals.
 * @param {object} deliver
 * @param {() => void} deliver.now delivers and waits for it
 * @param {() => void} deliver.soon begins to deliver
 */
function handleSignals({ now, soon }) {
  // Loaded when it is asked for: it takes 0.7 ms.
  if (!require('node:worker_threads').isMainThread) return;
  for (const signal of SIGNALS) {
    const listener = () => {
      /** @type {() => unknown} */
      let leave = () => exitAfter(signal);
      try {
        const others = listeners.call(process, signal).filter((other) => !(OURS in other));
        if (others.length > signalExitListeners()) {
          soon();
          return;
        }
        now();
        process.removeListener(signal, listener);
        // Those of `signal-exit` run next, and end the process because no other listener is left.
        leave = () => others.length === 0 && end(signal);
      } catch {
        // The application has frozen `process` or replaced its functions: listeners of `exit` deliver what is left.
      }
      leave();
    };
    listener[OURS] = true;
    // Before the others: a `once` listener is no longer listed when it has run.
    process.prependListener(signal, listener);
  }
}

/**
 * How many listeners the package `signal-exit` has on each signal, in its versions 3 and 4. Unlike those of the
 * application, they end the process only if there is no other listener.
 * @returns {number}
 */
function signalExitListeners() {
  const counters = [
    /** @type {any} */ (globalThis)[Symbol.for('signal-exit emitter')],
    /** @type {any} */ (process).__signal_exit_emitter__,
  ];
  return counters.reduce((sum, counter) => sum + (counter?.count ?? 0), 0);
}

/** Ends the process as the signal does without a listener. @param {NodeJS.Signals} signal */
function end(signal) {
  // The first process of a container ignores signals without a listener.
  if (process.pid === 1 || !isRaised(signal)) exitAfter(signal);
}

/** Exits with what shells make of a signal. @param {NodeJS.Signals} signal */
function exitAfter(signal) {
  const { constants } = require('node:os');
  process.exit(128 + (constants.signals[signal] ?? 0));
}

/** Sends a signal to this process. False where it does not exist, as on Windows. @param {NodeJS.Signals} signal */
function isRaised(signal) {
  try {
    return process.kill(process.pid, signal);
  } catch {
    return false;
  }
}

module.exports = { handleSignals };
