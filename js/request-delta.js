'use strict';

// Reduces a request to what is new since its conversation's last one. A forgotten conversation costs one full
// capture.

const { ConversationMemory } = require('./conversation-memory.js');
const { FlatSnapshot } = require('./flat-snapshot.js');
const { SharedPrefix } = require('./shared-prefix.js');
const { toJsonSafe } = require('./json/stringify.js');

/**
 * The last `turn_request` of a conversation.
 * @typedef {object} History
 * @property {InstanceType<typeof FlatSnapshot>} messages
 * @property {InstanceType<typeof SharedPrefix>} shared
 * @property {InstanceType<typeof FlatSnapshot>} systemPrompt
 * @property {InstanceType<typeof FlatSnapshot>} tools
 */

/**
 * Keeps each conversation's last request, so that the next is sent as a delta. Every request repeats the whole
 * conversation; sending it in full each time costs the square of the number of turns.
 */
class RequestDeltas {
  /** @type {InstanceType<typeof ConversationMemory<History>>} */
  #histories;

  /** @param {ConstructorParameters<typeof ConversationMemory>[0]} [memory] */
  constructor(memory) {
    this.#histories = new ConversationMemory(memory);
  }

  /**
   * A `turn_request` with only what its conversation's last one did not have. The native part keeps the same
   * history and restores the full request. Undefined when the event must be sent in full: it may change after
   * this, belongs to no conversation, or there is no room to remember it. The delta and the snapshot are JSON-safe, so
   * that a comparison takes time in proportion to their size.
   * @param {any} event
   * @param {object} [owner] the recorder that records it, if there are several
   * @returns {object | undefined}
   */
  shorten(event, owner) {
    const { conversationId, purpose, request } = event;
    const input = request?.input;
    const messages = input?.messages;
    if (purpose !== 'agent' || typeof conversationId !== 'string') return undefined;
    if (!Array.isArray(messages) || !Object.isFrozen(messages)) return undefined;

    const histories = this.#histories;
    let history = histories.get(conversationId, owner);
    if (history === undefined && !histories.hasRoom()) return undefined;
    history ??= nothing();
    const kept = history.messages.countSame(messages, history.shared.count(messages));
    // V8 copies a part of a frozen list slowly.
    const fresh = [];
    for (let at = kept; at < messages.length; at++) fresh.push(toJsonSafe(messages[at]));
    history.messages.replaceFrom(kept, fresh);
    history.shared.replaceFrom(kept, messages);
    const systemPrompt = unlessKept(history.systemPrompt, input.systemPrompt);
    const tools = unlessKept(history.tools, input.tools);
    histories.set(conversationId, history, bytesOf(conversationId, history), owner);
    return {
      ...event,
      request: {
        ...request,
        input: {
          $history: { kept, systemPrompt: systemPrompt === KEPT, tools: tools === KEPT },
          messages: fresh,
          ...(systemPrompt !== KEPT && { systemPrompt }),
          ...(tools !== KEPT && { tools }),
        },
      },
    };
  }

  /**
   * Forgets a conversation: its next request is sent in full.
   * @param {unknown} conversationId
   * @param {object} [owner]
   */
  forget(conversationId, owner) {
    if (typeof conversationId === 'string') this.#histories.forget(conversationId, owner);
  }

  /**
   * Reports the conversations that were forgotten.
   * @param {(conversationId: string, owner?: any) => boolean} report whether it was reported; if not, it is reported
   *   later
   * @param {unknown} [except] a conversation that is reported later
   */
  reportForgotten(report, except) {
    this.#histories.reportForgotten(report, except);
  }
}

/** @returns {History} */
const nothing = () => ({
  messages: new FlatSnapshot(),
  shared: new SharedPrefix(),
  systemPrompt: new FlatSnapshot(),
  tools: new FlatSnapshot(),
});

/** The estimated bytes of an empty history. */
const EMPTY_BYTES = 1024;

/**
 * @param {string} conversationId
 * @param {History} history
 */
function bytesOf(conversationId, { messages, systemPrompt, tools }) {
  return EMPTY_BYTES + conversationId.length + messages.bytes + systemPrompt.bytes + tools.bytes;
}

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
