'use strict';

// Flue's events that come twice, because an observer is registered twice. Flue 0.10 and 0.11 pass each observer an
// object of its own.

const { dropOldest } = require('./drop-oldest.js');

/** How many events are remembered. Repeated ones follow at once. */
const MAX_EVENTS = 256;

/** The last events of one destination that are only counted; the core recognises others by itself. */
class RepeatedEvents {
  /** The oldest first. @type {Set<string>} */
  #events = new Set();

  /**
   * Whether an event came before. Throws where reading it does.
   * @param {any} event
   */
  has(event) {
    const { type, timestamp, eventIndex, runId, submissionId, dispatchId } = event;
    const { operationId, taskId, turnId, toolCallId } = event;
    const ids = [runId, submissionId, dispatchId, operationId, taskId, turnId, toolCallId];
    const key = [type, timestamp, eventIndex, ...ids].map(String).join(' ');
    if (this.#events.has(key)) return true;
    this.#events.add(key);
    dropOldest(this.#events, MAX_EVENTS);
    return false;
  }
}

module.exports = { RepeatedEvents };
