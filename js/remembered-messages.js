'use strict';

/**
 * @typedef {{ [member: string]: any }} Message a message of a `turn_request`
 * @typedef {{ [member: string]: any }} Part a part of a message's content
 */

/** The members of a message by its role, by Flue's types. */
const MESSAGE_MEMBERS = new Map([
  ['user', ['role', 'content']],
  ['assistant', ['role', 'content']],
  ['toolResult', ['role', 'content', 'toolCallId', 'toolName', 'isError']],
]);

/** The members of a part by its type, besides `type`, by Flue's types. */
const PART_MEMBERS = new Map([
  ['text', ['text', 'textSignature']],
  ['thinking', ['thinking', 'thinkingSignature', 'redacted']],
  ['toolCall', ['id', 'name', 'thoughtSignature', 'arguments']],
  ['image', ['data', 'mimeType']],
]);

/** Stands before a message that has other members than those: it is kept and compared as it is. */
const OTHER = Symbol('other');

/**
 * The messages of a conversation's last request, to be compared with those of the next. Kept as a flat
 * list of their values: comparing runs through the whole conversation at every turn, and is fastest when
 * one side lies in a row. Strings that came with an earlier event are the very same, so that seeing that
 * they are equal costs nothing.
 *
 * For a message: `role`, how many members it has, of a tool's result `toolCallId, toolName, isError`, then
 * the text, or the number of parts and for each part its `type`, how many members it has, and those of
 * {@link PART_MEMBERS}. What has as many members, and the same ones, has no other; those that are undefined
 * do not count. A message with any other member is kept and compared as it is.
 */
class RememberedMessages {
  /** @type {unknown[]} */
  #values = [];
  /** Where in the values each message ends. @type {number[]} */
  #ends = [];

  /**
   * How many messages from the first on are the same.
   * @param {readonly any[]} messages
   */
  countSame(messages) {
    const values = this.#values;
    const most = Math.min(this.#ends.length, messages.length);
    let at = 0;
    for (let same = 0; same < most; same++) {
      at = compareMessage(values, at, messages[same]);
      if (at < 0) return same;
    }
    return most;
  }

  /**
   * Keeps the first messages, forgets those behind them, and adds others.
   * @param {number} kept
   * @param {readonly any[]} added
   */
  replaceFrom(kept, added) {
    this.#ends.length = kept;
    this.#values.length = this.#ends[kept - 1] ?? 0;
    for (const message of added) {
      appendMessage(this.#values, message);
      this.#ends.push(this.#values.length);
    }
  }
}

/**
 * @param {unknown[]} values
 * @param {any} message
 */
function appendMessage(values, message) {
  if (!isKnown(message)) {
    values.push(OTHER, message);
    return;
  }
  const { role, content } = message;
  values.push(role, countMembers(message));
  if (role === 'toolResult') values.push(message.toolCallId, message.toolName, message.isError);
  if (typeof content === 'string') {
    values.push(content);
    return;
  }
  values.push(content.length);
  for (const part of content) {
    values.push(part.type, countMembers(part));
    for (const member of PART_MEMBERS.get(part.type) ?? []) values.push(part[member]);
  }
}

/**
 * Whether the message that is kept at a place is the same; gives the place behind it, else -1.
 * @param {unknown[]} values
 * @param {number} at
 * @param {any} message
 */
function compareMessage(values, at, message) {
  const role = values[at];
  if (role === OTHER) return isSame(values[at + 1], message) ? at + 2 : -1;
  if (message?.role !== role || countMembers(message) !== values[at + 1]) return -1;
  at += 2;
  if (role === 'toolResult') {
    if (
      message.toolCallId !== values[at] ||
      message.toolName !== values[at + 1] ||
      message.isError !== values[at + 2]
    ) {
      return -1;
    }
    at += 3;
  }
  const { content } = message;
  const text = values[at++];
  if (typeof text === 'string') return content === text ? at : -1;
  if (!Array.isArray(content) || content.length !== text) return -1;
  for (let part = 0; part < content.length; part++) {
    at = comparePart(values, at, content[part]);
    if (at < 0) return -1;
  }
  return at;
}

/**
 * @param {unknown[]} values
 * @param {number} at
 * @param {any} part
 */
function comparePart(values, at, part) {
  const type = values[at];
  if (part?.type !== type || countMembers(part) !== values[at + 1]) return -1;
  at += 2;
  switch (type) {
    case 'text':
      return part.text === values[at] && part.textSignature === values[at + 1] ? at + 2 : -1;
    case 'thinking':
      return part.thinking === values[at] &&
        part.thinkingSignature === values[at + 1] &&
        part.redacted === values[at + 2]
        ? at + 3
        : -1;
    case 'toolCall':
      return part.id === values[at] &&
        part.name === values[at + 1] &&
        part.thoughtSignature === values[at + 2] &&
        isSame(values[at + 3], part.arguments)
        ? at + 4
        : -1;
    default:
      return part.data === values[at] && part.mimeType === values[at + 1] ? at + 2 : -1;
  }
}

/**
 * How many members are in the JSON of an object. Counted in a loop: a list of the names would be made anew
 * for each object.
 * @param {any} object
 */
function countMembers(object) {
  let members = 0;
  for (const key in object) if (object[key] !== undefined) members += 1;
  return members;
}

/**
 * Whether a message has no other members than those that are compared one by one.
 * @param {any} message
 */
function isKnown(message) {
  const members = MESSAGE_MEMBERS.get(message?.role);
  if (members === undefined || !hasOnly(message, members)) return false;
  const { content } = message;
  return typeof content === 'string' || (Array.isArray(content) && content.every(isKnownPart));
}

/** @param {any} part */
function isKnownPart(part) {
  const members = PART_MEMBERS.get(part?.type);
  return members !== undefined && hasOnly(part, members, 'type');
}

/**
 * @param {any} object
 * @param {readonly string[]} members
 * @param {string} [other] one more
 */
function hasOnly(object, members, other) {
  return Object.keys(object).every(
    (key) => key === other || members.includes(key) || object[key] === undefined,
  );
}

/**
 * Whether two values are the same JSON.
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
function isSame(a, b) {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const isList = Array.isArray(a);
  if (isList !== Array.isArray(b) || (isList && a.length !== b.length)) return false;
  let members = 0;
  for (const key in a) {
    if (!isSame(a[key], b[key])) return false;
    if (a[key] !== undefined) members += 1;
  }
  return countMembers(b) === members;
}

module.exports = { RememberedMessages, isSame };
