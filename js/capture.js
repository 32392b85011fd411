'use strict';

const { callingTool } = require('./context.js');
const { Histories } = require('./histories.js');
const { stringify } = require('./stringify.js');

/** The events that tell that a model has begun to answer. Each turn has one of them or thousands. */
const DELTAS = new Set([
  'text_delta',
  'thinking_start',
  'thinking_delta',
  'toolcall_delta',
  'message_update',
]);

/** @typedef {{ type?: unknown, turnId?: unknown, timestamp?: unknown }} FlueEvent */

/**
 * Decides which events are wanted, and writes them as text. Knows the events' kinds and nothing of what
 * becomes of them.
 */
class Capture {
  /** @type {ReadonlySet<unknown>} */
  #kinds;
  /** The turns whose model has been asked and has not begun to answer. */
  #asked = new Set();
  #histories = new Histories();

  /** @param {readonly string[]} kinds the kinds that the native part translates */
  constructor(kinds) {
    this.#kinds = new Set(kinds);
  }

  /**
   * Whether the event says something of a span. For most events this is all that is done.
   * @param {unknown} event
   */
  wants(event) {
    const { type, turnId } = /** @type {FlueEvent} */ (event ?? {});
    if (DELTAS.has(/** @type {string} */ (type))) return this.#asked.has(turnId);
    return this.#kinds.has(type);
  }

  /**
   * Hands the wanted event over as JSON text.
   * @param {unknown} event
   * @param {(text: string) => boolean} record whether it was taken
   */
  take(event, record) {
    const { type, turnId, timestamp } = /** @type {FlueEvent} */ (event);
    if (DELTAS.has(/** @type {string} */ (type))) {
      this.#asked.delete(turnId);
      record(JSON.stringify({ type: 'first_delta', turnId, timestamp }));
    } else if (type === 'turn_request') {
      this.#asked.add(turnId);
      this.#takeRequest(event, record);
    } else if (type === 'operation_start') {
      record(withCaller(stringify(event)));
    } else if (type === 'tool') {
      record(stringify(withoutRepetition(event)));
    } else {
      if (type === 'turn') this.#asked.delete(turnId);
      record(stringify(event));
    }
  }

  /**
   * @param {any} event
   * @param {(text: string) => boolean} record
   */
  #takeRequest(event, record) {
    const text = this.#shortened(event);
    if (text === undefined) record(stringify(event));
    // What was refused the native part does not remember.
    else if (!record(text)) this.#histories.forget(event.conversationId);
    for (const conversationId of this.#histories.forgetIdle()) {
      record(JSON.stringify({ type: 'history_forgotten', conversationId }));
    }
  }

  /**
   * The request by what is new in it; undefined when it must be told in full.
   * @param {any} event
   */
  #shortened(event) {
    try {
      const shortened = this.#histories.shorten(event);
      return shortened && JSON.stringify(shortened);
    } catch {
      // No plain JSON: the whole event is written with marks for what cannot be.
      this.#histories.forget(event.conversationId);
      return undefined;
    }
  }
}

/**
 * A tool's end without what it says twice or three times: the plain value stands for its wrappings.
 * @param {any} event
 */
function withoutRepetition(event) {
  if (event.effectiveResult === undefined || !Object.isFrozen(event)) return event;
  const exitCode = event.result?.details?.exitCode;
  return { ...event, result: exitCode === undefined ? undefined : { details: { exitCode } } };
}

/**
 * Adds the tool call that called the operation, where the async context tells.
 * @param {string} text an object's JSON
 */
function withCaller(text) {
  const caller = callingTool();
  return caller === undefined
    ? text
    : `${text.slice(0, -1)},"callingTool":${JSON.stringify(caller)}}`;
}

module.exports = { Capture };
