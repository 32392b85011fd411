'use strict';

// The spans under which the application runs Flue's work, by the ids of that work.

const { currentWork, nextInOrder } = require('./context.js');
const { dropOldest } = require('./drop-oldest.js');
const { KeyedCallers, MESSAGE_BEGINS_MS } = require('./keyed-callers.js');
const { wallMs } = require('./wall-clock.js');
const { WorkKeys, isKeyedId, keyedIdOf } = require('./work-keys.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {import('./exporter-services.d.ts').Calling} Calling */
/** @typedef {import('./routes.js').Ids} Ids */

/**
 * The span under which a submission, a dispatch or a run runs.
 * @typedef {object} Caller
 * @property {string} spanId
 * @property {string} rootSpanId its trace
 * @property {boolean} isWithin whether this process records the root of that trace
 * @property {import('./context.js').Inherited} inherited what the spans of that work get
 * @property {Destination} destination
 */

/** The most callers that are remembered. The core remembers those of running work by itself. */
const MAX_CALLERS = 16_384;
/** How soon after its receipt a run begins, in milliseconds. */
const RUN_BEGINS_MS = 10_000;
/** The first events of work outside of runs. @type {ReadonlySet<unknown>} */
const FIRST_EVENTS = new Set(['submission_queued', 'submission_running', 'operation_start']);

/** The callers that this process knows. */
class Callers {
  /** The oldest first. @type {Map<unknown, Caller>} */
  #callers = new Map();
  /** The work that has begun, by its ids, in the order of beginnings. The oldest first. @type {Map<unknown, number>} */
  #begun = new Map();
  /** The spans in which submissions were queued, by the ids of these. The oldest first. @type {Map<unknown, string | undefined>} */
  #queuedIn = new Map();
  /** Those that call work which has not begun, as receipts name it. The oldest first. @type {Map<unknown, { calling: Calling, until: number }>} */
  #expected = new Map();
  /** Those of keyed submissions that have not begun. */
  keyed = new KeyedCallers();
  /** The keys by which work is remembered. */
  keys = new WorkKeys();

  /** Whether a caller was ever named: then work that is not known here may have one, too. */
  get isUsed() {
    return this.#callers.size > 0 || this.awaitsWork || this.keyed.isUsed;
  }

  /** Whether receipts have named work that has not begun. */
  get awaitsWork() {
    return this.#expected.size > 0;
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
    if (type === 'submission_queued') this.keyed.noteQueued(id, event);
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
   * @param {Calling} calling
   */
  expect(ids, calling) {
    const id = idOf(ids);
    if (this.#expected.has(id)) return;
    const beginsMs = ids.runId === undefined ? MESSAGE_BEGINS_MS : RUN_BEGINS_MS;
    this.#expected.set(id, { calling, until: wallMs() + beginsMs });
    dropOldest(this.#expected, MAX_CALLERS);
  }

  /**
   * The span that an event's work was awaited for, if the event states that the work is new.
   * @param {any} event
   * @param {Destination} [receiver] of the event, if that is fixed
   */
  expected(event, receiver) {
    if (!this.awaitsWork) return undefined;
    const { type, taskId, runId, attemptCount } = event;
    const isNew = runId === undefined ? FIRST_EVENTS.has(type) : type === 'run_start';
    if (!isNew || taskId !== undefined) return undefined;
    const id = idOf(event);
    const found = this.#expected.get(id);
    if (found === undefined) return undefined;
    if (receiver !== undefined && receiver !== found.calling.destination) return undefined;
    this.#expected.delete(id);
    const isLate = found.until < wallMs() || attemptCount > 1 || this.#begun.has(id);
    return isLate ? undefined : found.calling;
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
    this.#remember(id, caller);
    return true;
  }

  /**
   * Notes the caller of work that an ended process has left, unless it has begun here.
   * @param {string} key as the core has it: the id; that of a keyed submission which has begun, and its conversation
   * @param {Caller} caller
   */
  restore(key, caller) {
    if (this.#begun.has(key) || this.#callers.has(key)) return;
    if (isKeyedId(key) && !key.includes(' ')) this.keyed.nameByReceipt(key, caller, key);
    else this.#remember(key, caller);
  }

  /**
   * @param {unknown} id
   * @param {Caller} caller
   */
  #remember(id, caller) {
    this.#callers.set(id, caller);
    dropOldest(this.#callers, MAX_CALLERS);
  }

  /**
   * @param {string} id
   * @param {any} event
   */
  #beginKeyed(id, event) {
    const key = this.keys.of(event);
    if (this.#begun.has(key)) return;
    this.#noteBegun(key);
    const caller = this.keyed.begin(id, event);
    if (caller !== undefined) this.#remember(key, caller);
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
      if (isQueued) return this.keyed.namedBy(id, ids);
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
