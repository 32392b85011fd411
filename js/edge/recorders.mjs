// The recorders of an exporter in a Worker: one for each storage, and one for what is recorded without a storage.

import { messageOf } from '../json/describe.js';
import { JSON } from '../json/own-json.js';
import { sumStats } from '../sum-stats.js';
import { warn } from '../warn.js';
import { EdgeDiagnostics } from './diagnostics.mjs';
import { lossOf } from './stats.mjs';
import { currentStorage } from './storage.mjs';
import { runningMs } from '../running-clock.js';

/**
 * The storages whose recorders are kept although they have nothing to do. An isolate runs as many Durable Objects as it
 * has memory for; a storage that is used again gets a new recorder.
 */
const MAX_IDLE = 64;
/** The most storages whose recorders are kept. Of further objects the rows are in memory only. */
const MAX_STORED = 256;
/** The object of a storage is taken for gone, and others deliver for it, after this time without an event, in milliseconds. */
const GONE_MS = 60_000;
/** Where there is room, its recorder is dropped after this time if its rows are undelivered. */
const ENDED_MS = 300_000;
/** How many storages that only one event has named show that each event names another one. */
const MAX_NAMED_ONCE = 16;

/** @typedef {import('./recorder.mjs').EdgeRecorder} EdgeRecorder */

/**
 * The recorder of a storage.
 * @typedef {object} Stored
 * @property {EdgeRecorder} recorder
 * @property {number} at when it was used last
 * @property {boolean} isNamedOnce whether an event has named the storage, and nothing since
 */

/** @typedef {import('../../index.d.ts').EdgeStorage} EdgeStorage */
/** @typedef {import('../../index.d.ts').Stats} Stats */
/** @typedef {ReturnType<EdgeDiagnostics['reporter']>} Show */
/** @typedef {import('../host.d.ts').HostRecorder} HostRecorder */
/** @typedef {import('../native-types.d.ts').JsonString<any>} Json */

/** @param {{ lost: Stats['lost'] }} counters */
const lostAtExit = ({ lost }) => lost.not_delivered_at_exit ?? 0;

/**
 * Passes what is recorded to the recorder of the storage of the work that runs now. Durable Objects of one isolate
 * cannot use each other's storage.
 * @implements {HostRecorder}
 */
export class EdgeRecorders {
  #create;
  /** The option of `initLogger`. @type {unknown} */
  #storage;
  #plain;
  /** The one that was used last comes last. @type {Map<EdgeStorage, Stored>} */
  #stored = new Map();
  /** Those for which there was no room: what their objects record later belongs to what is recorded. */
  #unused = new WeakSet();
  /** When others have begun to deliver for an object that has had no event since. @type {WeakMap<EdgeStorage, number>} */
  #triedAt = new WeakMap();
  #diagnostics = new EdgeDiagnostics();
  /** What recorders that are not kept have counted. @type {Stats[]} */
  #earlier = [];
  /** Where Braintrust shows spans, by one of them that was connected. @type {Json | undefined} */
  #destination;
  #isMasking = false;
  #isClosed = false;

  /**
   * Throws when the settings are not usable.
   * @param {(show: Show, storage?: EdgeStorage) => EdgeRecorder} create
   */
  constructor(create) {
    this.#create = create;
    this.#plain = create(this.#diagnostics.reporter());
  }

  /** Sets where rows that are not confirmed are kept. @param {unknown} storage the option of `initLogger` */
  keepIn(storage) {
    this.#storage = storage;
  }

  /**
   * @param {string} event
   * @param {number} priority
   * @param {boolean} cut
   */
  record(event, priority, cut) {
    return this.current().record(event, priority, cut);
  }

  refuse() {
    this.#plain.refuse();
  }

  /** @param {string} traceId */
  samples(traceId) {
    return this.#plain.samples(traceId);
  }

  /** @param {string} event */
  redactPropagated(event) {
    return this.#plain.redactPropagated(event);
  }

  /**
   * One that is connected is enough, and this one waits for no storage.
   * @param {number} timeoutMs
   */
  logIn(timeoutMs) {
    return this.#plain.logIn(timeoutMs);
  }

  /** @param {number} timeoutMs */
  flush(timeoutMs) {
    return this.#report([...this.#reachable()].map((recorder) => recorder.flush(timeoutMs)));
  }

  /** @param {number} timeoutMs */
  close(timeoutMs) {
    this.#isClosed = true;
    return this.#report(this.#all().map((recorder) => recorder.close(timeoutMs)));
  }

  /**
   * @param {Promise<string>[]} flushes
   * @returns {Promise<Json>}
   */
  async #report(flushes) {
    const reports = (await Promise.all(flushes)).map((report) => JSON.parse(report));
    const complete = reports.every((report) => report.complete);
    return /** @type {Json} */ (JSON.stringify({ complete, ...this.#stats() }));
  }

  /** @param {boolean} wanted */
  setMasking(wanted) {
    this.#isMasking = wanted;
    for (const recorder of this.#all()) recorder.setMasking(wanted);
  }

  // Each recorder itself has its rows masked.
  takeMaskRequest = () => null;
  completeMasking() {}
  endMasking() {}

  beginExit = () => 0;
  waitExit = () => true;
  isIdle = () => this.#all().every((recorder) => recorder.isIdle());
  isAtRest = () => this.#isClosed && this.#all().every((recorder) => recorder.isAtRest());

  /** Whether no row and no attachment waits, in memory or in a storage. Asks no core: it is called after each delivery. */
  isDone = () => this.#all().every(({ delivery }) => delivery.isDone);

  takeDiagnostics() {
    for (const recorder of this.#all()) recorder.showDiagnostics();
    return /** @type {Json} */ (JSON.stringify(this.#diagnostics.take()));
  }

  traceDestination() {
    const connected = this.#all()
      .find(({ isConnected }) => isConnected)
      ?.traceDestination();
    const text = connected ?? this.#destination ?? this.#plain.traceDestination();
    if (this.#storage === undefined || this.#storage === null) return text;
    return /** @type {Json} */ (text.replace(/\}$/, ',"spoolDir":"storage"}'));
  }

  stats() {
    return /** @type {Json} */ (JSON.stringify(this.#stats()));
  }

  #stats() {
    const present = this.#all().map((recorder) => JSON.parse(recorder.stats()));
    return sumStats([...this.#earlier, ...present]);
  }

  /** The deliveries that the work that runs now can carry out. */
  deliveries() {
    return [...this.#reachable(), ...this.#adrift()].map(({ delivery }) => delivery);
  }

  /** A recorder whose object is gone with rows in memory alone, which need no storage. Each is tried once a minute. */
  #adrift() {
    const now = runningMs();
    for (const [storage, { recorder, at }] of this.#stored) {
      if (now - at < GONE_MS) break;
      if (recorder.delivery.isLed || now - (this.#triedAt.get(storage) ?? at) < GONE_MS) continue;
      this.#triedAt.set(storage, now);
      if (recorder.isInMemory()) return [recorder];
    }
    return [];
  }

  #all() {
    return [this.#plain, ...Array.from(this.#stored.values(), ({ recorder }) => recorder)];
  }

  #reachable() {
    return new Set([this.#plain, this.#current(false)]);
  }

  /** The recorder of the work that runs now, for an event of it. */
  current() {
    return this.#current(true);
  }

  /** @param {boolean} isOfEvent */
  #current(isOfEvent) {
    const storage = currentStorage(this.#storage);
    if (storage === undefined) return this.#plain;
    const found = this.#stored.get(storage);
    if (found !== undefined) {
      this.#stored.delete(storage);
      this.#triedAt.delete(storage);
      this.#stored.set(storage, { ...found, at: runningMs(), isNamedOnce: false });
      return found.recorder;
    }
    // What is closed opens no storage: another one may use it now.
    if (this.#isClosed || this.#unused.has(storage)) return this.#plain;
    try {
      this.#dropEnded();
      if (this.#stored.size >= MAX_IDLE) this.#forget();
      if (this.#stored.size >= MAX_STORED) {
        this.#unused.add(storage);
        const what = `${MAX_STORED} objects have undelivered rows`;
        warn('SPOOL', `${what}: further ones store none.`, what);
        return this.#plain;
      }
      const recorder = this.#create(this.#reporterOf(storage), storage);
      if (this.#isMasking) recorder.setMasking(true);
      this.#stored.set(storage, { recorder, at: runningMs(), isNamedOnce: isOfEvent });
      this.#checkNames();
      return recorder;
    } catch (error) {
      warn('SPOOL', `The storage does not work: ${messageOf(error)}.`);
      return this.#plain;
    }
  }

  /** What shows diagnostics of a storage: not that other objects cannot use it. @param {EdgeStorage} storage @returns {Show} */
  #reporterOf(storage) {
    const [show, triedAt] = [this.#diagnostics.reporter(), this.#triedAt];
    return (what) => {
      if (what.code !== 'FLUE_BRAINTRUST_SPOOL' || !triedAt.has(storage)) show(what);
    };
  }

  /** Warns if events do not name a storage again. The delivery of an event names that of its object once more. */
  #checkNames() {
    const once = Array.from(this.#stored.values()).filter(({ isNamedOnce }) => isNamedOnce);
    if (once.length < MAX_NAMED_ONCE) return;
    const what = '`storage` returns another object for each event, and each gets a recorder';
    warn('BAD_OPTION', `${what}: return the same one for all events of a Durable Object.`, what);
  }

  /** Drops those with undelivered rows whose objects have ended, once others have tried to deliver them. */
  #dropEnded() {
    for (const [storage, { recorder, at }] of this.#stored) {
      if (runningMs() - at < ENDED_MS) return;
      if (!this.#triedAt.has(storage) || recorder.delivery.isLed || recorder.isIdle()) continue;
      this.#drop(storage, recorder);
    }
  }

  /**
   * Drops the recorder that was used least recently, of those that lose nothing. While there is room, not one whose rows
   * are on their way: in the storage they would wait for the next event of the object. Without room, else one whose
   * object is gone.
   */
  #forget() {
    const hasRoom = this.#stored.size < MAX_STORED;
    const all = [...this.#stored];
    const found =
      all.find(([, { recorder }]) => recorder.isKept() && !(hasRoom && recorder.delivery.isLed)) ??
      all.find(([, { at }]) => !hasRoom && runningMs() - at > GONE_MS);
    if (found !== undefined) this.#drop(found[0], found[1].recorder);
  }

  /**
   * Counts as lost what is not kept.
   * @param {EdgeStorage} storage
   * @param {EdgeRecorder} recorder
   */
  #drop(storage, recorder) {
    this.#stored.delete(storage);
    if (recorder.isConnected) this.#destination = recorder.traceDestination();
    const before = JSON.parse(recorder.stats());
    const last = recorder.dispose();
    this.#earlier = [sumStats([...this.#earlier, { ...last, openSpans: 0 }])];
    const rows = lostAtExit(last) - lostAtExit(before);
    const attachments = lostAtExit(last.attachments) - lostAtExit(before.attachments);
    if (rows + attachments === 0) return;
    const why = '(not_delivered_at_exit): the object has ended';
    warn('LOST', `${lossOf(rows, attachments)} ${why}.`, why);
  }
}
