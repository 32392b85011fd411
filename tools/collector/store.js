'use strict';

// Stores merged rows.

const { isDeepStrictEqual } = require('node:util');

const { commentedId } = require('../support/comments');
const { addTo, removeFrom } = require('../support/sets-by-key');
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
 * The rows of all projects, merged as they arrive and indexed by row id and by trace. A comment belongs to the trace of
 * the span that it is about, whichever arrives first.
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
  /** @type {Map<string, string>} */
  #traceOfKey = new Map();
  /** By the key of the row that they are about. @type {Map<string, Set<string>>} */
  #keysOfComments = new Map();
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
    const key = keyOf(incoming, incoming.id);
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
   * @returns {Row[]} the rows with this `root_span_id`, and the comments on them, in the order of their arrival
   */
  rowsOfTrace(traceId) {
    const keys = this.#keysOfTrace.get(traceId) ?? [];
    return [...keys].map((key) => /** @type {Row} */ (this.#rows.get(key)));
  }

  /** @returns {Row[]} the rows of no trace, such as feedback on spans that are not here */
  looseRows() {
    return [...this.#rows].flatMap(([key, row]) => (this.#traceOfKey.has(key) ? [] : row));
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
        this.#traceOfKey.delete(key);
        if (row !== undefined) this.#forgetId(row.id, key);
        this.#noteComment(key, row, undefined);
      }
      if (traceId === null) continue;
      this.#keysOfTrace.delete(traceId);
      traceIds.push(traceId);
    }
    return traceIds;
  }

  /** Drops all rows. @returns {string[]} the ids of the traces that were dropped */
  clear() {
    const traceIds = this.traceIds();
    for (const index of [
      this.#rows,
      this.#keyOfRowId,
      this.#keysOfTrace,
      this.#traceOfKey,
      this.#keysOfComments,
    ]) {
      index.clear();
    }
    this.#retention?.clear();
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
    this.#noteComment(key, before, after);
    const changed = this.#place(key, after);
    // There may be many: they move only with it.
    const isMoved = before?.root_span_id !== after?.root_span_id;
    for (const comment of isMoved ? (this.#keysOfComments.get(key) ?? []) : []) {
      changed.push(...this.#place(comment, this.#rows.get(comment)));
    }
    return [...new Set(changed)];
  }

  /**
   * @param {string} key
   * @param {Row | undefined} before
   * @param {Row | undefined} after
   */
  #noteComment(key, before, after) {
    const [left, entered] = [commentedKey(before), commentedKey(after)];
    if (left !== undefined) removeFrom(this.#keysOfComments, left, key);
    if (entered !== undefined) addTo(this.#keysOfComments, entered, key);
  }

  /**
   * @param {string} key
   * @param {Row | undefined} row what is stored under it
   * @returns {string[]} the trace that it left, and the one that it is in
   */
  #place(key, row) {
    const left = this.#traceOfKey.get(key);
    const about = commentedKey(row);
    const entered = (about === undefined ? row : this.#rows.get(about))?.root_span_id;
    const isTraced = typeof entered === 'string';
    this.#retention?.changed(key, row, isTraced ? entered : undefined);
    if (left !== undefined && left !== entered) removeFrom(this.#keysOfTrace, left, key);
    if (isTraced) {
      this.#traceOfKey.set(key, entered);
      addTo(this.#keysOfTrace, entered, key);
    } else this.#traceOfKey.delete(key);
    return [...(left === undefined ? [] : [left]), ...(isTraced ? [entered] : [])];
  }
}

/**
 * @param {JsonObject} row
 * @param {string} id that of the row, or of another one in the same place
 */
function keyOf(row, id) {
  return JSON.stringify([...OBJECT_FIELDS.map((field) => row[field]), id]);
}

/** @param {Row | undefined} row @returns {string | undefined} the key of the row that it comments on */
function commentedKey(row) {
  const id = commentedId(row);
  return row === undefined || id === undefined ? undefined : keyOf(row, id);
}

module.exports = { RowStore };
