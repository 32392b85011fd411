'use strict';

/** The members that Flue's messages have, by its types. */
const MESSAGE = new Set(['role', 'content', 'toolCallId', 'toolName', 'isError']);
/** The members that the parts of their contents have. */
const PART = new Set([
  'type',
  'text',
  'textSignature',
  'thinking',
  'thinkingSignature',
  'redacted',
  'id',
  'name',
  'arguments',
  'thoughtSignature',
  'data',
  'mimeType',
]);

/**
 * @typedef {{ [member: string]: any }} Message a message of a `turn_request`
 */

/**
 * Whether a message has only the members that {@link isSameMessage} compares. Others must be compared
 * by {@link isSame}.
 * @param {Message} message
 */
function isKnown(message) {
  if (typeof message !== 'object' || message === null) return false;
  const { content } = message;
  return (
    Object.keys(message).every((key) => MESSAGE.has(key)) &&
    (typeof content === 'string' ||
      (Array.isArray(content) &&
        content.every(
          (part) =>
            typeof part === 'object' &&
            part !== null &&
            Object.keys(part).every((key) => PART.has(key)),
        )))
  );
}

/**
 * Whether two known messages are equal. Written out member by member: this runs for every message of the
 * conversation at every turn. Strings of an earlier event are the very same, so comparing costs nothing.
 * @param {Message} a
 * @param {Message} b
 */
function isSameMessage(a, b) {
  if (
    a.role !== b.role ||
    a.toolCallId !== b.toolCallId ||
    a.toolName !== b.toolName ||
    a.isError !== b.isError
  ) {
    return false;
  }
  const before = a.content;
  const now = b.content;
  if (before === now) return true;
  if (!Array.isArray(before) || !Array.isArray(now) || before.length !== now.length) return false;
  for (let part = 0; part < before.length; part++) {
    if (!isSamePart(before[part], now[part])) return false;
  }
  return true;
}

/**
 * @param {Message} a
 * @param {Message} b
 */
function isSamePart(a, b) {
  return (
    a.type === b?.type &&
    a.text === b.text &&
    a.thinking === b.thinking &&
    a.id === b.id &&
    a.name === b.name &&
    a.textSignature === b.textSignature &&
    a.thinkingSignature === b.thinkingSignature &&
    a.thoughtSignature === b.thoughtSignature &&
    a.redacted === b.redacted &&
    a.mimeType === b.mimeType &&
    a.data === b.data &&
    isSame(a.arguments, b.arguments)
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

module.exports = { isKnown, isSame, isSameMessage };
