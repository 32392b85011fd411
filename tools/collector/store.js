'use strict';

// Stores merged rows.

const { isDeepStrictEqual } = require('node:util');

const { mergeRow } = require('./merge');
const { Retention } = require('./retention');

/** @typedef {import('./types').JsonObject} JsonObject */
/** @typedef {import('./types').Row} Row */

/**
 * What applying a row did.
 *
 * @typedef {object} Applied
 * @property {Row | undefined} before what was stored under its key
 * @property {Row | undefined} after what is stored now; undefined when the row was deleted
 * @property {string[]} traceIds the traces whose rows changed; empty for a mere repetition
 */

/** The fields that identify a row together with its id. */
const OBJECT_FIELDS = [
  'org_id',
  'project_id',
  'experiment_id',
  'dataset_id',
  'prompt_session_id',
  'log_id',
];

/**
 * The rows of all projects, merged as they arrive and indexed by row id and by trace.
 *
 * Rows are values: a row once returned is never changed afterwards.
 */
class RowStore {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {Map<string, string>} */
  #keyOfRowId = new Map();
  /** @type {Map<string, Set<string>>} */
  #keysOfTrace = new Map();
  #retention;

  /** @param {import('./types').Keep} [keep] how much is kept; default: everything */
  constructor(keep) {
    this.#retention = keep && new Retention(keep);
  }

  /**
   * Merges a row in, replaces by it, or removes it (`_object_delete`).
   *
   * @param {JsonObject & { id: string }} incoming
   * @returns {Applied}
   */
  apply(incoming) {
    const key = JSON.stringify([...OBJECT_FIELDS.map((field) => incoming[field]), incoming.id]);
    const before = this.#rows.get(key);
    if (incoming._object_delete === true) {
      this.#rows.delete(key);
      this.#forgetId(incoming.id, key);
      return { before, after: undefined, traceIds: this.#reindex(key, before, undefined) };
    }
    const after = /** @type {Row} */ (mergeRow(before, incoming));
    if (isDeepStrictEqual(before, after)) return { before, after, traceIds: [] };
    this.#rows.set(key, after);
    return { before, after, traceIds: this.#reindex(key, before, after) };
  }

  /** @returns {Row[]} all rows, in the order in which their keys first arrived */
  rows() {
    return [...this.#rows.values()];
  }

  /**
   * @param {string} id
   * @returns {Row | undefined} the row with this id; the latest one when several projects have it
   */
  row(id) {
    const key = this.#keyOfRowId.get(id);
    return key === undefined ? undefined : this.#rows.get(key);
  }

  /** @returns {string[]} the ids of all traces, in the order of their first row */
  traceIds() {
    return [...this.#keysOfTrace.keys()];
  }

  /**
   * @param {string} traceId
   * @returns {Row[]} the rows with this `root_span_id`, in the order of their arrival
   */
  rowsOfTrace(traceId) {
    const keys = this.#keysOfTrace.get(traceId) ?? [];
    return [...keys].map((key) => /** @type {Row} */ (this.#rows.get(key)));
  }

  /**
   * Drops what is more than is kept: first the traces that did not change for the longest time.
   *
   * @returns {string[]} the ids of the traces that were dropped
   */
  dropExcess() {
    /** @type {string[]} */
    const traceIds = [];
    for (const { traceId, keys } of this.#retention?.excess(this.#keysOfTrace) ?? []) {
      for (const key of keys) {
        const row = this.#rows.get(key);
        this.#rows.delete(key);
        if (row !== undefined) this.#forgetId(row.id, key);
      }
      if (traceId === null) continue;
      this.#keysOfTrace.delete(traceId);
      traceIds.push(traceId);
    }
    return traceIds;
  }

  /**
   * @param {string} traceId
   * @returns {boolean} whether rows of this trace were dropped
   */
  isPartial(traceId) {
    return this.#retention?.hasDropped(traceId) ?? false;
  }

  /** @param {string} id @param {string} key of the row that is gone */
  #forgetId(id, key) {
    if (this.#keyOfRowId.get(id) === key) this.#keyOfRowId.delete(id);
  }

  /**
   * @param {string} key
   * @param {Row | undefined} before
   * @param {Row | undefined} after
   * @returns {string[]} the traces that gained, changed or lost the row
   */
  #reindex(key, before, after) {
    if (after !== undefined) this.#keyOfRowId.set(after.id, key);
    this.#retention?.changed(key, after);
    const left = before?.root_span_id;
    const entered = after?.root_span_id;
    const changed = new Set();
    if (typeof left === 'string') {
      changed.add(left);
      if (left !== entered) this.#leaveTrace(left, key);
    }
    if (typeof entered === 'string') {
      changed.add(entered);
      const keys = this.#keysOfTrace.get(entered) ?? new Set();
      this.#keysOfTrace.set(entered, keys.add(key));
    }
    return [...changed];
  }

  /**
   * @param {string} traceId
   * @param {string} key
   */
  #leaveTrace(traceId, key) {
    const keys = this.#keysOfTrace.get(traceId);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOfTrace.delete(traceId);
  }
}

module.exports = { RowStore };
