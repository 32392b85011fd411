// The files of the spool in a storage, each in values of a size that any storage accepts.

import { untraced } from '../context.js';
import { warn } from '../warn.js';
import { weakly } from '../weak.js';

/** Begins every key. */
const PREFIX = 'flue-braintrust/';
/** A key: the name of a file, and the number of the part. */
const KEY = new RegExp(`^${PREFIX}([^/]+)/(\\d+)$`);
/** The most bytes of a value: some Durable Objects accept 128 KiB. */
const MAX_VALUE_BYTES = 100_000;
/** Reads and writes neither delay other work of a Durable Object nor wait for it. `type` is for KV. */
const READ = { allowConcurrency: true, type: 'arrayBuffer' };
const WRITE = { allowConcurrency: true, allowUnconfirmed: true, noCache: true };

/** @typedef {import('../../index.d.ts').EdgeStorage} EdgeStorage */

/**
 * Whether a value has the functions of a storage.
 * @param {any} value
 * @returns {value is EdgeStorage}
 */
function isStorage(value) {
  if (value === null || value === undefined) return false;
  return ['get', 'put', 'delete', 'list'].every((name) => typeof value[name] === 'function');
}

const NO_LIST = '`list` returns neither entries nor keys';
const NO_STORAGE = '`storage` has no `get`, `put`, `delete` and `list`';

/**
 * Throws when the option of that name cannot be used.
 * @param {unknown} option
 */
export function checkStorage(option) {
  if (option == null || typeof option === 'function' || isStorage(option)) return;
  throw new Error(NO_STORAGE);
}

/**
 * The storage of the work that runs now; undefined without one.
 * @param {unknown} option
 */
export function currentStorage(option) {
  try {
    const current =
      !isStorage(option) && typeof option === 'function' ? untraced(() => option()) : option;
    if (current != null && !isStorage(current)) warn('SPOOL', NO_STORAGE, NO_STORAGE);
    // A promise is not a storage, and nobody else waits for it.
    if (current instanceof Promise) current.catch(() => {});
    return isStorage(current) ? current : undefined;
  } catch {
    // Outside of any object, the application's function may throw.
    return undefined;
  }
}

/** What begins the names of the files of an instance of the core: its destination, a zero, and a random number. */
const INSTANCE = /^[^-]*-[^-]*-[^-.]*/;

/**
 * What this needs of a recorder.
 * @typedef {object} Writer
 * @property {boolean} isEnding whether the next recorder may take its files, once it has ended
 * @property {() => boolean} hasEnded whether it no longer uses the storage
 * @property {() => void} endNow lets a recorder that ends stop to deliver, and keep in the storage what is left
 */

/**
 * Which recorder writes the files of each instance, or has adopted them: the others of the storage leave them alone, as
 * locks have it on Node.
 * @type {WeakMap<EdgeStorage, Map<string, WeakRef<Writer>>>}
 */
const writers = new WeakMap();

/** @param {string} name of a file */
const instanceOf = (name) => INSTANCE.exec(name)?.[0] ?? name;

/** Reads, writes and deletes whole files. All methods reject when the storage fails. */
export class StorageFiles {
  #storage;
  #owner;
  /** By the instances. @type {Map<string, WeakRef<Writer>>} */
  #writers;
  /**
   * In how many values each file is. Each change of a file has an entry of its own, which it alone completes: one that
   * took too long may end after a later one has begun.
   * @type {Map<string, { count: number }>}
   */
  #parts = new Map();

  /**
   * @param {EdgeStorage} storage
   * @param {Writer} owner
   */
  constructor(storage, owner) {
    this.#storage = storage;
    this.#owner = owner;
    this.#writers = writers.get(storage) ?? new Map();
    writers.set(storage, this.#writers);
  }

  /** Leaves a file to this recorder alone. @param {string} name */
  claim(name) {
    const instance = instanceOf(name);
    if (!this.#writers.has(instance)) this.#forgetEnded();
    this.#writers.set(instance, weakly(this.#owner));
  }

  /** Forgets the recorders whose files the next one may take anyway. */
  #forgetEnded() {
    for (const [instance, reference] of this.#writers) {
      const writer = reference.deref();
      if (writer === undefined || (writer.isEnding && writer.hasEnded())) {
        this.#writers.delete(instance);
      }
    }
  }

  /**
   * The other recorders that end, or have ended, and whose files this one adopts.
   * @param {(name: string) => boolean} adopts
   * @returns {Writer[]}
   */
  ending(adopts) {
    return Array.from(this.#writers, ([instance, reference]) => {
      const writer = reference.deref();
      const isEnding = writer !== this.#owner && writer?.isEnding;
      return isEnding && adopts(`${instance}.open`) ? [writer] : [];
    }).flat();
  }

  /**
   * The files that no other recorder writes or has adopted.
   * @param {Map<string, Uint8Array>} files
   * @param {Writer[]} ended those that had ended before the files were listed
   */
  unclaimed(files, ended) {
    const isOurs = (/** @type {string} */ name) => {
      const writer = this.#writers.get(instanceOf(name))?.deref() ?? this.#owner;
      return writer === this.#owner || ended.includes(writer);
    };
    return new Map([...files].filter(([name]) => isOurs(name)));
  }

  /**
   * All files, by name.
   * @returns {Promise<Map<string, Uint8Array>>}
   */
  async list() {
    const ours = (await this.#entries()).filter(([key]) => KEY.test(key));
    const read = ours.map(async ([key, value]) => value ?? (await this.#storage.get(key, READ)));
    const values = await Promise.all(read);
    /** @type {Map<string, Map<number, unknown>>} */
    const files = new Map();
    for (const [at, [key]] of ours.entries()) {
      // A storage that lags behind may list what is deleted.
      if (values[at] === undefined || values[at] === null) continue;
      const [, name = '', part] = KEY.exec(key) ?? [];
      const parts = files.get(name) ?? new Map();
      files.set(name, parts.set(Number(part), values[at]));
    }
    /** @type {Map<string, Uint8Array>} */
    const contents = new Map();
    for (const [name, parts] of files) {
      const numbers = [...parts.keys()].toSorted((a, b) => a - b);
      this.#parts.set(name, { count: (numbers.at(-1) ?? 0) + 1 });
      contents.set(name, joined(numbers.map((number) => bytesOf(parts.get(number)))));
    }
    return contents;
  }

  /**
   * Everything that the storage lists: KV does it page by page.
   * @returns {Promise<[key: string, value?: unknown][]>}
   */
  async #entries() {
    /** @type {[key: string, value?: unknown][]} */
    const entries = [];
    const cursors = new Set();
    for (let cursor; !cursors.has(cursor);) {
      cursors.add(cursor);
      const options = { prefix: PREFIX, ...READ, ...(cursor !== undefined && { cursor }) };
      const page = /** @type {any} */ (await this.#storage.list(options));
      entries.push(...entriesOf(page));
      if (page?.list_complete !== false || !page.cursor) return entries;
      cursor = page.cursor;
    }
    throw new Error('the storage lists the same page again and again');
  }

  /**
   * The content of a file; empty when it is gone.
   * @param {string} name
   */
  async get(name) {
    const keys = this.#keys(name);
    const values = await Promise.all(keys.map(async (key) => await this.#storage.get(key, READ)));
    return joined(values.map(bytesOf));
  }

  /**
   * Stores a file. All values in one turn of the event loop: a Durable Object then writes all of them or none.
   * @param {string} name
   * @param {Uint8Array} content
   */
  async put(name, content) {
    this.claim(name);
    const count = Math.max(1, Math.ceil(content.length / MAX_VALUE_BYTES));
    const most = Math.max(count, this.#count(name));
    // What cannot be removed is removed with the next write.
    const own = { count: most };
    this.#parts.set(name, own);
    // Each by itself: a call that throws does not leave another one's rejection unhandled.
    const write = async (/** @type {number} */ part) => {
      const key = keyOf(name, part);
      if (part >= count) return await this.#storage.delete(key, WRITE);
      const value = content.slice(part * MAX_VALUE_BYTES, (part + 1) * MAX_VALUE_BYTES);
      return await this.#storage.put(key, value, WRITE);
    };
    const parts = Array.from({ length: most }, (_, part) => part);
    await Promise.all(parts.map(write));
    own.count = count;
  }

  /** @param {string} name */
  async delete(name) {
    const own = { count: this.#count(name) };
    this.#parts.set(name, own);
    const keys = this.#keys(name);
    await Promise.all(keys.map(async (key) => await this.#storage.delete(key, WRITE)));
    if (this.#parts.get(name) === own) this.#parts.delete(name);
  }

  /** @param {string} name */
  #count(name) {
    return this.#parts.get(name)?.count ?? 1;
  }

  /** @param {string} name */
  #keys(name) {
    return Array.from({ length: this.#count(name) }, (_, part) => keyOf(name, part));
  }
}

/**
 * @param {string} name
 * @param {number} part
 */
const keyOf = (name, part) => `${PREFIX}${name}/${String(part).padStart(4, '0')}`;

/**
 * What a storage lists: a map, as Durable Objects do; pairs; or the names alone, as KV does.
 * @param {any} listed
 * @returns {[key: string, value?: unknown][]}
 */
function entriesOf(listed) {
  const found = Array.isArray(listed?.keys) ? listed.keys : listed;
  if (typeof found?.[Symbol.iterator] !== 'function') throw new Error(NO_LIST);
  return Array.from(found, (/** @type {any} */ entry) => {
    if (Array.isArray(entry)) return [String(entry[0]), entry[1]];
    return [String(entry?.name ?? entry)];
  });
}

/**
 * @param {unknown} value
 * @returns {Uint8Array} empty if the value is not one of ours
 */
function bytesOf(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  // In JSON, bytes are an object with a member for each. No file is empty.
  const bytes = typeof value === 'object' ? Object.values(value ?? {}) : [];
  if (bytes.length > 0 && bytes.every(isByte)) return Uint8Array.from(bytes);
  if (value !== undefined && value !== null) {
    const what = 'The storage returns values of another type than it was given';
    warn('SPOOL', `${what} (${typeof value}): they are lost.`, what);
  }
  return new Uint8Array();
}

/** @param {unknown} value */
const isByte = (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255;

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
