'use strict';

// Which events are handed over, and as what. Must not know what becomes of them.

const { callingTool, currentWork, noteOperation } = require('./context.js');
const { essentials } = require('./essentials.js');
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

/**
 * How an event is handed over: what begins a span may be refused, what goes on or ends one only where it
 * brings content, and its essentials never.
 */
const STAGE = Object.freeze({ BEGINS: 0, GOES_ON: 1, ESSENTIALS: 2, NOTE: 3 });

/** The events without which no span would be told wrongly or remain open. */
const BEGINNINGS = new Set([
  'run_start',
  'operation_start',
  'turn_request',
  'tool_start',
  'task_start',
  'compaction_start',
  'submission_queued',
  'submission_running',
  'log',
]);

/** The most turns that are awaited; one whose model never answers would be awaited for ever. */
const MAX_ASKED = 1024;

/** @typedef {{ type?: unknown, turnId?: unknown }} FlueEvent */

/**
 * Takes a text with its stage; tells whether there was room for it.
 * @typedef {(text: string, stage: number) => boolean} Record
 */

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
   * @param {any} event an object or a function
   * @param {Record} record
   */
  take(event, record) {
    const { type, turnId, timestamp } = event;
    if (DELTAS.has(type)) {
      this.#asked.delete(turnId);
      record(stringify({ type: 'first_delta', turnId, timestamp }), STAGE.BEGINS);
    } else if (type === 'turn_request') {
      this.#await(turnId);
      this.#takeRequest(event, record);
    } else if (type === 'operation_start') {
      noteOperation(event);
      record(withCaller(stringify(event)), STAGE.BEGINS);
    } else if (type === 'run_start') {
      record(withCaller(stringify(event)), STAGE.BEGINS);
    } else if (BEGINNINGS.has(type)) {
      record(stringify(event), STAGE.BEGINS);
    } else {
      if (type === 'turn') this.#asked.delete(turnId);
      const told = type === 'tool' ? withoutRepetition(event) : event;
      if (!record(stringify(told), STAGE.GOES_ON)) record(essentialText(event), STAGE.ESSENTIALS);
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
    const text = this.#shortened(event);
    if (text === undefined) record(stringify(event), STAGE.BEGINS);
    // What was refused the native part does not remember.
    else if (!record(text, STAGE.BEGINS)) this.#histories.forget(conversationOf(event));
    for (const conversationId of this.#histories.forgetIdle()) {
      record(JSON.stringify({ type: 'history_forgotten', conversationId }), STAGE.NOTE);
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
      // What cannot be read: the whole event is written with marks.
      this.#histories.forget(conversationOf(event));
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
function essentialText(event) {
  try {
    return JSON.stringify(essentials(event));
  } catch {
    // What cannot be read has marks in the event's text, which can.
    return JSON.stringify(essentials(JSON.parse(stringify(event))));
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

module.exports = { Capture, STAGE };
