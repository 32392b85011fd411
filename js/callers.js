'use strict';

// The spans under which the application runs Flue's work, by the ids of that work.

const { dropOldest } = require('./drop-oldest.js');

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

/** The most callers that are remembered. The core remembers those of running work by itself. */
const MAX_CALLERS = 16_384;

/** The callers that this process knows. */
class Callers {
  /** The oldest first. @type {Map<unknown, Caller>} */
  #callers = new Map();
  /** The work that has begun, by its ids. The oldest first. @type {Set<unknown>} */
  #begun = new Set();

  /** Whether a caller was ever named: then work that is not known here may have one, too. */
  get isUsed() {
    return this.#callers.size > 0;
  }

  /**
   * Notes that the root of work has begun.
   * @param {Ids} ids
   */
  begin(ids) {
    const id = idOf(ids);
    if (id === undefined) return;
    this.#begun.add(id);
    dropOldest(this.#begun, MAX_CALLERS);
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
  find({ runId, submissionId, dispatchId }) {
    if (!this.isUsed) return undefined;
    return (
      this.#callers.get(runId) ?? this.#callers.get(dispatchId) ?? this.#callers.get(submissionId)
    );
  }
}

/** The id that the events of the work have. @param {Ids} ids */
const idOf = ({ runId, submissionId, dispatchId }) => runId ?? dispatchId ?? submissionId;

module.exports = { Callers };
