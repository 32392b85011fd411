// A recorder's part of the core, which is opened again when the instance that had it has failed.

import { CoreFailure, STACK_CALLS } from './core-module.mjs';
import { now, randomHalves } from './core-inputs.mjs';
import { messageOf } from '../json/describe.js';
import { outsideOfRequest } from '../outside-of-request.js';
import { warn } from '../warn.js';

/** @typedef {import('./core-module.mjs').CoreModule} CoreModule */
/** @typedef {import('../native-types.d.ts').JsonString<any>} Json */

/** @param {unknown} error */
function warnUnusable(error) {
  const where = outsideOfRequest(error);
  const what = where && `Nothing can be recorded ${where}`;
  warn('EVENT_LOST', `${what ?? `The core cannot be used: ${messageOf(error)}`}.`, what);
}

export class CoreSession {
  #core;
  #settings;
  #counters;
  #onOpen;
  /** What the core holds for it. */
  #slot = { number: 0, generation: 0 };
  #isStarted = false;
  #isDisposed = false;

  /**
   * @param {CoreModule} core
   * @param {string} settings
   * @param {import('./counters.mjs').EdgeCounters} counters
   * @param {(core: CoreModule, number: number) => void} onOpen called in each instance, before anything else
   */
  constructor(core, settings, counters, onOpen) {
    this.#core = core;
    this.#settings = settings;
    this.#counters = counters;
    this.#onOpen = onOpen;
  }

  /** Comes first. Throws when the settings are not usable. */
  open() {
    const core = this.#core;
    core.enter();
    this.#slot.number = core.call('open', core.write(this.#settings));
    if (this.#slot.number === 0) throw new Error(core.output());
    this.#slot.generation = core.generation;
    this.#isStarted = false;
    this.#onOpen(core, this.#slot.number);
  }

  /** Frees what the core holds when its owner is collected. @param {object} owner */
  freeWith(owner) {
    this.#core.freeWith(owner, this.#slot);
  }

  get isDisposed() {
    return this.#isDisposed;
  }

  /** Which instance of the core it is in: what was asked of an earlier one is never answered. */
  get generation() {
    return this.#slot.generation;
  }

  /** Not before an event: there is no randomness outside of a request. False there. */
  start() {
    if (this.#isStarted) return true;
    let halves;
    try {
      halves = randomHalves();
    } catch (error) {
      warnUnusable(error);
      return false;
    }
    this.#core.call('start', this.#slot.number, ...halves, ...now());
    this.#isStarted = true;
    return true;
  }

  /**
   * Runs calls of the core. An instance that fails is gone with its rows: they are counted as lost.
   * @template T
   * @param {T} otherwise the result when the core fails
   * @param {(core: CoreModule, number: number) => T} work gets the number of the recorder
   * @param {number} [room] how much room there must be on the stack: 1 is enough for any call
   * @returns {T}
   */
  run(otherwise, work, room = 1) {
    if (this.#isDisposed) return otherwise;
    try {
      // Another recorder of the same module may have failed.
      this.#core.enter(room * STACK_CALLS);
      if (this.#core.generation !== this.#slot.generation) this.#replace();
      return work(this.#core, this.#slot.number);
    } catch (error) {
      if (error instanceof CoreFailure) this.#recover();
      else warnUnusable(error);
      return otherwise;
    }
  }

  /**
   * The text that a function of the core leaves.
   * @param {string} name
   * @param {string} otherwise
   */
  describe(name, otherwise) {
    const text = this.run(otherwise, (core, number) => {
      core.call(name, number);
      return core.output();
    });
    return /** @type {Json} */ (text);
  }

  /** Frees what the core holds. Nothing runs any more. */
  dispose() {
    if (this.#core.generation === this.#slot.generation) {
      this.run(undefined, (core, number) => core.call('close', number));
    }
    this.#isDisposed = true;
  }

  #recover() {
    try {
      this.#replace();
    } catch (error) {
      warnUnusable(error);
    }
  }

  #replace() {
    const rows = this.#counters.countFailure();
    const why = 'are lost (engine_failed): the core has failed; please report it';
    warn('LOST', `${rows} rows ${why}.`, why);
    this.open();
  }
}
