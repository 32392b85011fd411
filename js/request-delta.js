'use strict';

// What each conversation's last request said, so that the next is told by what is new. Forgetting costs a full
// capture and nothing else.

const { FlatSnapshot } = require('./flat-snapshot.js');
const { toJsonSafe } = require('./json/stringify.js');

/** The most conversations whose last request is remembered. */
const MAX_CONVERSATIONS = 64;
/** A conversation that was idle for so long is forgotten, in milliseconds. */
const IDLE_MS = 10 * 60_000;

/**
 * What a conversation's last `turn_request` said.
 * @typedef {object} History
 * @property {InstanceType<typeof FlatSnapshot>} messages
 * @property {InstanceType<typeof FlatSnapshot>} systemPrompt
 * @property {InstanceType<typeof FlatSnapshot>} tools
 * @property {number} at when it was said
 */

/**
 * Remembers each conversation's last request, so that the next is told by what is new in it. Every
 * request repeats the whole conversation; telling it whole each time costs the square of the turns.
 */
class RequestDeltas {
  /** By conversation, the one that was idle longest first. @type {Map<string, History>} */
  #histories = new Map();

  /**
   * A `turn_request` that says only what its conversation's last one did not. The native part, which
   * remembers the same, puts the whole together again. Undefined when the event must be told as it is:
   * it may change after this, or belongs to no conversation. All that it tells and remembers is plain, so
   * that comparing it with whatever comes next takes no longer than it is large.
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
    // Behind those that were idle for longer.
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

  /** The conversation's next request is told in full. @param {any} conversationId */
  forget(conversationId) {
    this.#histories.delete(conversationId);
  }

  /**
   * Forgets the conversations that were idle for long, and the idlest where there are too many.
   * @returns {string[]} those that were forgotten
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

/** Stands for a value that the last request had, too. */
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
