'use strict';

const { callingTool } = require('./context.js');
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
   * The wanted event as JSON text.
   * @param {unknown} event
   * @returns {string}
   */
  text(event) {
    const { type, turnId, timestamp } = /** @type {FlueEvent} */ (event);
    if (DELTAS.has(/** @type {string} */ (type))) {
      this.#asked.delete(turnId);
      return JSON.stringify({ type: 'first_delta', turnId, timestamp });
    }
    if (type === 'turn_request') this.#asked.add(turnId);
    else if (type === 'turn') this.#asked.delete(turnId);
    else if (type === 'operation_start') return withCaller(stringify(event));
    return stringify(event);
  }
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
