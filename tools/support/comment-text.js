'use strict';

// The text of a comment. The viewer's page bundles this file, too: it uses nothing of Node.

const { isObject } = require('./json');

/**
 * @param {import('./json').JsonObject} row one of a comment
 * @returns {string} what it says; its JSON where that is no text
 */
function commentText({ comment }) {
  const text = isObject(comment) ? comment.text : undefined;
  return typeof text === 'string' ? text : (JSON.stringify(text ?? comment) ?? '');
}

module.exports = { commentText };
