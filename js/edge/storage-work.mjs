// Carries out what a recorder asks of its storage, one operation at a time.

import { monotonicMs, timers } from '#builtins';
import { untraced } from '../context.js';
import { messageOf } from '../json/describe.js';
import { StorageFiles } from './storage.mjs';

/** How long one operation may take, in milliseconds. */
const TIMEOUT_MS = 5000;
/** The delay after the first failure to list the files, in milliseconds; twice as long after each further one. */
const LIST_AGAIN_MS = 1000;
/** The longest delay. */
const MAX_LIST_AGAIN_MS = 60_000;

/** @typedef {import('./delivery.mjs').Leader} Leader */

/** @typedef {{ kind: 'put' | 'delete' | 'get', name: string, content: Uint8Array }} Change */

/**
 * What this needs of a recorder.
 * @typedef {object} Owner
 * @property {(files: Map<string, Uint8Array>, onAdopt: (name: string) => void, failure?: string) => boolean} openStorage
 *   passes all files, or why there are none; returns whether the recorder uses the storage. `onAdopt` is called for each
 *   file that it adopts
 * @property {() => Change[]} takeChanges the changes of the next operation
 * @property {(result: Uint8Array | string) => void} completeStorage passes what was read, or why it has failed
 */

export class StorageWork {
  /** Whether the recorder ends: the next one may take its files. */
  isEnding = false;
  #owner;
  #storage;
  /** @type {StorageFiles} */
  #files;
  /** The operation in progress, which belongs to the request of a leader. @type {{ leader: Leader } | undefined} */
  #current;
  #isOpen = false;
  /** How often in succession the files could not be listed, and when they are listed again. */
  #failures = 0;
  #listAt = 0;

  /**
   * @param {Owner} owner
   * @param {import('../../index.d.ts').EdgeStorage} storage
   */
  constructor(owner, storage) {
    this.#owner = owner;
    this.#storage = storage;
    this.#files = new StorageFiles(storage, this);
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
    return !this.#isOpen && (this.isBusy || monotonicMs() >= this.#listAt);
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
    if (changes === undefined ? !this.isListing : changes.length === 0) return undefined;
    const current = { leader };
    this.#current = current;
    return untraced(() => this.#carryOut(changes)).then((finish) => {
      // Another leader, or a new instance of the core, has begun again.
      if (this.#current !== current) return;
      this.#current = undefined;
      finish();
    });
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
      const files = new StorageFiles(this.#storage, this);
      const contents = await inTime(files.list());
      this.#files = files;
      return () => this.#open(contents);
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
    const onAdopt = (/** @type {string} */ name) => this.#files.claim(name);
    this.#isOpen = this.#owner.openStorage(this.#files.unclaimed(files), onAdopt, failure);
    this.#failures = this.#isOpen ? 0 : this.#failures + 1;
    const delay = LIST_AGAIN_MS * 2 ** (this.#failures - 1);
    this.#listAt = monotonicMs() + Math.min(delay, MAX_LIST_AGAIN_MS);
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
  const late = new Promise((_, reject) => {
    timer = timers.setTimeout(() => reject(new Error('the storage does not answer')), TIMEOUT_MS);
  });
  try {
    return /** @type {T} */ (await Promise.race([work, late]));
  } finally {
    timers.clearTimeout(timer);
  }
}
