'use strict';

// Finds feedback among the rows that arrive: the scores and comments that `logFeedback` of either package sends.

const { isObject } = require('../support/json');
const { commentedId } = require('../support/comments');

/** @typedef {import('./types').Feedback} Feedback */
/** @typedef {import('./types').Row} Row */

/** How long after feedback its span may come, in milliseconds: another process may send it. */
const PATIENCE_MS = 1000;
/** The most feedback that waits for its span. */
const MAX_WAITING = 1_000;
/** The fields of feedback that is not a comment. */
const CONTENT = ['scores', 'expected', 'tags', '_audit_metadata'];

/** Reports all feedback once, with its span if there is one. */
class FeedbackWatch {
  #spanOf;
  #report;
  /** @type {Map<Feedback, NodeJS.Timeout>} */
  #waiting = new Map();

  /**
   * @param {(rowId: string) => Row | undefined} spanOf the span with a row id
   * @param {(feedback: Feedback) => void} report
   */
  constructor(spanOf, report) {
    this.#spanOf = spanOf;
    this.#report = report;
  }

  /** @param {Row[]} rows that have arrived and are stored */
  arrived(rows) {
    for (const row of rows) {
      const rowId = aboutOf(row);
      if (rowId === undefined) continue;
      const feedback = { rowId, row, span: this.#spanOf(rowId) };
      if (feedback.span !== undefined || this.#waiting.size >= MAX_WAITING) this.#report(feedback);
      else this.#waiting.set(feedback, setTimeout(() => this.#end(feedback), PATIENCE_MS).unref());
    }
    // The span of some may be among the rows.
    for (const feedback of this.#waiting.keys()) {
      if (this.#spanOf(feedback.rowId) !== undefined) this.#end(feedback);
    }
  }

  /** Reports what still waits. */
  close() {
    for (const feedback of this.#waiting.keys()) this.#end(feedback);
  }

  /** @param {Feedback} feedback */
  #end(feedback) {
    clearTimeout(this.#waiting.get(feedback));
    this.#waiting.delete(feedback);
    this.#report({ ...feedback, span: this.#spanOf(feedback.rowId) });
  }
}

/**
 * @param {Row} row as it arrived
 * @returns {string | undefined} the id of the row that it is about; undefined: it is not feedback
 */
function aboutOf(row) {
  const { comment, _audit_source: source } = row;
  if (isObject(comment)) return commentedId(row);
  // A span may have a source, too; its feedback may have been sent with its row.
  const isFeedback = row.span_id === undefined || CONTENT.some((field) => row[field] !== undefined);
  return typeof source === 'string' && isFeedback ? row.id : undefined;
}

module.exports = { FeedbackWatch };
