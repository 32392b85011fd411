'use strict';

// The keys by which an exporter remembers Flue's work.

const { currentWork } = require('./context.js');
const { dropOldest } = require('./drop-oldest.js');

/** How many keyed submissions are remembered: as many as the core has open spans. */
const MAX_KEYED = 16_384;

/**
 * The submissions with one keyed id. The core distinguishes them by the same rules (`crates/translate`).
 * @typedef {object} Keyed
 * @property {Map<unknown, string>} conversations the keys of the operations' conversations
 * @property {string | undefined} last the key of the submission that began last
 * @property {boolean} isSettled whether that is settled
 * @property {boolean} isAnnounced whether attempts are announced before they begin
 * @property {number} announced how many submissions have announced their first attempt and not begun
 * @property {unknown} announcedAt when the last one did
 */

/**
 * Keys of runs, submissions and dispatches: their ids. Only the id of a keyed submission, which its sender's key
 * determines, may repeat on another database; with the conversation of its root it is unique.
 */
class WorkKeys {
  /** By the ids of the submissions. The oldest first. @type {Map<string, Keyed>} */
  #keyed = new Map();

  /**
   * Notes an event that a destination receives. Idempotent.
   * @param {any} event
   */
  note(event) {
    const id = keyedIdOf(event);
    if (id === undefined) return;
    const known = this.#keyed.get(id) ?? this.#add(id);
    const { type, taskId, conversationId, timestamp } = event;
    if (type === 'submission_running') {
      // A duplicate has the same time.
      if ((event.attemptCount ?? 1) > 1 || timestamp === known.announcedAt) return;
      known.isAnnounced = true;
      known.announcedAt = timestamp;
      known.announced += 1;
    } else if (type === 'submission_settled') known.isSettled = true;
    else if (type === 'operation_start' && taskId === undefined && conversationId !== undefined) {
      this.#begin(id, known, conversationId);
    }
  }

  /**
   * The key of the run, the submission or the dispatch of an event; undefined outside of them.
   * @param {any} event
   * @returns {unknown}
   */
  of(event) {
    const id = keyedIdOf(event);
    if (id === undefined) return event.runId ?? event.submissionId ?? event.dispatchId;
    const known = this.#keyed.get(id);
    return known?.conversations.get(event.conversationId) ?? known?.last ?? id;
  }

  /**
   * @param {string} id
   * @param {Keyed} known
   * @param {unknown} conversationId
   */
  #begin(id, known, conversationId) {
    const { conversations, last } = known;
    if (conversations.has(conversationId)) return;
    const work = currentWork();
    const isCalled = work?.tool !== undefined || work?.span !== undefined;
    const isOnlyOne = known.isAnnounced && known.announced === 0 && !known.isSettled;
    if (last !== undefined && (isCalled || isOnlyOne)) {
      // Work of a tool or a hook in a conversation of its own.
      conversations.set(conversationId, last);
      return;
    }
    known.announced = Math.max(0, known.announced - 1);
    known.isSettled = false;
    known.last = `${id} ${conversationId}`;
    conversations.set(conversationId, known.last);
    dropOldest(conversations, MAX_KEYED);
  }

  /** @param {string} id */
  #add(id) {
    /** @type {Keyed} */
    const added = {
      conversations: new Map(),
      last: undefined,
      isSettled: false,
      isAnnounced: false,
      announced: 0,
      announcedAt: undefined,
    };
    this.#keyed.set(id, added);
    dropOldest(this.#keyed, MAX_KEYED);
    return added;
  }
}

/**
 * The id of the keyed submission of an event; undefined if it has another root.
 * @param {any} event
 * @returns {string | undefined}
 */
function keyedIdOf(event) {
  // Read first: hardly any event has such an id, and each member takes its time.
  const { submissionId } = event;
  if (!isKeyedId(submissionId)) return undefined;
  return event.runId === undefined && event.dispatchId === undefined ? submissionId : undefined;
}

/**
 * Whether an id is that of a keyed submission.
 * @param {unknown} id
 * @returns {id is string}
 */
function isKeyedId(id) {
  return typeof id === 'string' && id.startsWith('sub_ik_');
}

module.exports = { WorkKeys, isKeyedId, keyedIdOf };
