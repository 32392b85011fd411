// A recorder's session in the core. It is opened again when the instance that it was in has failed.

import { CoreFailure, STACK_CALLS } from './core-module.mjs';
import { now, randomHalves } from './core-inputs.mjs';
import { lossOf } from './stats.mjs';
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
  /** Its number in the core, and the instance that has it. */
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

  /** Opens the session; called before anything else. Throws when the settings are not usable. */
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

  /** Which instance of the core it is in: an earlier instance completes nothing. */
  get generation() {
    return this.#slot.generation;
  }

  /** Starts the session when the first event comes. False outside of a request, where there is no randomness. */
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
   * Runs calls of the core. When an instance fails, its rows are counted as lost.
   * @template T
   * @param {T} otherwise the result when the core fails
   * @param {(core: CoreModule, number: number) => T} work receives the number of the session
   * @param {number} [room] the room that there must be on the stack, in units of `STACK_CALLS`: 1 is enough for any
   *   call
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
   * The text that a function of the core outputs.
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

  /** Frees what the core holds. Later calls do nothing. */
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
    const why = '(engine_failed): the core has failed; please report it';
    warn('LOST', `${lossOf(rows)} ${why}.`, why);
    this.open();
  }
}
