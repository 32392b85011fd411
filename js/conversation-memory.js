'use strict';

// What is remembered of conversations, bounded by bytes and by idle time.

const { heapLimit } = require('./builtins/index.js');

/**
 * The most bytes that are remembered: an eighth of the heap's limit, at most 512 MiB. Strings count, although the
 * application mostly holds them as well.
 */
const maxBytesOfHeap = () => Math.min(512 * 1024 * 1024, heapLimit() / 8);
/** How long an idle conversation is remembered, in milliseconds. */
const IDLE_MS = 10 * 60_000;
/** How long an idle conversation is remembered while there is no room for another one, in milliseconds. */
const IDLE_WHEN_FULL_MS = 60_000;

/**
 * @template T
 * @typedef {object} Entry
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
  /** By conversation, the one that was idle longest first. @type {Map<string, Entry<T>>} */
  #entries = new Map();
  #bytes = 0;
  /** The conversations that were forgotten, and that the native part must forget as well. @type {Set<string>} */
  #forgotten = new Set();
  /** @type {number | undefined} */
  #maxBytes;
  #now;

  /**
   * @param {object} [settings]
   * @param {number} [settings.maxBytes] default: a part of the heap, which is looked up when it is needed
   * @param {() => number} [settings.now] milliseconds
   */
  constructor({ maxBytes, now = () => performance.now() } = {}) {
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  /** @param {string} id */
  get(id) {
    return this.#entries.get(id)?.value;
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
   */
  set(id, value, bytes) {
    const now = this.#now();
    this.#remove(id);
    this.#forgotten.delete(id);
    this.#entries.set(id, { value, bytes, at: now });
    this.#bytes += bytes;
    this.#forgetIdle(now);
    if (this.#bytes > this.#limit) this.forget(id);
  }

  /** @param {string} id */
  forget(id) {
    this.#remove(id);
    this.#forgotten.add(id);
  }

  /**
   * Reports the conversations that were forgotten, until one cannot be reported; the rest is reported later.
   * @param {(id: string) => boolean} report whether it was reported
   * @param {unknown} [except] a conversation that is reported later
   */
  reportForgotten(report, except) {
    for (const id of this.#forgotten) {
      if (id === except) continue;
      if (!report(id)) return;
      this.#forgotten.delete(id);
    }
  }

  /** The most bytes. */
  get #limit() {
    return (this.#maxBytes ??= maxBytesOfHeap());
  }

  /** @param {number} now */
  #forgetIdle(now) {
    for (const [id, { at }] of this.#entries) {
      const most = this.#bytes > this.#limit ? IDLE_WHEN_FULL_MS : IDLE_MS;
      if (now - at <= most) break;
      this.forget(id);
    }
  }

  /** @param {string} id */
  #remove(id) {
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
    this.#entries.delete(id);
  }
}

module.exports = { ConversationMemory };
