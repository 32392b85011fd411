'use strict';

// The spans under which the application runs Flue's work, by the ids of that work.

const { currentWork, nextInOrder } = require('./context.js');
const { dropOldest } = require('./drop-oldest.js');
const { WorkKeys, keyedIdOf } = require('./work-keys.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {import('./routes.js').Ids} Ids */

/**
 * The span under which a submission, a dispatch or a run runs.
 * @typedef {object} Caller
 * @property {string} spanId
 * @property {string} rootSpanId its trace
 * @property {boolean} isWithin whether this process records the root of that trace
 * @property {Destination} destination
 */

/**
 * The submissions with one keyed id, which other agents and databases may have at once.
 * @typedef {object} KeyedCalls
 * @property {{ caller: Caller, recipient: string | undefined }[]} waiting named for those that have not begun
 * @property {number} queued how many are queued and have not begun
 * @property {unknown} queuedBy the last event that queued one
 * @property {unknown} namedBy the last event that named a caller
 * @property {string[]} bare the conversations of those that have begun without a caller
 * @property {Set<string>} spanIds of all callers so far
 */

/** The most callers that are remembered. The core remembers those of running work by itself. */
const MAX_CALLERS = 16_384;
/** How soon after its receipt a run begins, in milliseconds. */
const RUN_BEGINS_MS = 10_000;
/** The same of a message: it waits until its agent is idle. */
const MESSAGE_BEGINS_MS = 3_600_000;
/** The first events of work outside of runs. @type {ReadonlySet<unknown>} */
const FIRST_EVENTS = new Set(['submission_queued', 'submission_running', 'operation_start']);
/** How many keyed ids are remembered, and how many submissions of each. */
const MAX_KEYED = 4096;
const MAX_WAITING = 256;

/** The callers that this process knows. */
class Callers {
  /** The oldest first. @type {Map<unknown, Caller>} */
  #callers = new Map();
  /** The work that has begun, by its ids, in the order of beginnings. The oldest first. @type {Map<unknown, number>} */
  #begun = new Map();
  /** The spans in which submissions were queued, by the ids of these. The oldest first. @type {Map<unknown, string | undefined>} */
  #queuedIn = new Map();
  /** The callers of work that has not begun, as receipts name it. The oldest first. @type {Map<unknown, { caller: Caller, until: number }>} */
  #expected = new Map();
  /** By the ids of keyed submissions. The oldest first. @type {Map<string, KeyedCalls>} */
  #keyed = new Map();
  /** By what work is remembered. */
  keys = new WorkKeys();

  /** Whether a caller was ever named: then work that is not known here may have one, too. */
  get isUsed() {
    return this.#callers.size + this.#keyed.size + this.#expected.size > 0;
  }

  /**
   * Notes an event that a destination receives: a keyed submission that begins takes the first caller that waits for
   * its id. Idempotent, as several destinations may receive it. Never throws.
   * @param {any} event
   */
  note(event) {
    try {
      const id = keyedIdOf(event);
      if (id !== undefined) this.#noteKeyed(id, event);
      else if (event.type === 'submission_queued') this.#noteQueuedIn(event.submissionId);
    } catch {
      // What cannot be read has no caller.
    }
  }

  /**
   * @param {string} id
   * @param {any} event
   */
  #noteKeyed(id, event) {
    this.keys.note(event);
    const { type, taskId, conversationId } = event;
    if (type === 'submission_queued') this.#noteQueued(id, event);
    else if (type === 'operation_start' && taskId === undefined && conversationId !== undefined) {
      this.#beginKeyed(id, event);
    }
  }

  /**
   * Notes that the root of work has begun.
   * @param {Ids} ids
   */
  begin(ids) {
    const id = idOf(ids);
    if (id === undefined || keyedIdOf(ids) !== undefined) return;
    this.#noteBegun(id);
  }

  /** @param {unknown} id */
  #noteBegun(id) {
    if (this.#begun.has(id)) return;
    this.#begun.set(id, nextInOrder());
    dropOldest(this.#begun, MAX_CALLERS);
  }

  /** @param {unknown} id of a submission */
  #noteQueuedIn(id) {
    if (this.#queuedIn.has(id)) return;
    this.#queuedIn.set(id, currentWork()?.span?.spanId);
    dropOldest(this.#queuedIn, MAX_CALLERS);
  }

  /**
   * Whether work began before a span, or its event came outside of the span: then the application has looked it up.
   * @param {Ids} ids
   * @param {{ spanId: string }} span
   * @param {number} since when the span began, in the order of beginnings
   */
  isOfOthers(ids, { spanId }, since) {
    const id = idOf(ids);
    if ((this.#begun.get(id) ?? since) < since) return true;
    return this.#queuedIn.has(id) && this.#queuedIn.get(id) !== spanId;
  }

  /**
   * Awaits work that begins soon, if it does here.
   * @param {Ids} ids
   * @param {Caller} caller
   */
  expect(ids, caller) {
    const id = idOf(ids);
    if (this.#expected.has(id)) return;
    const beginsMs = ids.runId === undefined ? MESSAGE_BEGINS_MS : RUN_BEGINS_MS;
    this.#expected.set(id, { caller, until: Date.now() + beginsMs });
    dropOldest(this.#expected, MAX_CALLERS);
  }

  /**
   * The caller that an event's work was awaited for, if the event states that the work is new.
   * @param {any} event
   * @param {Destination} [receiver] of the event, if that is fixed
   */
  expected(event, receiver) {
    if (this.#expected.size === 0) return undefined;
    const { type, taskId, runId, attemptCount } = event;
    const isNew = runId === undefined ? FIRST_EVENTS.has(type) : type === 'run_start';
    if (!isNew || taskId !== undefined) return undefined;
    const id = idOf(event);
    const found = this.#expected.get(id);
    if (found === undefined || (receiver ?? found.caller.destination) !== found.caller.destination)
      return undefined;
    this.#expected.delete(id);
    const isLate = found.until < Date.now() || attemptCount > 1 || this.#begun.has(id);
    if (isLate) return undefined;
    const { spanId, rootSpanId, isWithin, destination } = found.caller;
    return { span: { spanId, rootSpanId, isRemote: !isWithin }, destination };
  }

  /**
   * Whether the root of work has begun: then only the core knows whether it can still get a caller.
   * @param {Ids} ids
   */
  hasBegun(ids) {
    return this.#begun.has(idOf(ids));
  }

  /**
   * Notes the caller of work. The first one stays.
   * @param {Ids} ids
   * @param {Caller} caller
   * @returns {boolean} whether it is the first
   */
  name(ids, caller) {
    const id = idOf(ids);
    if (typeof id !== 'string' || id === '' || this.#callers.has(id)) return false;
    this.#callers.set(id, caller);
    dropOldest(this.#callers, MAX_CALLERS);
    return true;
  }

  /**
   * Notes the caller of the next keyed submission with an id.
   * @param {string} id
   * @param {any} event states that it is queued
   * @param {Caller} caller
   */
  nameNext(id, event, caller) {
    const { agentName, instanceId, deduplicated } = event;
    const calls = this.#callsOf(id);
    if (deduplicated === true || calls.namedBy === event) return;
    calls.namedBy = event;
    this.#await(calls, caller, `${agentName} ${instanceId}`);
  }

  /**
   * Notes the caller that a receipt of a keyed submission names: that of one which is queued, else of one which has
   * begun without a caller, else of the next one. The receipt of a duplicate takes back what its event has named.
   * @param {string} id
   * @param {Caller} caller
   * @param {{ isDuplicate: boolean, isNew: boolean }} of whether Flue had accepted the message before, and whether only one
   *   is meant that has not begun
   * @returns {string | undefined} the conversation of the submission, if only the core can move it
   */
  nameByReceipt(id, caller, { isDuplicate, isNew }) {
    const calls = this.#callsOf(id);
    const { waiting, bare, spanIds } = calls;
    if (isDuplicate) {
      const at = waiting.findLastIndex((one) => one.caller.spanId === caller.spanId);
      if (at >= 0) waiting.splice(at, 1);
      calls.queued = Math.max(0, calls.queued - 1);
      return undefined;
    }
    // Its event has named it.
    if (spanIds.has(caller.spanId)) return undefined;
    if (isNew || waiting.length < calls.queued || bare.length === 0) {
      this.#await(calls, caller, undefined);
      return undefined;
    }
    spanIds.add(caller.spanId);
    return bare.pop();
  }

  /**
   * @param {KeyedCalls} calls
   * @param {Caller} caller
   * @param {string | undefined} recipient
   */
  #await({ waiting, spanIds }, caller, recipient) {
    waiting.push({ caller, recipient });
    if (waiting.length > MAX_WAITING) waiting.shift();
    spanIds.add(caller.spanId);
    dropOldest(spanIds, MAX_WAITING);
  }

  /**
   * @param {string} id
   * @param {any} event
   */
  #noteQueued(id, event) {
    const calls = this.#callsOf(id);
    // Another destination has received it.
    if (calls.queuedBy === event) return;
    calls.queuedBy = event;
    if (event.deduplicated !== true) calls.queued += 1;
  }

  /**
   * @param {string} id
   * @param {any} event
   */
  #beginKeyed(id, event) {
    const key = this.keys.of(event);
    if (this.#begun.has(key)) return;
    this.#noteBegun(key);
    const calls = this.#callsOf(id);
    const { waiting, bare } = calls;
    calls.queued = Math.max(0, calls.queued - 1);
    const recipient = `${event.agentName} ${event.instanceId}`;
    const own = waiting.findIndex((one) => one.recipient === recipient);
    const [next] = waiting.splice(Math.max(0, own), 1);
    if (next === undefined) {
      bare.push(event.conversationId);
      if (bare.length > MAX_WAITING) bare.shift();
      return;
    }
    this.#callers.set(key, next.caller);
    dropOldest(this.#callers, MAX_CALLERS);
  }

  /** @param {string} id */
  #callsOf(id) {
    const known = this.#keyed.get(id);
    if (known !== undefined) return known;
    /** @type {KeyedCalls} */
    const added = {
      waiting: [],
      queued: 0,
      queuedBy: undefined,
      namedBy: undefined,
      bare: [],
      spanIds: new Set(),
    };
    this.#keyed.set(id, added);
    dropOldest(this.#keyed, MAX_KEYED);
    return added;
  }

  /**
   * The caller of work, if its spans go to that destination.
   * @param {Ids} ids
   * @param {Destination | undefined} destination
   * @returns {Caller | undefined}
   */
  of(ids, destination) {
    const caller = this.find(ids);
    return caller?.destination === destination ? caller : undefined;
  }

  /**
   * The caller of work, wherever its spans go.
   * @param {Ids} ids
   * @returns {Caller | undefined}
   */
  find(ids) {
    if (!this.isUsed) return undefined;
    const id = keyedIdOf(ids);
    if (id !== undefined) {
      const isQueued = /** @type {any} */ (ids).type === 'submission_queued';
      if (isQueued) return this.#keyed.get(id)?.waiting.at(-1)?.caller;
      return this.#callers.get(this.keys.of(ids));
    }
    const { runId, submissionId, dispatchId } = ids;
    return (
      this.#callers.get(runId) ?? this.#callers.get(dispatchId) ?? this.#callers.get(submissionId)
    );
  }
}

/** The id that the events of the work have. @param {Ids} ids */
const idOf = ({ runId, submissionId, dispatchId }) => runId ?? dispatchId ?? submissionId;

module.exports = { Callers };
