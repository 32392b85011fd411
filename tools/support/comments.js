'use strict';

// Comments: feedback that has a row of its own, which names the row that it is about. The viewer's page bundles this file,
// too: it uses nothing of Node.

const { isObject } = require('./json');

/**
 * @param {import('./json').JsonObject | undefined} row
 * @returns {string | undefined} the id of the row that it comments on; undefined: it is not a comment
 */
function commentedId(row) {
  if (!isObject(row?.comment) || !isObject(row.origin)) return undefined;
  return typeof row.origin.id === 'string' ? row.origin.id : undefined;
}

/**
 * @template {import('./json').JsonObject} R
 * @param {R[]} rows
 * @returns {Map<string, R[]>} the comments among them, by the id of the row that they are about
 */
function commentsIn(rows) {
  /** @type {Map<string, R[]>} */
  const comments = new Map();
  for (const row of rows) {
    const id = commentedId(row);
    if (id === undefined) continue;
    const others = comments.get(id);
    if (others === undefined) comments.set(id, [row]);
    else others.push(row);
  }
  return comments;
}

/**
 * @param {import('./json').JsonObject} row one of a comment
 * @returns {string} its text; its JSON where that is not text
 */
function commentText({ comment }) {
  const text = isObject(comment) ? comment.text : undefined;
  return typeof text === 'string' ? text : (JSON.stringify(text ?? comment) ?? '');
}

module.exports = { commentText, commentedId, commentsIn };
