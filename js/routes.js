'use strict';

// The destination of each run and submission of Flue: the one that received its first event.

const { dropOldest } = require('./drop-oldest.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/**
 * The ids of Flue's work, as events and the async context have them.
 * @typedef {object} Ids
 * @property {unknown} [runId]
 * @property {unknown} [submissionId]
 * @property {unknown} [dispatchId]
 * @property {unknown} [operationId]
 * @property {unknown} [taskId]
 * @property {unknown} [conversationId]
 */

/** The most ids of running work that are remembered. Of ended work, as many more are remembered. */
const MAX_IDS = 16_384;

/** Whether an event begins (or resumes) work, or ends it. @typedef {'begins' | 'ends'} Stage */

/**
 * The events that begin, resume or end work. Only these change what is known of work; most events are not in the
 * list, and cost no more than the look-up.
 * @type {ReadonlyMap<unknown, Stage>}
 */
const STAGES = new Map([
  ['submission_queued', 'begins'],
  ['submission_running', 'begins'],
  ['submission_recovery', 'begins'],
  ['run_start', 'begins'],
  ['run_resume', 'begins'],
  ['operation_start', 'begins'],
  ['task_start', 'begins'],
  ['submission_settled', 'ends'],
  ['run_end', 'ends'],
  ['operation', 'ends'],
  ['task', 'ends'],
]);

/**
 * The destinations of Flue's work, by its ids: all events of a trace go to the destination of the first one. Ended work
 * keeps no destination alive, but later events still find it.
 */
class Routes {
  /** The oldest first. @type {Map<unknown, Destination>} */
  #open = new Map();
  /** The oldest first. @type {Map<unknown, WeakRef<Destination>>} */
  #ended = new Map();

  /**
   * Notes an event that a destination receives. Throws where reading the event does.
   * @param {Ids & { type?: unknown }} event
   * @param {Stage} stage
   * @param {Destination} destination
   * @returns {unknown} the id of the run or the submission
   */
  note(event, stage, destination) {
    const root = rootOf(event);
    if (stage === 'begins') this.#begin(root ?? partOf(event), destination);
    else if (root === undefined || isEndOfRoot(event)) this.#end(root ?? partOf(event));
    return root;
  }

  /**
   * Notes the destination of work that has not begun.
   * @param {Ids} ids
   * @param {Destination} destination
   */
  assign(ids, destination) {
    this.#begin(rootOf(ids), destination);
  }

  /**
   * The destination of the work with these ids, which may be closed: what goes on then is refused and counted there.
   * Undefined when it is not known.
   * @param {Ids} ids
   * @returns {Destination | undefined}
   */
  find(ids) {
    // On 0.x, an operation of a task refers to its parent only by the id of the task.
    return this.#get(rootOf(ids) ?? ids.operationId) ?? this.#get(ids.taskId);
  }

  /**
   * The same for the work of an event; undefined, too, if the event restarts it after its destination was closed.
   * @param {Ids & { type?: unknown, deduplicated?: unknown }} event
   * @returns {Destination | undefined}
   */
  findFor(event) {
    const found = this.find(event);
    if (!found?.isClosed) return found;
    // The task of an operation may have restarted.
    const ofTask = this.#get(event.taskId);
    if (ofTask?.isClosed === false) return ofTask;
    return beginsAnew(event, found) ? undefined : found;
  }

  /** @param {unknown} id */
  #get(id) {
    return id === undefined ? undefined : (this.#open.get(id) ?? this.#ended.get(id)?.deref());
  }

  /**
   * @param {unknown} id
   * @param {Destination} destination
   */
  #begin(id, destination) {
    if (typeof id !== 'string' || this.#open.get(id)?.isClosed === false) return;
    // What begins between two loggers goes on at the next one.
    if (destination.isClosed && destination.isCurrent && this.#get(id) === undefined) return;
    this.#ended.delete(id);
    this.#open.set(id, destination);
    dropOldest(this.#open, MAX_IDS);
  }

  /** @param {unknown} id */
  #end(id) {
    const destination = this.#open.get(id);
    if (destination === undefined) return;
    this.#open.delete(id);
    this.#ended.set(id, destination.reference);
    dropOldest(this.#ended, MAX_IDS);
  }
}

/**
 * Whether an event states that work begins, even if its id was in use before: ids repeat in tests, and of keyed
 * submissions.
 * @param {Ids & { type?: unknown, deduplicated?: unknown }} event
 * @param {Destination} known that of the work with its id
 */
function beginsAnew(event, { wasCurrent }) {
  const { type } = event;
  if (type === 'submission_queued') return event.deduplicated !== true;
  // Of a submission, it may be another attempt, which is for the logger of the first one, or for the one in its place.
  const isNew = rootOf(event) === undefined || wasCurrent;
  return (
    type === 'run_start' || (type === 'operation_start' && event.taskId === undefined && isNew)
  );
}

/**
 * Whether the run, the submission or the dispatch of an event ends with it, and not a part of it alone. On 1.0-beta, a
 * dispatch ends only with its operation.
 * @param {Ids & { type?: unknown }} event
 */
function isEndOfRoot(event) {
  const { type } = event;
  if (type === 'task') return false;
  if (type !== 'operation') return true;
  return (event.runId ?? event.submissionId) === undefined && event.taskId === undefined;
}

/** The id of the run or the submission; undefined outside of both. @param {Ids} ids */
const rootOf = (ids) => ids.runId ?? ids.submissionId ?? ids.dispatchId;

/**
 * The id of the operation or the task that begins or ends.
 * @param {Ids & { type?: unknown }} event
 */
function partOf({ type, operationId, taskId }) {
  // The operation id in the event of a task is that of its parent.
  return type === 'task_start' || type === 'task' ? taskId : operationId;
}

module.exports = { Routes, STAGES };
