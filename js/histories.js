'use strict';

const { RememberedMessages, isSame } = require('./remembered-messages.js');
const { toPlain } = require('./stringify.js');

/** The most conversations whose last request is remembered. */
const MAX_CONVERSATIONS = 64;
/** A conversation that was idle for so long is forgotten, in milliseconds. */
const IDLE_MS = 10 * 60_000;

/**
 * What a conversation's last `turn_request` said. The event is frozen, so it may be kept.
 * @typedef {object} History
 * @property {InstanceType<typeof RememberedMessages>} messages
 * @property {unknown} systemPrompt
 * @property {unknown} tools
 * @property {number} at when it was said
 */

/**
 * Remembers each conversation's last request, so that the next is told by what is new in it. Every
 * request repeats the whole conversation; telling it whole each time costs the square of the turns.
 */
class Histories {
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

    const before = this.#histories.get(conversationId);
    const remembered = before?.messages ?? new RememberedMessages();
    const kept = remembered.countSame(messages);
    const fresh = messages.slice(kept).map(toPlain);
    remembered.replaceFrom(kept, fresh);

    const isPromptKept = before !== undefined && isSame(before.systemPrompt, input.systemPrompt);
    const areToolsKept = before !== undefined && isSame(before.tools, input.tools);
    const systemPrompt = isPromptKept ? before.systemPrompt : toPlain(input.systemPrompt);
    const tools = areToolsKept ? before.tools : toPlain(input.tools);
    // Behind those that were idle for longer.
    this.#histories.delete(conversationId);
    const at = performance.now();
    this.#histories.set(conversationId, { messages: remembered, systemPrompt, tools, at });
    return {
      ...event,
      request: {
        ...request,
        input: {
          history: { kept, systemPrompt: isPromptKept, tools: areToolsKept },
          messages: fresh,
          ...(!isPromptKept && { systemPrompt }),
          ...(!areToolsKept && { tools }),
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

module.exports = { Histories };
