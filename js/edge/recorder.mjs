// A recorder over the WebAssembly module, with the interface of the native one.

import { CoreFailure, STACK_CALLS } from './core-module.mjs';
import { EdgeCounters } from './counters.mjs';
import { Delivery } from './delivery.mjs';
import { StorageWork } from './storage-work.mjs';
import { lostStats } from './stats.mjs';
import { isInRequest } from './in-request.mjs';
import { messageOf } from '../json/describe.js';
import { outsideOfRequest } from '../outside-of-request.js';
import { print, warn } from '../warn.js';

/** @typedef {import('./core-module.mjs').CoreModule} CoreModule */
/** @typedef {import('../../index.d.ts').Stats} Stats */
/** @typedef {import('../host.d.ts').HostRecorder} HostRecorder */
/** @typedef {import('../native-types.d.ts').JsonString<any>} Json */

/**
 * The state of a recorder after a poll.
 * @typedef {object} Progress
 * @property {number | null} timeoutMs in how many milliseconds to poll again; null: never
 * @property {boolean} isSettled whether every accepted row is delivered or lost
 * @property {number} waiting the events that wait for the storage: they are not rows yet
 * @property {[number, boolean][]} completed the flushes and shutdowns that have ended: ticket, and whether complete
 * @property {number[]} cancelled the requests to abort
 * @property {string[]} lines for the console
 * @property {Stats} stats
 */

/** As in `native.d.ts`. */
export const PRIORITY = Object.freeze({ Start: 0, Continuation: 1, MinimalEnd: 2, Note: 3 });

/** The changes of the storage, by the numbers that the WebAssembly module gives them. */
const CHANGES = /** @type {const} */ ([undefined, 'put', 'delete', 'get']);

/** The length of the header of a spool file, in bytes: the core needs no more of a segment. */
const HEADER_BYTES = 36;

/** Begins the lines of the debug log. The other ones are diagnostics. */
const DEBUG = '[flue-braintrust] debug: ';

/** @returns {[number, number]} the monotonic clock and the wall clock, in milliseconds */
const now = () => [performance.now(), Date.now()];

const encoder = new TextEncoder();

/** The two halves of a seed. There is no randomness outside of a request. */
const randomHalves = () => crypto.getRandomValues(new Uint32Array(2));

/** @param {unknown} error */
function warnUnusable(error) {
  const where = outsideOfRequest(error);
  const what = where && `Nothing can be recorded ${where}`;
  warn('EVENT_LOST', `${what ?? `The core cannot be used: ${messageOf(error)}`}.`, what);
}

/** @implements {HostRecorder} */
export class EdgeRecorder {
  #core;
  #settings;
  #callbacks;
  #show;
  /** What the core holds for it. */
  #slot = { number: 0, generation: 0 };
  #isStarted = false;
  #isMasking = false;
  /** The instance of the core whose rows are being masked. */
  #maskedGeneration = 0;
  #isClosed = false;
  #isDisposed = false;
  #counters = new EdgeCounters();

  /**
   * Throws when the settings are not usable.
   * @param {CoreModule} core
   * @param {import('../host.d.ts').Callbacks} callbacks
   * @param {string} settings
   * @param {object} uses
   * @param {(work: Promise<void>) => void} uses.keepAlive keeps the request that runs now alive; never throws
   * @param {(diagnostic: import('../../index.d.ts').Diagnostic) => void} uses.show
   * @param {import('../../index.d.ts').EdgeStorage | undefined} uses.storage where unconfirmed rows are kept
   */
  constructor(core, callbacks, settings, { keepAlive, show, storage }) {
    this.#core = core;
    this.#show = show;
    this.#callbacks = callbacks;
    this.#settings = settings;
    this.storageWork = storage && new StorageWork(this, storage);
    this.#open();
    this.delivery = new Delivery(this, keepAlive);
    core.freeWith(this, this.#slot);
  }

  /**
   * @param {string} event
   * @param {number} priority
   * @param {boolean} cut whether content was cut from the event
   */
  record(event, priority, cut) {
    // A disposed recorder drops events; its last counters are final.
    if (this.#isDisposed) return true;
    let isUsable = false;
    const record = (/** @type {CoreModule} */ core) => {
      isUsable = this.#start();
      if (!isUsable) return false;
      this.#counters.notePassed();
      const { number } = this.#slot;
      const bytes = core.write(event);
      return core.call('record', number, bytes, priority, Number(cut), ...now()) === 1;
    };
    // What has begun can end: an end needs less room on the stack.
    const isAccepted = this.#guard(false, record, priority === PRIORITY.Start ? 2 : 1);
    // After a continuation, its minimal end follows.
    if (!isUsable && priority !== PRIORITY.Continuation) this.#counters.countLost();
    return isAccepted;
  }

  /** @param {string} traceId */
  samples(traceId) {
    return this.#guard(
      true,
      (core) => core.call('samples', this.#slot.number, core.write(traceId)) === 1,
    );
  }

  /** @param {string} event */
  redactPropagated(event) {
    return this.#guard(null, (core) => {
      core.call('redact_propagated', this.#slot.number, core.write(event));
      return core.output() || null;
    });
  }

  refuse() {
    this.#guard(undefined, (core) => core.call('refuse', this.#slot.number, ...now()));
  }

  /**
   * Connects although nothing is recorded; not outside of a request. Never rejects.
   * @param {number} timeoutMs
   */
  async logIn(timeoutMs) {
    if (!isInRequest()) return;
    this.#guard(undefined, (core) => {
      if (this.#start()) core.call('connect', this.#slot.number);
    });
    await this.delivery.connected(timeoutMs);
  }

  /** @param {number} timeoutMs */
  flush(timeoutMs) {
    return this.#flush(false, timeoutMs);
  }

  /** @param {number} timeoutMs */
  async close(timeoutMs) {
    const report = await this.#flush(true, timeoutMs);
    this.#isClosed = true;
    return report;
  }

  /**
   * @param {boolean} isShutdown
   * @param {number} timeoutMs
   * @returns {Promise<Json>} never rejects
   */
  async #flush(isShutdown, timeoutMs) {
    const began = Date.now();
    // What earlier instances have kept is a part of it.
    this.storageWork?.listNow();
    if (this.storageWork?.isListing) await this.delivery.open(timeoutMs);
    const leftMs = Math.max(0, timeoutMs - (Date.now() - began));
    const ticket = this.#guard(-1, (core) =>
      core.call('flush', this.#slot.number, Number(isShutdown), leftMs, ...now()),
    );
    const isDelivered =
      ticket < 0 ? this.isKept() : await this.delivery.until(ticket, this.#slot.generation, leftMs);
    const complete = isDelivered && this.storageWork?.isOpen !== false;
    return /** @type {Json} */ (JSON.stringify({ complete, ...this.#stats() }));
  }

  /** @param {boolean} wanted */
  setMasking(wanted) {
    this.#isMasking = wanted;
    this.#guard(undefined, (core) => core.call('set_masking', this.#slot.number, Number(wanted)));
  }

  takeMaskRequest() {
    return this.#guard(null, (core) => {
      const some = core.call('take_mask_request', this.#slot.number);
      this.#maskedGeneration = this.#slot.generation;
      return some === 0 ? null : /** @type {Json} */ (core.output());
    });
  }

  /**
   * @param {number} batch
   * @param {string} content
   * @param {number} cut the number of rows from which content was cut
   */
  completeMasking(batch, content, cut) {
    this.#guard(undefined, (core) => {
      // The instance that has asked is gone.
      if (this.#maskedGeneration !== this.#slot.generation) return;
      core.call('complete_masking', this.#slot.number, batch, core.write(content), cut, ...now());
    });
  }

  // Nothing waits for the end of an isolate, which runs no code.
  endMasking = this.completeMasking;
  beginExit = () => 0;
  waitExit = () => true;
  isIdle() {
    const { attachments, pending } = this.#stats();
    return pending + attachments.pending + this.#eventsOfStorage() === 0;
  }

  /** How many events wait for the storage. */
  #eventsOfStorage() {
    return this.#guard(0, (core) => core.call('waiting', this.#slot.number));
  }

  /** Whether nothing is lost when it is disposed of: what is not delivered is in its storage. */
  isKept = () =>
    this.#guard(false, (core) => core.call('is_kept', this.#slot.number) === 1) &&
    this.storageWork?.isBusy !== true;
  isAtRest = () => this.#isClosed;

  takeDiagnostics() {
    return this.#describe('take_diagnostics', '[]');
  }

  /** Shows the diagnostics so far, as far as no other recorder has shown the same. */
  showDiagnostics() {
    for (const diagnostic of JSON.parse(this.takeDiagnostics())) this.#show(diagnostic);
  }

  traceDestination() {
    return this.#describe('trace_destination', '{}');
  }

  stats() {
    return /** @type {Json} */ (JSON.stringify(this.#stats()));
  }

  /** @returns {Stats} */
  #stats() {
    return this.#counters.sum(JSON.parse(this.#describe('stats', 'null')) ?? undefined);
  }

  /**
   * Does due work. Undefined when the core has failed.
   * @returns {Progress | undefined}
   */
  poll() {
    const progress = this.#guard(undefined, (core) => {
      core.call('poll', this.#slot.number, ...now());
      return /** @type {Progress} */ (JSON.parse(core.output()));
    });
    if (progress === undefined) return undefined;
    this.#counters.notePoll(progress);
    for (const line of progress.lines) if (line.startsWith(DEBUG)) print(line);
    if (progress.lines.length > 0) {
      this.showDiagnostics();
      this.#callbacks.report();
    }
    // The next poll handles what is masked now, and goes on. The application gets its turn before.
    return this.#callbacks.mask(this) ? { ...progress, timeoutMs: 0 } : progress;
  }

  /**
   * Passes the files of the storage: of segments the headers.
   * @param {Map<string, Uint8Array>} files
   * @param {string} [failure] why there are none
   * @returns {boolean} whether the storage is used from now on
   */
  openStorage(files, failure = '') {
    return this.#guard(false, (core) => {
      for (const [name, content] of files) {
        const key = encoder.encode(name);
        const start = name.endsWith('.open') ? content : content.subarray(0, HEADER_BYTES);
        core.writeBytes(key, start);
        const { length } = content;
        core.call('add_file', this.#slot.number, key.length, start.length, length, ...now());
      }
      const bytes = core.write(failure);
      const { number } = this.#slot;
      return core.call('open_storage', number, bytes, ...randomHalves(), ...now()) === 1;
    });
  }

  /** The changes of the storage that are due, in their order. */
  takeChanges() {
    return this.#guard([], (core) => {
      /** @type {import('./storage-work.mjs').Change[]} */
      const changes = [];
      for (;;) {
        const kind = CHANGES[core.call('take_change', this.#slot.number)];
        if (kind === undefined) return changes;
        const name = core.output();
        changes.push({ kind, name, content: core.takeBody() });
      }
    });
  }

  /** @param {Uint8Array | string} result the content that was read, or why the changes have failed */
  completeStorage(result) {
    this.#guard(undefined, (core) => {
      const hasFailed = typeof result === 'string';
      const bytes = hasFailed ? core.write(result) : core.writeBytes(result);
      core.call('complete_storage', this.#slot.number, bytes, Number(hasFailed), ...now());
    });
  }

  /** Whether the login has stated where spans are shown. */
  get isConnected() {
    return JSON.parse(this.traceDestination()).isConnected === true;
  }

  /** Which instance of the core it is in: what was asked of an earlier one is never answered. */
  get generation() {
    return this.#isDisposed ? undefined : this.#slot.generation;
  }

  /** Frees what the core holds for it. What is not kept is lost. @returns {Stats} the last counters */
  dispose() {
    // Counts what the storage has.
    this.isKept();
    const waiting = this.#eventsOfStorage();
    const last = lostStats(this.#stats(), { waiting, reason: 'not_delivered_at_exit' });
    if (this.#core.generation === this.#slot.generation) {
      this.#guard(undefined, (core) => core.call('close', this.#slot.number));
    }
    this.#isClosed = true;
    this.#isDisposed = true;
    return last;
  }

  /** The next request to send, and the bytes of its body. */
  takeRequest() {
    return this.#guard(undefined, (core) => {
      if (core.call('take_request', this.#slot.number) === 0) return undefined;
      const head = JSON.parse(core.output());
      return { ...head, body: core.takeBody(), generation: this.#slot.generation };
    });
  }

  /**
   * Passes the response of a request, or why there is none.
   * @param {{ id: number, generation: number }} request
   * @param {{ status: number, retryAfter?: string | null, contentType?: string | null, body?: string } | { error: string }} answer
   */
  respond({ id, generation }, answer) {
    this.#guard(undefined, (core) => {
      // The instance that has asked is gone.
      if (generation !== this.#slot.generation) return;
      core.call(
        'respond',
        this.#slot.number,
        core.write(JSON.stringify({ id, ...answer })),
        ...now(),
      );
    });
  }

  /**
   * @param {string} name
   * @param {string} otherwise
   */
  #describe(name, otherwise) {
    const text = this.#guard(otherwise, (core) => {
      core.call(name, this.#slot.number);
      return core.output();
    });
    return /** @type {Json} */ (text);
  }

  #open() {
    const core = this.#core;
    core.enter();
    this.#slot.number = core.call('open', core.write(this.#settings));
    if (this.#slot.number === 0) throw new Error(core.output());
    this.#slot.generation = core.generation;
    this.#isStarted = false;
    if (this.#isMasking) core.call('set_masking', this.#slot.number, 1);
    if (this.storageWork === undefined) return;
    core.call('await_storage', this.#slot.number);
    this.storageWork.reset();
  }

  /** Not before an event: there is no randomness outside of a request. False there. */
  #start() {
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
   * @param {(core: CoreModule) => T} run
   * @param {number} [room] how much room there must be on the stack: 1 is enough for any call
   * @returns {T}
   */
  #guard(otherwise, run, room = 1) {
    if (this.#isDisposed) return otherwise;
    try {
      // Another recorder of the same module may have failed.
      this.#core.enter(room * STACK_CALLS);
      if (this.#core.generation !== this.#slot.generation) this.#replace();
      return run(this.#core);
    } catch (error) {
      if (error instanceof CoreFailure) this.#recover();
      else warnUnusable(error);
      return otherwise;
    }
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
    this.#open();
  }
}
