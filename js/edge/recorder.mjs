// A recorder over the WebAssembly module, with the interface of the native one.

import { now } from './core-inputs.mjs';
import { CoreRequests } from './core-requests.mjs';
import { CoreSession } from './core-session.mjs';
import { CoreStorage } from './core-storage.mjs';
import { EdgeCounters } from './counters.mjs';
import { Delivery } from './delivery.mjs';
import { StorageWork } from './storage-work.mjs';
import { lostStats } from './stats.mjs';
import { isInRequest } from './in-request.mjs';
import { JSON } from '../json/own-json.js';
import { print } from '../warn.js';
import { runningMs } from '../running-clock.js';

/** @typedef {import('./core-module.mjs').CoreModule} CoreModule */
/** @typedef {import('../../index.d.ts').Stats} Stats */
/** @typedef {import('../host.d.ts').HostRecorder} HostRecorder */
/** @typedef {import('./storage.mjs').Writer} Writer */
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

/** How long after its timeout a shutdown waits for the storage, in milliseconds. On Node, a disk has as long. */
const STORING_MS = 1000;

/** Begins the lines of the debug log. Other lines are diagnostics. */
const DEBUG = '[flue-braintrust] debug: ';

/** @implements {HostRecorder} @implements {Writer} */
export class EdgeRecorder {
  #callbacks;
  #show;
  #counters = new EdgeCounters();
  #session;
  #isMasking = false;
  isEnding = false;
  /** The instance of the core whose rows are being masked. */
  #maskedGeneration = 0;
  #isClosed = false;
  #endsNow = false;

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
    this.#show = show;
    this.#callbacks = callbacks;
    this.#session = new CoreSession(core, settings, this.#counters, (instance, number) => {
      if (this.#isMasking) instance.call('set_masking', number, 1);
      if (this.storageWork === undefined) return;
      instance.call('await_storage', number);
      this.storageWork.reset();
    });
    this.storageWork = storage && new StorageWork(new CoreStorage(this.#session), storage, this);
    this.requests = new CoreRequests(this.#session);
    this.#session.open();
    this.delivery = new Delivery(this, keepAlive);
    this.#session.freeWith(this);
  }

  /**
   * @param {string} event
   * @param {number} priority
   * @param {boolean} cut whether content was cut from the event
   */
  record(event, priority, cut) {
    // A disposed recorder drops events; its last counters are final.
    if (this.#session.isDisposed) return true;
    let isUsable = false;
    const record = (/** @type {CoreModule} */ core, /** @type {number} */ number) => {
      isUsable = this.#session.start();
      if (!isUsable) return false;
      this.#counters.notePassed();
      const bytes = core.write(event);
      return core.call('record', number, bytes, priority, Number(cut), ...now()) === 1;
    };
    // What has begun can end: an end needs less room on the stack.
    const isAccepted = this.#session.run(false, record, priority === PRIORITY.Start ? 2 : 1);
    // After a continuation, its minimal end follows.
    if (!isUsable && priority !== PRIORITY.Continuation) this.#counters.countLost();
    return isAccepted;
  }

  /** @param {string} traceId */
  samples(traceId) {
    return this.#session.run(
      true,
      (core, number) => core.call('samples', number, core.write(traceId)) === 1,
    );
  }

  /** @param {string} event */
  redactPropagated(event) {
    return this.#session.run(null, (core, number) => {
      core.call('redact_propagated', number, core.write(event));
      return core.output() || null;
    });
  }

  refuse() {
    this.#session.run(undefined, (core, number) => core.call('refuse', number, ...now()));
  }

  /**
   * Connects although nothing is recorded; not outside of a request. Never rejects.
   * @param {number} timeoutMs
   */
  async logIn(timeoutMs) {
    if (!isInRequest()) return;
    this.#session.run(undefined, (core, number) => {
      if (this.#session.start()) core.call('connect', number);
    });
    await this.delivery.connected(timeoutMs);
  }

  /** @param {number} timeoutMs */
  flush(timeoutMs) {
    return this.#flush(false, timeoutMs);
  }

  /** @param {number} timeoutMs */
  async close(timeoutMs) {
    this.isEnding = true;
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
    const began = runningMs();
    // A flush includes what earlier instances have stored.
    this.storageWork?.listNow();
    if (this.storageWork?.isListing) await this.delivery.open(timeoutMs);
    const leftMs = Math.max(0, timeoutMs - (runningMs() - began));
    const ticket = this.#session.run(-1, (core, number) =>
      core.call('flush', number, Number(isShutdown), leftMs, ...now()),
    );
    const isDelivered =
      ticket < 0
        ? this.isKept()
        : await this.delivery.until(ticket, this.#session.generation, leftMs);
    // What a shutdown leaves is stored after it, unless nothing can be shut down.
    const isLeft = isShutdown && ticket >= 0 && this.storageWork !== undefined;
    if (isLeft && !this.isKept()) {
      await this.delivery.kept(Math.max(STORING_MS, timeoutMs - (runningMs() - began)));
    }
    const complete = isDelivered && this.storageWork?.isOpen !== false;
    return /** @type {Json} */ (JSON.stringify({ complete, ...this.#stats() }));
  }

  /** @param {boolean} wanted */
  setMasking(wanted) {
    this.#isMasking = wanted;
    this.#session.run(undefined, (core, number) =>
      core.call('set_masking', number, Number(wanted)),
    );
  }

  takeMaskRequest() {
    return this.#session.run(null, (core, number) => {
      const some = core.call('take_mask_request', number);
      this.#maskedGeneration = this.#session.generation;
      return some === 0 ? null : /** @type {Json} */ (core.output());
    });
  }

  /**
   * @param {number} batch
   * @param {string} content
   * @param {number} cut the number of rows from which content was cut
   */
  completeMasking(batch, content, cut) {
    this.#session.run(undefined, (core, number) => {
      // The instance that made the request is gone.
      if (this.#maskedGeneration !== this.#session.generation) return;
      core.call('complete_masking', number, batch, core.write(content), cut, ...now());
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

  /** Whether something is in memory alone, and what else there is is in memory as well as in the storage. */
  isInMemory() {
    // Counts what the storage has.
    this.isKept();
    return !this.isIdle() && !this.delivery.needsStorage;
  }

  /** How many events wait for the storage. */
  #eventsOfStorage() {
    return this.#session.run(0, (core, number) => core.call('waiting', number));
  }

  /** Whether the storage has everything that is not delivered, so that `dispose` loses nothing. */
  isKept = () =>
    this.#session.run(false, (core, number) => core.call('is_kept', number) === 1) &&
    this.storageWork?.isBusy !== true;
  isAtRest = () => this.#isClosed;
  hasEnded = () => !this.delivery.isDriven || (this.#isClosed && this.isKept());

  endNow() {
    // Once: its end awaits that the core has handled this.
    if (this.#isClosed || this.#endsNow) return;
    this.#endsNow = true;
    this.#session.run(undefined, (core, number) => core.call('flush', number, 1, 0, ...now()));
  }

  takeDiagnostics() {
    return this.#session.describe('take_diagnostics', '[]');
  }

  /** Shows the diagnostics so far, except those that another recorder has shown. */
  showDiagnostics() {
    for (const diagnostic of JSON.parse(this.takeDiagnostics())) this.#show(diagnostic);
  }

  traceDestination() {
    return this.#session.describe('trace_destination', '{}');
  }

  stats() {
    return /** @type {Json} */ (JSON.stringify(this.#stats()));
  }

  /** @returns {Stats} */
  #stats() {
    return this.#counters.sum(JSON.parse(this.#session.describe('stats', 'null')) ?? undefined);
  }

  /**
   * Does due work. Undefined when the core has failed.
   * @returns {Progress | undefined}
   */
  poll() {
    const progress = this.#session.run(undefined, (core, number) => {
      core.call('poll', number, ...now());
      return /** @type {Progress} */ (JSON.parse(core.output()));
    });
    if (progress === undefined) return undefined;
    this.#counters.notePoll(progress);
    for (const line of progress.lines) if (line.startsWith(DEBUG)) print(line);
    if (progress.lines.length > 0) {
      this.showDiagnostics();
      this.#callbacks.report();
    }
    // The next poll handles what is masked now. Before that, the application gets a turn of the event loop.
    return this.#callbacks.mask(this) ? { ...progress, timeoutMs: 0 } : progress;
  }

  /** Whether the login has stated where spans are shown. */
  get isConnected() {
    return JSON.parse(this.traceDestination()).isConnected === true;
  }

  /** Which instance of the core it is in: an earlier instance completes nothing. */
  get generation() {
    return this.#session.isDisposed ? undefined : this.#session.generation;
  }

  /** Frees what the core holds for it; what is not in the storage is lost. @returns {Stats} the last counters */
  dispose() {
    // Counts what the storage has.
    this.isKept();
    const waiting = this.#eventsOfStorage();
    const last = lostStats(this.#stats(), { waiting, reason: 'not_delivered_at_exit' });
    this.#session.dispose();
    this.#isClosed = true;
    this.isEnding = true;
    return last;
  }
}
