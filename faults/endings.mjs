/** How an application comes to its end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort } from 'node:worker_threads';

/**
 * What an ending may use of the application.
 *
 * @typedef {object} Application
 * @property {() => Promise<unknown>} stop
 * @property {(options?: { timeoutMs: number }) => Promise<unknown>} flush
 */

/**
 * @typedef {object} Ending
 * @property {keyof typeof acts} act
 * @property {'reply' | 'tool' | 'turn'} [at] after the reply, inside a tool, or while the model streams;
 *   default: after the reply
 * @property {number} [waitMs] how long after that
 * @property {NodeJS.Signals} [signal] for the act `signal`
 * @property {'exit' | 'server'} [handler] how the application handles SIGTERM and SIGINT: by calling
 *   `process.exit` at once, or as a server that Flue generates. Default: not at all
 * @property {number} [flushMs] for the act `flush`: the longest to wait
 */

const CODES = { SIGINT: 130, SIGTERM: 143 };

/** Nothing else may end the process meanwhile. */
const hold = () => void setTimeout(() => {}, 60_000);

/** @type {Record<string, (app: Application, ending: Ending) => unknown>} */
const acts = {
  /** The process ends when nothing is left to do. */
  leave: ({ stop }) => stop(),
  /** A cluster's worker lives until it is disconnected. */
  disconnect: async ({ stop }) => {
    await stop();
    process.disconnect();
  },
  flush: async ({ flush, stop }, { flushMs }) => {
    await flush(flushMs && { timeoutMs: flushMs });
    await stop();
  },
  exit: () => process.exit(0),
  throw: () =>
    setImmediate(() => {
      throw new Error('thrown by the application');
    }),
  reject: () => void Promise.reject(new Error('rejected by the application')),
  signal: (_, { signal }) => {
    hold();
    process.kill(process.pid, signal);
  },
  /** Whoever started this thread or process is asked to end it. */
  surrender: () => {
    hold();
    if (isMainThread) process.send('end me');
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
    else parentPort.postMessage('end me');
  },
  /** Out of memory. */
  starve: () => {
    const hoard = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, index) => ({ index })));
  },
};

/** Installs the application's own handlers. @param {Application} app @param {Ending} ending */
export function handleSignals({ stop }, { handler }) {
  if (handler === undefined) return;
  for (const signal of Object.keys(CODES)) {
    process.on(signal, async () => {
      if (handler === 'exit') process.exit(0);
      await stop();
      process.exit(CODES[signal]);
    });
  }
}

/**
 * Ends it.
 *
 * @param {Application} app
 * @param {Ending} ending
 * @param {() => void} announce called right before
 */
export async function end(app, ending, announce) {
  if (ending.waitMs !== undefined) await sleep(ending.waitMs);
  announce();
  await acts[ending.act](app, ending);
}
