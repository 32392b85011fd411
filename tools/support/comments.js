'use strict';

// Comments: feedback that has a row of its own, which names the row that it is about.

const { isObject } = require('../support/json');

/**
 * @param {import('./types').JsonObject | undefined} row
 * @returns {string | undefined} the id of the row that it comments on; undefined: it is no comment
 */
function commentedId(row) {
  if (!isObject(row?.comment) || !isObject(row.origin)) return undefined;
  return typeof row.origin.id === 'string' ? row.origin.id : undefined;
}

/**
 * @param {import('./types').Row[]} rows
 * @returns {Map<string, import('./types').Row[]>} the comments among them, by the id of the row that they are about
 */
function commentsIn(rows) {
  /** @type {Map<string, import('./types').Row[]>} */
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

module.exports = { commentedId, commentsIn };
