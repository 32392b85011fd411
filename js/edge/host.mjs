// What the exporter needs of an edge runtime: no thread, no timer of its own, no end of the process.

import { monotonicMs } from '#builtins';
import { untraced } from '../context.js';
import { messageOf } from '../json/describe.js';
import { JSON } from '../json/own-json.js';
import { ownVariables } from '../variables.js';
import { printBy, warn } from '../warn.js';
import { CoreModule } from './core-module.mjs';
import { EdgeRecorder, PRIORITY } from './recorder.mjs';
import { EdgeRecorders } from './recorders.mjs';
import { checkStorage } from './storage.mjs';

// The application may trace its console, too.
printBy((line) => untraced(() => console.warn(line)));

/** The longest turn of the event loop by the clock, in milliseconds. */
const TURN_MS = 1;

/** @typedef {import('./delivery.mjs').Delivery} Delivery */
/** @typedef {import('../host.d.ts').Host} Host */

/**
 * @param {unknown} wasm the module of the core
 * @param {(work: Promise<unknown>) => void} [waitUntil] keeps the request that runs now alive; throws outside of one
 * @returns {Host}
 */
export function edgeHost(wasm, waitUntil) {
  const module = new CoreModule(wasm, () => {
    try {
      callbacks.reset();
    } catch {
      // There is no other instance: whoever needs it reports that.
    }
  });
  /** Those that have rows. Others may be collected. @type {Set<Recorder>} */
  const busy = new Set();
  /** The deliveries of what was recorded since the last call of `delivery`. @type {Set<Delivery>} */
  const recorded = new Set();
  /** @type {import('../host.d.ts').Callbacks} */
  let callbacks = { mask: () => false, report() {}, reset() {}, flush: async () => {} };
  /**
   * The delivery of what was recorded since the last turn of the event loop. Its events may name several storages.
   * @type {{ at: number, deliveries: Set<Delivery>, work: Promise<void> } | undefined}
   */
  let current;

  /** @param {Promise<unknown>} work */
  const keepAlive = (work) => {
    try {
      untraced(() => waitUntil?.(work));
    } catch {
      // Outside of any request there is nothing to keep alive.
    }
  };

  class Recorder extends EdgeRecorders {
    /**
     * @param {string} settings
     * @param {unknown} storage the option of that name
     */
    constructor(settings, storage) {
      super(
        (show, storage) =>
          new EdgeRecorder(module, callbacks, settings, { keepAlive, show, storage }),
      );
      this.keepIn(storage);
    }

    /** @override */
    current() {
      busy.add(this);
      const recorder = super.current();
      recorder.delivery.touch();
      recorded.add(recorder.delivery);
      return recorder;
    }
  }

  /**
   * Never rejects: the runtime would not report it.
   * @param {Set<Delivery>} deliveries
   */
  async function settle(deliveries) {
    try {
      // Those of others go on by themselves, unless the requests that carried them out have ended.
      const others = [...busy].flatMap((recorder) => recorder.deliveries());
      for (const delivery of others) if (!delivery.isLed) deliveries.add(delivery);
      for (const delivery of deliveries) delivery.touch();
      await Promise.all(Array.from(deliveries, (delivery) => delivery.settle()));
      for (const recorder of busy) {
        // The rows that a closed recorder has left in a storage wait for the next one.
        if (recorder.isDone() || recorder.isAtRest()) busy.delete(recorder);
      }
    } catch (error) {
      const what = 'What is recorded cannot be delivered';
      warn('LOST', `${what}: ${messageOf(error)}.`, what);
    }
  }

  return {
    preload() {},
    load() {
      module.load();
      return /** @type {any} */ ({
        Priority: PRIORITY,
        translatedKinds() {
          module.enter();
          module.call('translated_kinds');
          return JSON.parse(module.output());
        },
        flueSpan(/** @type {string} */ ids) {
          module.enter();
          module.call('flue_span', module.write(ids));
          return JSON.parse(module.output());
        },
      });
    },
    environment: () => ({ env: ownVariables(), file: {} }),
    hasTimers: false,
    // Bundlers set `NODE_ENV` to `development` in what runs in production, too.
    isDev: () => false,
    open(settings, storage) {
      checkStorage(storage);
      module.load();
      return new Recorder(settings, storage);
    },
    keepIn(recorder, storage) {
      checkStorage(storage);
      /** @type {Recorder} */ (recorder).keepIn(storage);
    },
    attach: (given) => (callbacks = given),
    delivery() {
      // One for all events of a turn: all of them belong to one request. An object that aborts itself runs no promise any
      // more, but the clock of a Worker stands still within a turn.
      const at = monotonicMs();
      if (current === undefined || at - current.at >= TURN_MS) {
        void Promise.resolve().then(() => (current = undefined));
        /** @type {Set<Delivery>} */
        const deliveries = new Set();
        const work = Promise.resolve().then(() => settle(deliveries));
        current = { at, deliveries, work };
        keepAlive(work);
      }
      for (const delivery of recorded) current.deliveries.add(delivery);
      recorded.clear();
      return current.work;
    },
    keepAlive,
    endAtExit() {},
    endOnSignals() {},
  };
}
