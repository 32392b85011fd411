'use strict';

// What a trace is about: who was asked what.

const { isObject } = require('../support/json');
const { printable } = require('./text');

/** The most characters of a question. */
const MAX_CHARACTERS = 400;
/** Members that may hold the text of an input, in order of preference. */
const TEXTS = ['text', 'prompt', 'message', 'question', 'body', 'content', 'input'];
/** How deep a text is looked for. */
const MAX_DEPTH = 4;

/**
 * @param {import('./types').Trace} trace
 * @returns {{ agent: string, question: string }} printable; empty where unknown, such as without content
 */
function headlineOf({ roots }) {
  const row = roots[0]?.row;
  const metadata = isObject(row?.metadata) ? row.metadata : {};
  const agent = metadata['flue.agent_name'] ?? metadata['flue.workflow_name'];
  return {
    agent: typeof agent === 'string' ? clean(agent) : '',
    question: clean(textOf(row?.input)),
  };
}

/** @param {string} text */
const clean = (text) => printable(text.slice(0, MAX_CHARACTERS)).replaceAll(/\s+/g, ' ');

/**
 * The text of an input: a string, that of its last message of a user, of a member that is named so, else its JSON.
 *
 * @param {unknown} input
 * @returns {string}
 */
function textOf(input) {
  return found(input, 0) ?? (isObject(input) || Array.isArray(input) ? JSON.stringify(input) : '');
}

/**
 * @param {unknown} value
 * @param {number} depth
 * @returns {string | undefined}
 */
function found(value, depth) {
  if (typeof value === 'string') return value;
  if (depth > MAX_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const asked = value.findLast((item) => isObject(item) && item.role === 'user');
    return found(asked ?? value.find((item) => isObject(item) && item.type === 'text'), depth + 1);
  }
  if (!isObject(value)) return undefined;
  for (const name of TEXTS) {
    const text = name in value ? found(value[name], depth + 1) : undefined;
    if (text !== undefined) return text;
  }
  return undefined;
}

module.exports = { headlineOf };
