'use strict';

// The callers of keyed submissions: other agents and databases may have submissions with the same id at once.

const { nextInOrder } = require('./context.js');
const { dropOldest } = require('./drop-oldest.js');
const { isDuplicate } = require('./receipts.js');
const { wallMs } = require('./wall-clock.js');

/** @typedef {import('./callers.js').Caller} Caller */

/**
 * A caller of a keyed submission that has not begun.
 * @typedef {object} Waiting
 * @property {Caller} caller
 * @property {string | undefined} recipient the agent and its instance; undefined as a receipt states none
 * @property {number} until when a caller without a recipient is forgotten, in milliseconds since the epoch
 */

/**
 * The submissions with one keyed id, which other agents and databases may have at once.
 * @typedef {object} KeyedCalls
 * @property {Waiting[]} waiting named for those that have not begun
 * @property {number} queued how many are queued and have not begun
 * @property {unknown} queuedBy the last event that queued one
 * @property {unknown} namedBy the last event that named a caller
 * @property {number} namedAt when that was, in the order of beginnings
 * @property {string[]} withoutCaller the conversations of those that have begun without a caller
 * @property {Set<string>} spanIds of the last callers
 */

/** How soon after its receipt a message begins, in milliseconds: it waits until its agent is idle. */
const MESSAGE_BEGINS_MS = 3_600_000;
/** How many keyed ids are remembered, and how many submissions of each. */
const MAX_KEYED = 4096;
const MAX_WAITING = 256;

/** The callers of keyed submissions that have not begun. */
class KeyedCallers {
  /** By the ids of the submissions. The oldest first. @type {Map<string, KeyedCalls>} */
  #keyed = new Map();
  /** The receipts that were taken: several spans may return one. @type {WeakSet<object>} */
  #receipts = new WeakSet();

  /** Whether any keyed submission is known. */
  get isUsed() {
    return this.#keyed.size > 0;
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
    calls.namedAt = nextInOrder();
    this.#addWaiting(calls, caller, `${agentName} ${instanceId}`);
  }

  /**
   * Notes the caller that a receipt of a keyed submission names: that of one which is queued, else of one which has
   * begun without a caller, else of the next one. The receipt of a duplicate takes back what its event has named. Each
   * receipt counts once.
   * @param {string} id
   * @param {Caller} caller
   * @param {unknown} receipt an object or an id
   * @param {number} [since] only one is meant that has not begun, and that was queued later in the order of beginnings
   * @returns {string | undefined} the conversation of the submission, if only the core can move it
   */
  nameByReceipt(id, caller, receipt, since) {
    if (typeof receipt === 'object' && receipt !== null) {
      if (this.#receipts.has(receipt)) return undefined;
      this.#receipts.add(receipt);
    }
    const calls = this.#callsOf(id);
    const { waiting, withoutCaller, spanIds, namedAt } = calls;
    if (isDuplicate(receipt)) {
      const at = waiting.findLastIndex((one) => one.caller.spanId === caller.spanId);
      if (at >= 0) waiting.splice(at, 1);
      calls.queued = Math.max(0, calls.queued - 1);
      return undefined;
    }
    // Its event has named it.
    if (spanIds.has(caller.spanId)) return undefined;
    const isUnnamed = waiting.length < calls.queued;
    // An inner span has queued it.
    if (!isUnnamed && since !== undefined && namedAt > since) return undefined;
    if (isUnnamed || since !== undefined || withoutCaller.length === 0) {
      this.#addWaiting(calls, caller, undefined);
      return undefined;
    }
    spanIds.add(caller.spanId);
    return withoutCaller.pop();
  }

  /**
   * @param {KeyedCalls} calls
   * @param {Caller} caller
   * @param {string | undefined} recipient
   */
  #addWaiting({ waiting, spanIds }, caller, recipient) {
    waiting.push({ caller, recipient, until: wallMs() + MESSAGE_BEGINS_MS });
    if (waiting.length > MAX_WAITING) waiting.shift();
    spanIds.add(caller.spanId);
    dropOldest(spanIds, MAX_WAITING);
  }

  /**
   * @param {string} id
   * @param {any} event
   */
  noteQueued(id, event) {
    const calls = this.#callsOf(id);
    // Several destinations receive it: it counts once.
    if (calls.queuedBy === event) return;
    calls.queuedBy = event;
    if (event.deduplicated !== true) calls.queued += 1;
  }

  /**
   * The caller that an event which queues a submission has named.
   * @param {string} id
   * @param {unknown} event
   */
  namedBy(id, event) {
    const calls = this.#callsOf(id);
    return calls.namedBy === event ? calls.waiting.at(-1)?.caller : undefined;
  }

  /**
   * Takes the caller of a submission that begins; undefined if it has none.
   * @param {string} id
   * @param {any} event
   * @returns {Caller | undefined}
   */
  begin(id, event) {
    const calls = this.#callsOf(id);
    const { waiting, withoutCaller } = calls;
    calls.queued = Math.max(0, calls.queued - 1);
    const at = indexOfCaller(waiting, `${event.agentName} ${event.instanceId}`);
    const next = waiting[at];
    if (next === undefined) {
      withoutCaller.push(event.conversationId);
      if (withoutCaller.length > MAX_WAITING) withoutCaller.shift();
      return undefined;
    }
    waiting.splice(at, 1);
    return next.caller;
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
      namedAt: 0,
      withoutCaller: [],
      spanIds: new Set(),
    };
    this.#keyed.set(id, added);
    dropOldest(this.#keyed, MAX_KEYED);
    return added;
  }
}

/**
 * Which caller is that of a submission that begins: the first one for its agent, else the first without a recipient that
 * is not too old. -1 if none is.
 * @param {Waiting[]} waiting
 * @param {string} recipient
 */
function indexOfCaller(waiting, recipient) {
  const own = waiting.findIndex((one) => one.recipient === recipient);
  if (own >= 0) return own;
  const now = wallMs();
  return waiting.findIndex((one) => one.recipient === undefined && now < one.until);
}

module.exports = { KeyedCallers, MESSAGE_BEGINS_MS };
