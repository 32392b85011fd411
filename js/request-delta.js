'use strict';

// Reduces a request to what is new since its conversation's last one. A forgotten conversation costs one full
// capture.

const { FlatSnapshot } = require('./flat-snapshot.js');
const { toJsonSafe } = require('./json/stringify.js');

/** The most conversations whose last request is kept. */
const MAX_CONVERSATIONS = 64;
/** How long an idle conversation is kept, in milliseconds. */
const IDLE_MS = 10 * 60_000;

/**
 * The last `turn_request` of a conversation.
 * @typedef {object} History
 * @property {InstanceType<typeof FlatSnapshot>} messages
 * @property {InstanceType<typeof FlatSnapshot>} systemPrompt
 * @property {InstanceType<typeof FlatSnapshot>} tools
 * @property {number} at when it was recorded, by `performance.now()`
 */

/**
 * Keeps each conversation's last request, so that the next is sent as a delta. Every request repeats the whole
 * conversation; sending it in full each time costs the square of the number of turns.
 */
class RequestDeltas {
  /** By conversation, the one that was idle longest first. @type {Map<string, History>} */
  #histories = new Map();

  /**
   * A `turn_request` with only what its conversation's last one did not have. The native part keeps the same
   * history and restores the full request. Undefined when the event must be sent in full: it may change after
   * this, or belongs to no conversation. The delta and the snapshot are JSON-safe, so that a comparison takes time
   * in proportion to their size.
   * @param {any} event
   * @returns {object | undefined}
   */
  shorten(event) {
    const { conversationId, purpose, request } = event;
    const input = request?.input;
    const messages = input?.messages;
    if (purpose !== 'agent' || typeof conversationId !== 'string') return undefined;
    if (!Array.isArray(messages) || !Object.isFrozen(messages)) return undefined;

    const history = this.#histories.get(conversationId) ?? nothing();
    const kept = history.messages.countSame(messages);
    const fresh = messages.slice(kept).map(toJsonSafe);
    history.messages.replaceFrom(kept, fresh);
    const systemPrompt = unlessKept(history.systemPrompt, input.systemPrompt);
    const tools = unlessKept(history.tools, input.tools);
    // Moves it behind those that were idle for longer.
    this.#histories.delete(conversationId);
    this.#histories.set(conversationId, { ...history, at: performance.now() });
    return {
      ...event,
      request: {
        ...request,
        input: {
          history: { kept, systemPrompt: systemPrompt === KEPT, tools: tools === KEPT },
          messages: fresh,
          ...(systemPrompt !== KEPT && { systemPrompt }),
          ...(tools !== KEPT && { tools }),
        },
      },
    };
  }

  /** Forgets a conversation: its next request is sent in full. @param {any} conversationId */
  forget(conversationId) {
    this.#histories.delete(conversationId);
  }

  /**
   * Forgets idle conversations, and the idlest when there are too many.
   * @returns {string[]} the ids of the forgotten conversations
   */
  forgetIdle() {
    const forgotten = [];
    const oldest = performance.now() - IDLE_MS;
    for (const [conversationId, { at }] of this.#histories) {
      if (at > oldest && this.#histories.size <= MAX_CONVERSATIONS) break;
      this.#histories.delete(conversationId);
      forgotten.push(conversationId);
    }
    return forgotten;
  }
}

/** @returns {History} */
const nothing = () => ({
  messages: new FlatSnapshot(),
  systemPrompt: new FlatSnapshot(),
  tools: new FlatSnapshot(),
  at: 0,
});

/** Stands for a value that the last request had as well. */
const KEPT = Symbol('kept');

/**
 * @param {InstanceType<typeof FlatSnapshot>} remembered a single value
 * @param {unknown} value
 */
function unlessKept(remembered, value) {
  if (remembered.countSame([value]) === 1) return KEPT;
  const plain = toJsonSafe(value);
  remembered.replaceFrom(0, [plain]);
  return plain;
}

module.exports = { RequestDeltas };
