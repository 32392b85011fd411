'use strict';

// What is dropped so that memory stays within its bound.

const { heapBytes } = require('./heap-bytes');
const { keepNewest } = require('../support/keep-newest');

/** @typedef {import('./types').Keep} Keep */
/** @typedef {import('./types').Row} Row */

/** How many ids of dropped traces are remembered, and how many rows without a trace are kept. */
const MAX_DROPPED = 10_000;
const MAX_LOOSE_ROWS = 10_000;

/** What the indexes take for a row, in bytes: about. */
const ROW_BYTES = 500;

/** Weighs rows, and names the traces to drop: those that did not change for the longest time. */
class Retention {
  #keep;
  #bytes = 0;
  /** By key. @type {Map<string, number>} */
  #weights = new Map();
  /** In the order of their last change. @type {Set<string>} */
  #traces = new Set();
  /** The keys of rows without a trace. @type {Set<string>} */
  #loose = new Set();
  /** @type {Set<string>} */
  #dropped = new Set();

  /** @param {Keep} keep */
  constructor(keep) {
    this.#keep = keep;
  }

  /**
   * @param {string} key of a row that was stored or removed
   * @param {Row | undefined} row
   * @param {string | undefined} traceId the trace that it is in
   */
  changed(key, row, traceId) {
    this.#forget(key);
    if (row === undefined) return;
    const bytes = ROW_BYTES + heapBytes(row);
    this.#weights.set(key, bytes);
    this.#bytes += bytes;
    if (traceId !== undefined) {
      this.#traces.delete(traceId);
      this.#traces.add(traceId);
    } else this.#loose.add(key);
  }

  /**
   * What is too much. It counts as dropped.
   *
   * @param {Map<string, Set<string>>} keysOfTrace
   * @returns {Generator<{ traceId: string | null, keys: string[] }>} null: rows without a trace
   */
  *excess(keysOfTrace) {
    for (const key of this.#loose) {
      if (this.#loose.size <= MAX_LOOSE_ROWS && this.#bytes <= this.#keep.bytes) break;
      this.#forget(key);
      yield { traceId: null, keys: [key] };
    }
    for (const traceId of this.#traces) {
      const isWithin = this.#bytes <= this.#keep.bytes && keysOfTrace.size <= this.#keep.traces;
      // One trace is shown however large it is.
      if (isWithin || keysOfTrace.size <= 1) break;
      this.#traces.delete(traceId);
      const keys = [...(keysOfTrace.get(traceId) ?? [])];
      if (keys.length === 0) continue;
      for (const key of keys) this.#forget(key);
      this.#dropped.add(traceId);
      yield { traceId, keys };
    }
    keepNewest(this.#dropped, MAX_DROPPED);
  }

  /** All rows are gone. */
  clear() {
    this.#bytes = 0;
    this.#weights.clear();
    this.#traces.clear();
    this.#loose.clear();
  }

  /** @param {string} traceId */
  hasDropped(traceId) {
    return this.#dropped.has(traceId);
  }

  /** @param {string} key */
  #forget(key) {
    this.#bytes -= this.#weights.get(key) ?? 0;
    this.#weights.delete(key);
    this.#loose.delete(key);
  }
}

module.exports = { Retention };
