'use strict';

// The messages that one request has by reference from the previous one. They need no comparison.

/**
 * The messages of a request, if the application passes the same objects again with the next request. Flue 2.x
 * clones every event; then only the first message is kept.
 */
class SharedPrefix {
  /** The messages by their place; undefined in place of one that may change. @type {unknown[]} */
  #messages = [];
  /** The first message of the latest request. @type {unknown} */
  #first;
  /** Whether the latest request has the first message of the one before by reference. */
  #isShared = false;
  /** How many messages were counted. */
  #counted = 0;

  /**
   * How many messages from the first on are the same objects, and cannot have changed.
   * @param {readonly unknown[]} messages
   */
  count(messages) {
    const [first] = messages;
    this.#isShared = typeof first === 'object' && first !== null && first === this.#first;
    this.#first = first;
    if (!this.#isShared) this.#messages = [];
    const known = this.#messages;
    const most = Math.min(known.length, messages.length);
    let same = 0;
    while (same < most && known[same] === messages[same] && known[same] !== undefined) same++;
    this.#counted = same;
    return same;
  }

  /**
   * Keeps the messages of the request that was counted. The first `kept` are equal to those of the previous one.
   * @param {number} kept
   * @param {readonly unknown[]} messages
   */
  replaceFrom(kept, messages) {
    if (!this.#isShared) return;
    const known = this.#messages;
    known.length = Math.min(known.length, kept);
    for (let at = this.#counted; at < messages.length; at++) {
      const message = messages[at];
      const isKnown = at < known.length && (known[at] === undefined || known[at] === message);
      if (!isKnown) known[at] = isConstant(message) ? message : undefined;
    }
  }
}

/** What objects without a state of their own inherit from; a frozen date may change. @type {Set<unknown>} */
const PLAIN = new Set([Object.prototype, Array.prototype, null]);

/**
 * Whether a value is deeply frozen and has no accessors.
 * @param {unknown} value at most as deep as JSON-safe values
 * @returns {boolean}
 */
function isConstant(value) {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function';
  if (!Object.isFrozen(value) || !PLAIN.has(Object.getPrototypeOf(value))) return false;
  const members = Object.values(Object.getOwnPropertyDescriptors(value));
  return members.every((member) => 'value' in member && isConstant(member.value));
}

module.exports = { SharedPrefix };
