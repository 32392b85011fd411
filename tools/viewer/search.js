'use strict';

// Search in the rows of all traces, on a thread of its own: rows are taken in meanwhile.

const { join } = require('node:path');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

/** @typedef {import('../collector/types').Row} Row */
/** @typedef {import('./types').Excerpt} Excerpt */
/** @typedef {import('./types').SearchAnswer} SearchAnswer */

/** Rows are copied to the thread in slices of this many milliseconds. */
const SLICE_MS = 5;
/** So many rows are one message. */
const MAX_BATCH = 64;
/** So long after the last search the thread ends, and its memory is free. */
const IDLE_MS = 120_000;

/**
 * @typedef {object} SearchSource
 * @property {() => string[]} traceIds
 * @property {(id: string) => Row[]} rowsOfTrace
 */

/** Starts with the first search. From then on the thread gets what changed before each search. */
class Search {
  #source;
  /** @type {Worker | undefined} */
  #worker;
  /** Rows that the thread has. Rows are values: a changed one is another object. @type {WeakSet<Row>} */
  #sent = new WeakSet();
  /** The ids of the rows that it has, by trace. @type {Map<string, Set<string>>} */
  #rowIds = new Map();
  /** @type {Set<string>} */
  #changed = new Set();
  /** @type {Promise<void>} */
  #updating = Promise.resolve();
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: unknown) => void }>} */
  #waiting = new Map();
  #count = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #idle;

  /** @param {SearchSource} source */
  constructor(source) {
    this.#source = source;
  }

  /** @param {string[]} traceIds traces whose rows changed, or that are gone */
  changed(traceIds) {
    if (this.#worker === undefined) return;
    for (const id of traceIds) this.#changed.add(id);
  }

  /**
   * @param {string} needle not empty
   * @returns {Promise<string[]>} the ids of the traces that contain it
   */
  traces(needle) {
    return this.#ask({ needle });
  }

  /**
   * @param {string} needle
   * @param {string} traceId
   * @returns {Promise<string[]>} the ids of the rows of this trace that contain it
   */
  rows(needle, traceId) {
    return this.#ask({ needle, within: traceId });
  }

  /**
   * @param {string} needle
   * @param {string[]} traceIds
   * @returns {Promise<(Excerpt | null)[]>} where each contains it
   */
  excerpts(needle, traceIds) {
    return this.#ask({ needle, excerptsOf: traceIds });
  }

  /** Ends the thread. */
  close() {
    this.#end(new Error('the collector is closing'));
  }

  /** @param {{ needle: string, within?: string, excerptsOf?: string[] }} question @returns {Promise<any>} */
  async #ask(question) {
    this.#start();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end(new Error('not needed')), IDLE_MS).unref();
    // One after the other, so that the thread gets the changes in their order.
    const updated = this.#updating.then(() => this.#update());
    this.#updating = updated.catch(() => undefined);
    await updated;
    const worker = this.#worker;
    if (worker === undefined) throw new Error('the search has ended');
    return new Promise((resolve, reject) => {
      this.#count += 1;
      this.#waiting.set(this.#count, { resolve, reject });
      worker.postMessage({ kind: 'find', id: this.#count, ...question });
    });
  }

  #start() {
    if (this.#worker !== undefined) return;
    const worker = new Worker(join(__dirname, 'search-worker.js'), { execArgv: [], env: {} });
    // The process may end while it waits.
    worker.unref();
    worker.on('message', (/** @type {SearchAnswer} */ { id, result }) => {
      this.#waiting.get(id)?.resolve(result);
      this.#waiting.delete(id);
    });
    worker.on('error', (error) => {
      if (this.#worker === worker) this.#end(error);
    });
    this.#worker = worker;
    this.#changed = new Set(this.#source.traceIds());
  }

  /** Sends the thread what changed, in slices. */
  async #update() {
    const worker = this.#worker;
    let began = performance.now();
    /** @type {[string, Row][]} */
    let rows = [];
    const send = () => {
      if (rows.length > 0) worker?.postMessage({ kind: 'rows', rows });
      rows = [];
    };
    for (const id of this.#changed) {
      this.#changed.delete(id);
      const all = this.#source.rowsOfTrace(id);
      const rowIds = this.#rowIds.get(id) ?? new Set();
      this.#rowIds.set(id, rowIds);
      for (const row of all) {
        // A comment may have come from another trace, with its span.
        if (this.#sent.has(row) && rowIds.has(row.id)) continue;
        this.#sent.add(row);
        rowIds.add(row.id);
        rows.push([id, row]);
        const isLate = performance.now() - began >= SLICE_MS;
        if (isLate || rows.length >= MAX_BATCH) send();
        if (!isLate) continue;
        await nextTurn();
        if (this.#worker !== worker) return;
        began = performance.now();
      }
      if (rowIds.size <= all.length) continue;
      send();
      const left = all.map((row) => row.id);
      worker?.postMessage({ kind: 'keep', traceId: id, rowIds: left });
      if (left.length === 0) this.#rowIds.delete(id);
      else this.#rowIds.set(id, new Set(left));
    }
    send();
  }

  /** @param {unknown} reason why those that wait get no result */
  #end(reason) {
    clearTimeout(this.#idle);
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#sent = new WeakSet();
    this.#rowIds.clear();
    this.#changed.clear();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }
}

module.exports = { Search };
