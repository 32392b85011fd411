// Carries out what a recorder asks of its storage, one operation at a time.

import { timers } from '#builtins';
import { untraced } from '../context.js';
import { messageOf } from '../json/describe.js';
import { StorageFiles } from './storage.mjs';
import { runningMs } from '../running-clock.js';

/** How long one operation may take, in milliseconds. */
const TIMEOUT_MS = 5000;
/** The delay after the first failure to list the files, in milliseconds; twice as long after each further one. */
const LIST_AGAIN_MS = 1000;
/** The longest delay. */
const MAX_LIST_AGAIN_MS = 60_000;
/** How long another recorder of the storage that ends may go on, in milliseconds: then it leaves what it has to this one. */
const HAND_OVER_MS = 3000;
/** How long this one waits for that. */
const MAX_HAND_OVER_MS = 10_000;

/** @typedef {import('./delivery.mjs').Leader} Leader */

/** @typedef {{ kind: 'put' | 'delete' | 'get', name: string, content: Uint8Array }} Change */

/**
 * What this needs of a recorder.
 * @typedef {object} Owner
 * @property {(files: Map<string, Uint8Array>, failure?: string) => boolean} openStorage
 *   passes all files, or why there are none; returns whether the recorder uses the storage
 * @property {(name: string) => boolean} adopts whether a file of this name is one that the recorder adopts
 * @property {() => Change[]} takeChanges the changes of the next operation
 * @property {(result: Uint8Array | string) => void} completeStorage passes what was read, or why it has failed
 */

export class StorageWork {
  #owner;
  #writer;
  #storage;
  /** @type {StorageFiles} */
  #files;
  /** The operation in progress, which belongs to the request of a leader. @type {{ leader: Leader } | undefined} */
  #current;
  #isOpen = false;
  /** How often in succession the files could not be listed, and when they are listed again. */
  #failures = 0;
  #listAt = 0;
  /** Since when it waits for other recorders to end. @type {number | undefined} */
  #waitingSince;

  /**
   * @param {Owner} owner
   * @param {import('../../index.d.ts').EdgeStorage} storage
   * @param {import('./storage.mjs').Writer} writer the recorder
   */
  constructor(owner, storage, writer) {
    this.#owner = owner;
    this.#storage = storage;
    this.#writer = writer;
    this.#files = new StorageFiles(storage, writer);
  }

  /** Whether the recorder has the list of files. */
  get isOpen() {
    return this.#isOpen;
  }

  /** Whether an operation is in progress. */
  get isBusy() {
    return this.#current !== undefined;
  }

  /** Whether the files are to be listed, or are being listed. */
  get isListing() {
    return !this.#isOpen && (this.isBusy || runningMs() >= this.#listAt);
  }

  /** If the files could not be listed, lists them without a further delay. */
  listNow() {
    this.#listAt = 0;
  }

  /** The recorder has lost its state: it needs the list of files again. */
  reset() {
    this.#isOpen = false;
    this.#current = undefined;
    this.listNow();
  }

  /**
   * Begins the next operation, if there is one and none is in progress.
   * @param {Leader} leader who waits for it
   * @param {(leader: Leader) => boolean} isGone whether the runtime has ended the request of a leader
   * @returns {Promise<void> | undefined} never rejects
   */
  begin(leader, isGone) {
    if (this.#current !== undefined) {
      if (!isGone(this.#current.leader)) return undefined;
      this.#current = undefined;
      if (this.#isOpen) this.#owner.completeStorage('the runtime has ended the request');
    }
    const changes = this.#isOpen ? this.#owner.takeChanges() : undefined;
    const isNothing = changes === undefined ? !this.isListing : changes.length === 0;
    if (isNothing || (changes === undefined && this.#awaitsOther())) return undefined;
    const current = { leader };
    this.#current = current;
    return untraced(() => this.#carryOut(changes)).then((finish) => {
      // Another leader, or a new instance of the core, has begun again.
      if (this.#current !== current) return;
      this.#current = undefined;
      finish();
    });
  }

  #ending() {
    return this.#files.ending((name) => this.#owner.adopts(name));
  }

  /** Whether another recorder that ends still delivers the files that this one adopts. */
  #awaitsOther() {
    const others = this.#ending().filter((other) => !other.hasEnded());
    const now = runningMs();
    this.#waitingSince = others.length > 0 ? (this.#waitingSince ?? now) : undefined;
    const waitedMs = now - (this.#waitingSince ?? now);
    if (waitedMs >= HAND_OVER_MS) for (const other of others) other.endNow();
    return others.length > 0 && waitedMs < MAX_HAND_OVER_MS;
  }

  /**
   * @param {Change[]} [changes] none: the files are listed
   * @returns {Promise<() => void>} passes the outcome on
   */
  async #carryOut(changes) {
    const owner = this.#owner;
    try {
      if (changes !== undefined) {
        const [content] = await inTime(Promise.all(changes.map((change) => this.#apply(change))));
        return () => owner.completeStorage(content ?? new Uint8Array());
      }
      const files = new StorageFiles(this.#storage, this.#writer);
      const ended = this.#ending().filter((other) => other.hasEnded());
      // The request of one may have ended: another request must not go on with it.
      for (const other of ended) other.endNow();
      const contents = await inTime(files.list());
      this.#files = files;
      return () => this.#open(files.unclaimed(contents, ended));
    } catch (error) {
      const why = messageOf(error);
      if (changes !== undefined) return () => owner.completeStorage(why);
      return () => this.#open(new Map(), why);
    }
  }

  /**
   * @param {Map<string, Uint8Array>} files
   * @param {string} [failure] why they are not known: the recorder does without until they are listed
   */
  #open(files, failure) {
    for (const name of files.keys()) if (this.#owner.adopts(name)) this.#files.claim(name);
    this.#isOpen = this.#owner.openStorage(files, failure);
    this.#failures = this.#isOpen ? 0 : this.#failures + 1;
    const delay = LIST_AGAIN_MS * 2 ** (this.#failures - 1);
    this.#listAt = runningMs() + Math.min(delay, MAX_LIST_AGAIN_MS);
  }

  /**
   * @param {Change} change
   * @returns {Promise<Uint8Array | undefined>}
   */
  async #apply({ kind, name, content }) {
    if (kind === 'get') return await this.#files.get(name);
    await (kind === 'put' ? this.#files.put(name, content) : this.#files.delete(name));
    return undefined;
  }
}

/**
 * Rejects when an operation takes too long.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
async function inTime(work) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const dueMs = runningMs() + TIMEOUT_MS;
  const late = new Promise((_, reject) => {
    const end = () => {
      const leftMs = dueMs - runningMs();
      if (leftMs <= 0) reject(new Error('the storage does not answer'));
      else timer = timers.setTimeout(end, leftMs);
    };
    timer = timers.setTimeout(end, TIMEOUT_MS);
  });
  try {
    return /** @type {T} */ (await Promise.race([work, late]));
  } finally {
    timers.clearTimeout(timer);
  }
}
