'use strict';

// What is remembered of conversations, bounded by bytes and by idle time.

const { heapLimit, monotonicMs } = require('./builtins/index.js');

/**
 * The most bytes that are remembered: an eighth of the heap's limit, at most 512 MiB. Strings count, although the
 * application mostly holds them as well.
 */
const maxBytesOfHeap = () => Math.min(512 * 1024 * 1024, heapLimit() / 8);
/** Even a heap of 32 MiB has room for this: the heap's limit, which takes 4 ms to look up, matters only above it. */
const SMALL_BYTES = 4 * 1024 * 1024;
/** How long an idle conversation is remembered, in milliseconds. */
const IDLE_MS = 10 * 60_000;
/** How long an idle conversation is remembered while there is no room for another one, in milliseconds. */
const IDLE_WHEN_FULL_MS = 60_000;

/** One of several recorders in a Worker: the core of one does not know what another has recorded. @typedef {object} Owner */

/**
 * @template T
 * @typedef {object} Entry
 * @property {string} id of the conversation
 * @property {Owner} [owner] the recorder that has recorded it
 * @property {T} value
 * @property {number} bytes
 * @property {number} at when it was used last
 */

/**
 * Values of conversations, of which those that were idle longest are forgotten first. If all are in use and need too
 * much memory, a part of them stays remembered: forgetting the least recently used one each time would forget all of
 * them in turn.
 * @template T
 */
class ConversationMemory {
  /** By owner and conversation, the one that was idle longest first. @type {Map<string, Entry<T>>} */
  #entries = new Map();
  #bytes = 0;
  /** What was forgotten, and must be forgotten by the core as well. @type {Map<string, { id: string, owner?: Owner }>} */
  #forgotten = new Map();
  /** @type {WeakMap<Owner, number>} */
  #numbers = new WeakMap();
  #lastNumber = 0;
  /** @type {number | undefined} */
  #maxBytes;
  #now;

  /**
   * @param {object} [settings]
   * @param {number} [settings.maxBytes] default: a part of the heap, which is looked up when it is needed
   * @param {() => number} [settings.now] milliseconds
   */
  constructor({ maxBytes, now = monotonicMs } = {}) {
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  /**
   * @param {string} id
   * @param {Owner} [owner]
   */
  get(id, owner) {
    return this.#entries.get(this.#key(id, owner))?.value;
  }

  /** The bytes of all values. */
  get bytes() {
    return this.#bytes;
  }

  /** Whether there is room for another conversation. */
  hasRoom() {
    const now = this.#now();
    this.#forgetIdle(now);
    return this.#bytes < this.#limit;
  }

  /**
   * Remembers the value of a conversation that is in use; it is forgotten at once if there is no room for it.
   * @param {string} id
   * @param {T} value
   * @param {number} bytes
   * @param {Owner} [owner]
   */
  set(id, value, bytes, owner) {
    const now = this.#now();
    const key = this.#key(id, owner);
    this.#remove(key);
    this.#forgotten.delete(key);
    this.#entries.set(key, { id, owner, value, bytes, at: now });
    this.#bytes += bytes;
    this.#forgetIdle(now);
    if (this.#bytes > this.#limit) this.forget(id, owner);
  }

  /**
   * @param {string} id
   * @param {Owner} [owner]
   */
  forget(id, owner) {
    const key = this.#key(id, owner);
    this.#remove(key);
    this.#forgotten.set(key, { id, owner });
  }

  /**
   * Reports the conversations that were forgotten. Those of an owner to whom one cannot be reported are reported later.
   * @param {(id: string, owner?: Owner) => boolean} report whether it was reported
   * @param {unknown} [except] a conversation that is reported later
   */
  reportForgotten(report, except) {
    if (this.#forgotten.size === 0) return;
    const full = new Set();
    for (const [key, { id, owner }] of this.#forgotten) {
      if (id === except || full.has(owner)) continue;
      if (report(id, owner)) this.#forgotten.delete(key);
      else full.add(owner);
    }
  }

  /** The most bytes. */
  get #limit() {
    if (this.#maxBytes === undefined && this.#bytes < SMALL_BYTES) return SMALL_BYTES;
    return (this.#maxBytes ??= maxBytesOfHeap());
  }

  /** @param {number} now */
  #forgetIdle(now) {
    for (const { id, owner, at } of this.#entries.values()) {
      const most = this.#bytes > this.#limit ? IDLE_WHEN_FULL_MS : IDLE_MS;
      if (now - at <= most) break;
      this.forget(id, owner);
    }
  }

  /** @param {string} key */
  #remove(key) {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  /**
   * @param {string} id
   * @param {Owner} [owner]
   */
  #key(id, owner) {
    if (owner === undefined) return id;
    const number = this.#numbers.get(owner) ?? ++this.#lastNumber;
    this.#numbers.set(owner, number);
    return `${number}/${id}`;
  }
}

module.exports = { ConversationMemory };
