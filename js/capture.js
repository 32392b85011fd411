'use strict';

// Selects the events to translate and writes them as text. Knows nothing of translation and delivery.

const { isRunStart, isWithin, withCaller, withNamedCaller } = require('./caller-members.js');
const { currentWork, isCall, noteOperation } = require('./context.js');
const { dropOldest } = require('./drop-oldest.js');
const { reportsUsage, usageText } = require('./message-usage.js');
const { endText, member, minimalEndText, requestText, withMembers } = require('./event-text.js');
const { RequestDeltas } = require('./request-delta.js');
const { JSON } = require('./json/own-json.js');
const { stringify } = require('./json/stringify.js');
const { STAGES } = require('./routes.js');
const { wallMs } = require('./wall-clock.js');

const isText = (/** @type {unknown} */ value) => typeof value === 'string' && value !== '';

/**
 * The events that stream a model's response, and whether one carries text, thinking or a tool call: the first that
 * does is the turn's first token. The start of thinking carries none: hidden reasoning has nothing but that.
 * @type {[type: unknown, isFirstToken: (event: any) => boolean][]}
 */
const TOKENS = [
  ['text_delta', ({ text }) => isText(text)],
  ['thinking_delta', ({ delta }) => isText(delta)],
  // It names the tool even without arguments.
  ['toolcall_delta', () => true],
  ['message_update', ({ assistantMessageEvent }) => isToken(assistantMessageEvent)],
];

/**
 * Whether a step of the response on 0.x carries text, thinking or a tool call. The start of a call has its tool's name.
 * @param {{ type?: unknown, delta?: unknown } | null | undefined} step
 */
function isToken(step) {
  const { type, delta } = step ?? {};
  if (type === 'toolcall_start' || type === 'toolcall_delta') return true;
  return (type === 'text_delta' || type === 'thinking_delta') && isText(delta);
}

/** The most open turns, as many as there are open spans: turns without an end would add up. */
const MAX_OPEN_TURNS = 16_384;

/** @typedef {import('../native.d.ts').Priority} Priority */

/**
 * A kind of events that matters: one that is translated, that may be a turn's first token, or that is a stage of work.
 * @typedef {object} EventKind
 * @property {Priority | undefined} priority undefined if it is not translated
 * @property {boolean} isWanted whether every event of this kind is translated
 * @property {import('./routes.js').Stage | undefined} stage
 * @property {boolean} isCall whether Flue emits it within the call of the work that it begins
 * @property {((event: any) => boolean) | undefined} isFirstToken of the events that stream a response
 */
/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/**
 * Enqueues the text of an event; false when the queue refused it.
 * @typedef {(text: string, priority: Priority) => boolean} Record
 */

/** One of the recorders of a Cloudflare Worker. @typedef {import('./host.d.ts').HostRecorder} Owner */

/**
 * What the native part states about events.
 * @typedef {Pick<import('./host.d.ts').Core, 'Priority' | 'translatedKinds'>} Native
 */

/** Selects the events that are translated, and enqueues their text. */
class Capture {
  #priority;
  /**
   * The time of the first delta of each turn that runs, by its id. At most `MAX_OPEN_TURNS`.
   * @type {Map<unknown, number | undefined>}
   */
  #openTurns = new Map();
  #requestDeltas = new RequestDeltas();
  #destination;

  /**
   * @param {Pick<Native, 'Priority'>} native
   * @param {Destination} [destination] that receives the events
   */
  constructor({ Priority }, destination) {
    this.#destination = destination;
    this.#priority = Priority;
  }

  /**
   * Whether the event is translated. Events that stream a response are not: the end of the turn has the time of the
   * first one that carries a token.
   * @param {any} event
   * @param {EventKind} kind
   */
  wants(event, { priority, isWanted, isFirstToken }) {
    if (isWanted) return true;
    if (isFirstToken === undefined) return priority !== undefined && reportsUsage(event);
    const { turnId, timestamp } = event;
    const open = this.#openTurns;
    if (open.has(turnId) && open.get(turnId) === undefined && isFirstToken(event)) {
      open.set(turnId, timeOf(timestamp));
    }
    return false;
  }

  /**
   * Enqueues a wanted event as JSON text.
   * @param {any} event an object or a function
   * @param {EventKind} kind
   * @param {Record} record
   * @param {Owner} [owner] the recorder of `record`, if there are several: each knows its own conversations only
   */
  take(event, { priority }, record, owner) {
    const { Start } = this.#priority;
    if (priority !== Start) {
      this.#takeEnd(event, record, owner);
      return;
    }
    const { type } = event;
    if (type === 'turn_request') {
      this.#openTurn(event.turnId);
      this.#takeRequest(event, record, owner);
    } else if (type === 'operation_start') {
      noteOperation(event);
      record(this.#startText(event), Start);
    } else if (type === 'submission_queued') {
      record(withNamedCaller(stringify(event), this.#destination?.callerOf(event)), Start);
    } else if (type === 'message_end') {
      record(usageText(event), Start);
    } else if (isRunStart(type)) {
      record(this.#startText(event), Start);
    } else {
      record(stringify(event), Start);
    }
  }

  /**
   * @param {any} event that continues or ends a span
   * @param {Record} record
   * @param {Owner} [owner]
   */
  #takeEnd(event, record, owner) {
    const { Continuation, MinimalEnd } = this.#priority;
    const firstDeltaAt = event.type === 'turn' ? this.#takeFirstDelta(event.turnId) : undefined;
    const added = firstDeltaAt === undefined ? '' : `,"$firstDeltaAt":${firstDeltaAt}`;
    const text = endText(event, (characters) => this.#hasRoom(characters, owner));
    const isRecorded = text !== undefined && record(withMembers(text, added), Continuation);
    if (!isRecorded) record(withMembers(minimalEndText(event), added), MinimalEnd);
  }

  /**
   * Whether the end of a span with so many characters would be accepted.
   * @param {number} characters
   * @param {Owner} [owner]
   */
  #hasRoom(characters, owner = this.#destination?.recorder) {
    return owner?.hasRoom?.(characters) ?? true;
  }

  /**
   * The start of a run or an operation, with its caller and, for the root of a trace, what the application adds, and
   * whether it wants the trace.
   * @param {any} event
   */
  #startText(event) {
    const destination = this.#destination;
    destination?.noteBegun(event);
    const work = currentWork();
    const text = withCaller(event, work, destination);
    const enrichment = destination?.enrichment;
    const sampled = destination?.decisionOn(event);
    if (enrichment === undefined && sampled === undefined) return text;
    if (isWithin(event, work, destination)) return text;
    const fields = enrichment?.of(destination?.keyOf(event), event);
    const decided = sampled === undefined ? '' : `,"$sampled":${sampled}`;
    return withMembers(text, member('$enrichment', fields) + decided);
  }

  /** @param {unknown} turnId */
  #openTurn(turnId) {
    this.#openTurns.set(turnId, undefined);
    dropOldest(this.#openTurns, MAX_OPEN_TURNS);
  }

  /** @param {unknown} turnId of a turn that ends */
  #takeFirstDelta(turnId) {
    const at = this.#openTurns.get(turnId);
    this.#openTurns.delete(turnId);
    return at;
  }

  /**
   * @param {any} event
   * @param {Record} record
   * @param {Owner} [owner]
   */
  #takeRequest(event, record, owner) {
    const { Start, Note } = this.#priority;
    // Not this conversation, which this request restores.
    const current = conversationOf(event);
    this.#requestDeltas.reportForgotten((conversationId, by) => {
      const text = JSON.stringify({ type: 'history_forgotten', conversationId });
      return by === owner ? record(text, Note) : by.record(text, Note, false);
    }, current);
    const text = this.#shortened(event, owner);
    if (text === undefined) record(stringify(event), Start);
    // The native part does not keep a refused request.
    else if (!record(text, Start)) this.#requestDeltas.forget(current, owner);
  }

  /**
   * The request with only its new messages; undefined when it must be sent in full.
   * @param {any} event
   * @param {Owner} [owner]
   */
  #shortened(event, owner) {
    try {
      const shortened = this.#requestDeltas.shorten(event, owner);
      return shortened && requestText(shortened);
    } catch {
      // The event cannot be read: it is written in full, with marks.
      this.#requestDeltas.forget(conversationOf(event), owner);
      return undefined;
    }
  }
}

/**
 * The time of an event: milliseconds since the epoch, or the number that it states, which may be of seconds; now if it
 * states none.
 * @param {unknown} timestamp
 */
function timeOf(timestamp) {
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : timestamp;
  return typeof at === 'number' && Number.isFinite(at) ? at : wallMs();
}

/**
 * The conversation id of the event, if it can be read.
 * @param {any} event
 */
function conversationOf(event) {
  try {
    return event.conversationId;
  } catch {
    return undefined;
  }
}

/**
 * The kinds of events that matter, by their types.
 * @param {Pick<Native, 'translatedKinds'>} [native] without it, only the stages of work
 * @returns {ReadonlyMap<unknown, EventKind>}
 */
function kindsOf(native) {
  const priorities = new Map(Object.entries(native?.translatedKinds() ?? {}));
  const deltas = new Map(native && TOKENS);
  const types = new Set([...priorities.keys(), ...deltas.keys(), ...STAGES.keys()]);
  return new Map(
    [...types].map((type) => {
      const priority = priorities.get(/** @type {any} */ (type));
      const stage = STAGES.get(type);
      const isFirstToken = deltas.get(type);
      const isWanted =
        priority !== undefined && isFirstToken === undefined && type !== 'message_end';
      return [type, { priority, isWanted, stage, isCall: isCall(type), isFirstToken }];
    }),
  );
}

/** Stands for the kind of an event that throws when its type is read. @type {EventKind} */
const UNREADABLE_KIND = {
  priority: undefined,
  isWanted: false,
  stage: undefined,
  isCall: false,
  isFirstToken: undefined,
};

module.exports = { Capture, UNREADABLE_KIND, kindsOf };
