'use strict';

// Takes rows in: checks them, writes them to the file, and merges them.

const { commentedId } = require('../support/comments');
const { cutDepth } = require('./depth');
const { Journal } = require('./journal');
const { counted } = require('../support/format');
const { checkIncomingRow, checkStoredRow, isStorable } = require('./validate');

/** @typedef {import('./types').Problem} Problem */
/** @typedef {import('./types').Row} Row */

/**
 * What a request with rows has changed.
 *
 * @typedef {object} Taken
 * @property {Row[]} rows that are stored
 * @property {Set<string>} changed the traces that changed
 * @property {Set<string>} changedSpans those of them that did not only get comments
 */

/** Takes in the rows of requests, and those of the file. */
class Intake {
  #store;
  #collected;
  #addProblem;
  /** @type {InstanceType<typeof Journal> | undefined} */
  #journal;
  /** The traces that `clear` has dropped. @type {Set<unknown>} */
  #cleared = new Set();

  /**
   * @param {InstanceType<typeof import('./store').RowStore>} store
   * @param {InstanceType<typeof import('./totals').Totals>} collected
   * @param {(problem: Problem) => void} addProblem
   */
  constructor(store, collected, addProblem) {
    this.#store = store;
    this.#collected = collected;
    this.#addProblem = addProblem;
  }

  /**
   * Opens the file.
   *
   * @param {string} file
   * @param {boolean} isRead whether the rows that it has are taken in
   */
  async open(file, isRead) {
    this.#journal = await Journal.open(file);
    if (isRead) await this.#reopen(this.#journal);
  }

  /** Removes what the file has. */
  async clearFile() {
    await this.#journal?.clear();
  }

  /** @param {string[]} traceIds traces of which no row is taken from now on */
  refuse(traceIds) {
    for (const traceId of traceIds) this.#cleared.add(traceId);
  }

  /** @param {import('./types').Logs} logs @returns {Promise<Taken>} */
  async take(logs) {
    if (logs.api_version !== 2) {
      this.#addProblem({ rowId: null, problem: 'api_version of /logs3 must be 2' });
    }
    const storable = logs.rows.filter(isStorable);
    let rows = this.#wanted(storable);
    for (const row of rows) {
      if (cutDepth(row)) this.#addProblem({ rowId: row.id, problem: 'it is nested too deeply' });
    }
    if (storable.length < logs.rows.length) {
      this.#addProblem({
        rowId: null,
        problem: 'a row must be an object with an `id`; it was not stored',
      });
    }
    // Rows are in the file before they count, so that its order is the order of the merges.
    if (this.#journal !== undefined) {
      await this.#journal.append(rows);
      rows = this.#wanted(rows);
    }
    const changed = new Set();
    const changedSpans = new Set();
    for (const row of rows) {
      // A comment is reported as feedback alone, and not as a change of its trace.
      const isComment = commentedId(row) !== undefined;
      for (const traceId of this.#apply(row)) {
        changed.add(traceId);
        if (!isComment) changedSpans.add(traceId);
      }
    }
    return { rows, changed, changedSpans };
  }

  /** Closes the file once all rows are in it. */
  async close() {
    await this.#journal?.close();
  }

  /** @param {Row[]} rows @returns {Row[]} those of traces that were not dropped by `clear` */
  #wanted(rows) {
    return rows.filter((row) => !this.#cleared.has(row.root_span_id));
  }

  /**
   * Takes the rows of earlier runs. They were checked and reported when they arrived.
   *
   * @param {InstanceType<typeof Journal>} journal
   */
  async #reopen(journal) {
    let unreadable = 0;
    let first = '';
    for await (const line of journal.read()) {
      const row = 'value' in line ? line.value : undefined;
      cutDepth(row);
      if (isStorable(row)) {
        this.#store.apply(row);
        this.#store.dropExcess();
        continue;
      }
      unreadable += 1;
      first ||= `line ${line.number} ${'why' in line ? line.why : 'has no id'}`;
    }
    if (unreadable === 0) return;
    const problem = `the file has ${counted(unreadable, 'line')} without a row, left out: ${first}`;
    this.#addProblem({ rowId: null, problem });
  }

  /**
   * @param {Row} incoming
   * @returns {string[]} the traces it changed
   */
  #apply(incoming) {
    const { before, after, traceIds } = this.#store.apply(incoming);
    this.#collected.count(before, after);
    const problems = [
      ...checkIncomingRow(incoming),
      ...(after === undefined ? [] : checkStoredRow(before, after, incoming._is_merge === true)),
    ];
    for (const problem of problems) this.#addProblem({ rowId: incoming.id, problem });
    return traceIds;
  }
}

module.exports = { Intake };
