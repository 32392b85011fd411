'use strict';

/**
 * @typedef {{ [member: string]: any }} Message a message of a `turn_request`
 * @typedef {{ [member: string]: any }} Part a part of a message's content
 */

/** The members of a message by its role, besides `role` and `content`, by Flue's types. */
const MESSAGE_MEMBERS = new Map([
  ['user', new Set()],
  ['assistant', new Set()],
  ['toolResult', new Set(['toolCallId', 'toolName', 'isError'])],
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
 * For a message: `role, toolCallId, toolName, isError`, then the text, or the number of parts and for each
 * part its `type` and the members of {@link PART_MEMBERS}. A message with any other member is kept and
 * compared as it is. That a message without such a member cannot gain one later is taken for granted.
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
    const most = Math.min(this.#ends.length, messages.length);
    let at = 0;
    for (let same = 0; same < most; same++) {
      at = this.#compare(at, messages[same]);
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
      this.#append(message);
      this.#ends.push(this.#values.length);
    }
  }

  /** @param {any} message */
  #append(message) {
    const values = this.#values;
    if (!isKnown(message)) {
      values.push(OTHER, message);
      return;
    }
    const { role, content } = message;
    values.push(role, message.toolCallId, message.toolName, message.isError);
    if (typeof content === 'string') {
      values.push(content);
      return;
    }
    values.push(content.length);
    for (const part of content) {
      values.push(part.type);
      for (const member of PART_MEMBERS.get(part.type) ?? []) values.push(part[member]);
    }
  }

  /**
   * Whether the message that is kept at a place is the same; gives the place behind it, else -1.
   * @param {number} at
   * @param {any} message
   */
  #compare(at, message) {
    const values = this.#values;
    const role = values[at];
    if (role === OTHER) return isSame(values[at + 1], message) ? at + 2 : -1;
    if (
      message?.role !== role ||
      message.toolCallId !== values[at + 1] ||
      message.toolName !== values[at + 2] ||
      message.isError !== values[at + 3]
    ) {
      return -1;
    }
    const { content } = message;
    const text = values[at + 4];
    let next = at + 5;
    if (typeof text === 'string') return content === text ? next : -1;
    if (!Array.isArray(content) || content.length !== text) return -1;
    for (let part = 0; part < content.length; part++) {
      next = this.#comparePart(next, content[part]);
      if (next < 0) return -1;
    }
    return next;
  }

  /**
   * @param {number} at
   * @param {any} part
   */
  #comparePart(at, part) {
    const values = this.#values;
    const type = values[at];
    if (part?.type !== type) return -1;
    switch (type) {
      case 'text':
        return part.text === values[at + 1] && part.textSignature === values[at + 2] ? at + 3 : -1;
      case 'thinking':
        return part.thinking === values[at + 1] &&
          part.thinkingSignature === values[at + 2] &&
          part.redacted === values[at + 3]
          ? at + 4
          : -1;
      case 'toolCall':
        return part.id === values[at + 1] &&
          part.name === values[at + 2] &&
          part.thoughtSignature === values[at + 3] &&
          isSame(values[at + 4], part.arguments)
          ? at + 5
          : -1;
      default:
        return part.data === values[at + 1] && part.mimeType === values[at + 2] ? at + 3 : -1;
    }
  }
}

/**
 * Whether a message has no other members than those that are compared one by one.
 * @param {any} message
 */
function isKnown(message) {
  const members = MESSAGE_MEMBERS.get(message?.role);
  if (members === undefined) return false;
  for (const key of Object.keys(message)) {
    if (key !== 'role' && key !== 'content' && !members.has(key)) return false;
  }
  const { content } = message;
  return typeof content === 'string' || (Array.isArray(content) && content.every(isKnownPart));
}

/** @param {any} part */
function isKnownPart(part) {
  const members = PART_MEMBERS.get(part?.type);
  return (
    members !== undefined &&
    Object.keys(part).every((key) => key === 'type' || members.includes(key))
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
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  let members = 0;
  for (const key in a) {
    if (!isSame(a[key], b[key])) return false;
    members += 1;
  }
  for (const _ in b) members -= 1;
  return members === 0;
}

module.exports = { RememberedMessages, isSame };
