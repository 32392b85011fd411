'use strict';

// The text of inputs and outputs, for people: of messages in both formats, and of any other value. Never reads more of
// a value than it shows.

const { isObject } = require('../support/json');

/** The most parts of one value that are looked at. */
const MAX_PARTS = 200;

/** How Flue 0.x writes the input of a dispatch. Its head is short. */
const DISPATCH = /^\[Dispatch Input\]\nagent: (.*)\n[^]*?\n\ninput:\n/;
const MAX_HEAD = 2_000;

/**
 * The text of a value: the text of a message, of the last message of a list, or the JSON of anything else.
 *
 * @param {unknown} value
 * @param {number} most characters
 * @param {'user' | 'assistant'} role whose message is wanted of a list
 * @returns {string} empty when there is none
 */
function textOf(value, most, role) {
  return cut(withoutHead(messageText(value, most, role, 0)), most);
}

/**
 * The same in one line.
 *
 * @param {unknown} value
 * @param {number} most characters
 * @param {'user' | 'assistant'} role
 */
function lineOf(value, most, role) {
  // More than is shown, because blanks are joined.
  const text = withoutHead(messageText(value, most * 2, role, 0)).slice(0, most * 2);
  return cut(text.replaceAll(/\s+/g, ' ').trim(), most);
}

/**
 * @param {unknown} input
 * @returns {string | null} the agent that a dispatch of Flue 0.x names, whose events do not
 */
function dispatchedAgent(input) {
  if (typeof input !== 'string') return null;
  return DISPATCH.exec(input.slice(0, MAX_HEAD))?.[1] || null;
}

/** @param {string} text */
function withoutHead(text) {
  const head = DISPATCH.exec(text.slice(0, MAX_HEAD));
  if (head === null) return text;
  const input = text.slice(head[0].length);
  // A text is written as JSON.
  const isText = input.length < 100_000 && /^".*"$/.test(input);
  return isText ? parsed(input) : input;
}

/** @param {string} json */
function parsed(json) {
  try {
    return String(JSON.parse(json));
  } catch {
    return json;
  }
}

/**
 * @param {unknown} value
 * @param {number} most
 * @param {'user' | 'assistant'} role
 * @param {number} depth
 * @returns {string}
 */
function messageText(value, most, role, depth) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (depth < 8) {
    if (Array.isArray(value)) {
      const text = listText(value, most, role, depth + 1);
      if (text !== undefined) return text;
    } else if (isObject(value)) {
      for (const name of ['text', 'message', 'content', 'messages']) {
        const member = value[name];
        const isText = typeof member === 'string' && (name === 'text' || isMessage(value));
        if (isText || (typeof member === 'object' && member !== null && name !== 'text')) {
          return messageText(member, most, role, depth + 1);
        }
      }
      // A message without a text, such as one that only calls tools.
      if (isMessage(value)) return '';
    }
  }
  return jsonOf(value, most);
}

/**
 * @param {unknown[]} list messages, choices, or the parts of a message
 * @param {number} most
 * @param {'user' | 'assistant'} role
 * @param {number} depth
 * @returns {string | undefined} undefined: a list of something else
 */
function listText(list, most, role, depth) {
  const last = list.slice(-MAX_PARTS).filter(isObject);
  const messages = last.filter((one) => isMessage(one) || isObject(one.message));
  if (messages.length > 0) {
    const wanted = messages.findLast(({ role: given = role }) => given === role);
    return wanted === undefined ? '' : messageText(wanted, most, role, depth);
  }
  const parts = list.slice(0, MAX_PARTS).filter(isObject);
  if (!parts.some(({ type }) => typeof type === 'string')) return undefined;
  return parts
    .flatMap(({ type, text }) => (isTextType(type) && typeof text === 'string' ? text : []))
    .filter((text) => text !== '')
    .join('\n');
}

/** @param {unknown} type of a part */
function isTextType(type) {
  return typeof type === 'string' && type.includes('text');
}

/** @param {import('../support/json').JsonObject} value */
function isMessage(value) {
  return typeof value.role === 'string';
}

/**
 * The beginning of a value's JSON.
 *
 * @param {unknown} value
 * @param {number} most characters, about
 * @returns {string}
 */
function jsonOf(value, most) {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, most));
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  let text = '';
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    if (text.length > most) break;
    const member = jsonOf(/** @type {any} */ (value)[name], most - text.length);
    text += `${text === '' ? '' : ','}${isList ? '' : `${JSON.stringify(name.slice(0, most))}:`}${member}`;
  }
  return isList ? `[${text}]` : `{${text}}`;
}

/**
 * @param {string} text
 * @param {number} most
 * @returns {string} at most so many characters; what was cut ends with an ellipsis
 */
function cut(text, most) {
  if (text.length <= most) return text;
  // Not within a surrogate pair.
  return `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

module.exports = { cut, dispatchedAgent, lineOf, textOf };
