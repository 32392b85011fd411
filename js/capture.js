'use strict';

// Which events are handed over, and as what. Must not know what becomes of them.

const { callingTool, currentWork, noteOperation } = require('./context.js');
const { minimalEndEvent } = require('./minimal-end-event.js');
const { RequestDeltas } = require('./request-delta.js');
const { stringify } = require('./json/stringify.js');

/** The events that tell that a model has begun to answer. Each turn has one of them or thousands. */
const DELTAS = new Set([
  'text_delta',
  'thinking_start',
  'thinking_delta',
  'toolcall_delta',
  'message_update',
]);

/** The most turns that are awaited; one whose model never answers would be awaited for ever. */
const MAX_ASKED = 1024;

/** @typedef {{ type?: unknown, turnId?: unknown }} FlueEvent */

/** @typedef {import('../native.d.ts').Priority} Priority */

/**
 * Enqueues the text of an event; false when the queue refused it.
 * @typedef {(text: string, priority: Priority) => boolean} Record
 */

/** What the native part states about events. @typedef {Pick<typeof import('../native.d.ts'), 'Priority' | 'translatedKinds'>} Native */

/**
 * Decides which events are wanted, and writes them as text. Knows the events' kinds and nothing of what
 * becomes of them.
 */
class Capture {
  /** The priority of each kind that is translated. @type {ReadonlyMap<unknown, Priority>} */
  #priorities;
  #priority;
  /** The turns whose model has been asked and has not begun to answer. */
  #asked = new Set();
  #requestDeltas = new RequestDeltas();

  /** @param {Native} native */
  constructor({ Priority, translatedKinds }) {
    this.#priorities = new Map(Object.entries(translatedKinds()));
    this.#priority = Priority;
  }

  /**
   * Whether the event says something of a span. For most events this is all that is done.
   * @param {unknown} event
   */
  wants(event) {
    const { type, turnId } = /** @type {FlueEvent} */ (event ?? {});
    if (DELTAS.has(/** @type {string} */ (type))) return this.#asked.has(turnId);
    return this.#priorities.has(type);
  }

  /**
   * Hands the wanted event over as JSON text.
   * @param {any} event an object or a function
   * @param {Record} record
   */
  take(event, record) {
    const { type, turnId, timestamp } = event;
    const { Start, Continuation, MinimalEnd } = this.#priority;
    if (DELTAS.has(type)) {
      this.#asked.delete(turnId);
      record(stringify({ type: 'first_delta', turnId, timestamp }), Start);
    } else if (type === 'turn_request') {
      this.#await(turnId);
      this.#takeRequest(event, record);
    } else if (type === 'operation_start') {
      noteOperation(event);
      record(withCaller(stringify(event)), Start);
    } else if (type === 'run_start') {
      record(withCaller(stringify(event)), Start);
    } else if (this.#priorities.get(type) === Start) {
      record(stringify(event), Start);
    } else {
      if (type === 'turn') this.#asked.delete(turnId);
      const told = type === 'tool' ? withoutRepetition(event) : event;
      if (!record(stringify(told), Continuation)) record(minimalEndText(event), MinimalEnd);
    }
  }

  /** @param {unknown} turnId */
  #await(turnId) {
    this.#asked.add(turnId);
    if (this.#asked.size > MAX_ASKED) this.#asked.delete(this.#asked.values().next().value);
  }

  /**
   * @param {any} event
   * @param {Record} record
   */
  #takeRequest(event, record) {
    const { Start, Note } = this.#priority;
    const text = this.#shortened(event);
    if (text === undefined) record(stringify(event), Start);
    // What was refused the native part does not remember.
    else if (!record(text, Start)) this.#requestDeltas.forget(conversationOf(event));
    for (const conversationId of this.#requestDeltas.forgetIdle()) {
      record(JSON.stringify({ type: 'history_forgotten', conversationId }), Note);
    }
  }

  /**
   * The request by what is new in it; undefined when it must be told in full.
   * @param {any} event
   */
  #shortened(event) {
    try {
      const shortened = this.#requestDeltas.shorten(event);
      return shortened && JSON.stringify(shortened);
    } catch {
      // What cannot be read: the whole event is written with marks.
      this.#requestDeltas.forget(conversationOf(event));
      return undefined;
    }
  }
}

/**
 * The conversation by which the event is remembered, if any.
 * @param {any} event
 */
function conversationOf(event) {
  try {
    return event.conversationId;
  } catch {
    return undefined;
  }
}

/** @param {any} event */
function minimalEndText(event) {
  try {
    return JSON.stringify(minimalEndEvent(event));
  } catch {
    // What cannot be read has marks in the event's text, which can.
    return JSON.stringify(minimalEndEvent(JSON.parse(stringify(event))));
  }
}

/**
 * A tool's end without what it says twice or three times: the plain value stands for its wrappings.
 * @param {any} event
 */
function withoutRepetition(event) {
  try {
    if (event.effectiveResult === undefined || !Object.isFrozen(event)) return event;
    const exitCode = event.result?.details?.exitCode;
    return { ...event, result: exitCode === undefined ? undefined : { details: { exitCode } } };
  } catch {
    // It is written with marks where it cannot be read.
    return event;
  }
}

/**
 * Adds what called the run or the operation, where the async context tells: the tool call, the application's own
 * span, and another program.
 * @param {string} text an object's JSON
 */
function withCaller(text) {
  const { span, root } = currentWork() ?? {};
  const members = [
    member('callingTool', callingTool()),
    span === undefined ? '' : `,"callingSpan":"${span.id}"`,
    member('traceCarrier', root?.carrier),
  ];
  const added = members.join('');
  return added === '' ? text : `${text.slice(0, -1)}${added}}`;
}

/**
 * @param {string} name
 * @param {object | undefined} value
 */
function member(name, value) {
  return value === undefined ? '' : `,"${name}":${stringify(value)}`;
}

module.exports = { Capture };
