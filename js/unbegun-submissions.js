'use strict';

// Submissions of Flue 2.x whose operation has not started: before that, Flue calls the agent's function and connects
// its tools. Events in this time have no span yet.

const { dropOldest } = require('./drop-oldest.js');
const { isKeyedId } = require('./work-keys.js');

/** How many submissions are remembered, and how many log lines of each. */
const MAX_SUBMISSIONS = 16_384;
const MAX_LINES = 1000;

/** A submission that has announced an attempt. @typedef {{ running: any, lines: any[] }} Unbegun */

/** The submissions of one destination. */
class UnbegunSubmissions {
  /** The oldest first. @type {Map<string, Unbegun>} */
  #unbegun = new Map();

  /**
   * The events that are recorded in place of one; undefined: that one alone. Log lines wait for the operation. For a
   * submission that fails without an operation, one with the error is made, except for a keyed submission, whose id
   * alone identifies no span. Never throws.
   * @param {any} event
   * @returns {any[] | undefined}
   */
  note(event) {
    try {
      const { type } = event;
      if (type === 'submission_running') {
        this.#add(event);
        return undefined;
      }
      if (this.#unbegun.size === 0) return undefined;
      const { submissionId, operationId } = event;
      if (submissionId === undefined) return undefined;
      const key = keyOf(event);
      const known = this.#unbegun.get(key);
      if (known === undefined) return undefined;
      const { running, lines } = known;
      if (type === 'log' && operationId === undefined && lines.length < MAX_LINES) {
        lines.push(event);
        return [];
      }
      if (operationId !== undefined) {
        this.#unbegun.delete(key);
        return lines.length > 0 ? [event, ...lines] : undefined;
      }
      if (type !== 'submission_settled') return undefined;
      this.#unbegun.delete(key);
      const hasSpan = hasFailed(event) && !isKeyedId(submissionId);
      if (hasSpan) return [...failedOperation(running, lines, event), event];
      // No span shows them: they count as lost.
      return lines.length > 0 ? [...lines, event] : undefined;
    } catch {
      // An event whose id cannot be read belongs to no known submission.
      return undefined;
    }
  }

  /** @param {any} running */
  #add(running) {
    const key = keyOf(running);
    const known = this.#unbegun.get(key);
    // It comes again if an observer is registered twice.
    if (known?.running.attemptCount === running.attemptCount) return;
    this.#unbegun.set(key, { running, lines: known?.lines ?? [] });
    dropOldest(this.#unbegun, MAX_SUBMISSIONS);
  }
}

/** @param {any} event of a submission */
const keyOf = ({ submissionId, agentName, instanceId }) =>
  `${submissionId} ${agentName} ${instanceId}`;

/** Whether a submission has failed; an outcome that is not known is a failure if there is an error. @param {any} settled */
function hasFailed({ outcome, error, errorInfo }) {
  if (outcome === 'completed' || outcome === 'aborted') return false;
  return outcome === 'failed' || (errorInfo ?? error ?? undefined) !== undefined;
}

/**
 * The operation of a submission that failed without one, from its announcement to its settlement. The core shows no id
 * that begins with `missing:`.
 * @param {any} running
 * @param {any[]} lines
 * @param {any} settled
 */
function failedOperation(running, lines, settled) {
  const { submissionId, instanceId, agentName, timestamp } = running;
  const operation = { operationId: `missing:${submissionId}`, operationKind: 'prompt' };
  const ids = { v: 3, submissionId, instanceId, agentName, ...operation };
  const durationMs = Date.parse(settled.timestamp) - Date.parse(timestamp);
  const outcome = { isError: true, error: settled.errorInfo ?? settled.error, durationMs };
  return [
    { ...ids, type: 'operation_start', timestamp },
    ...lines,
    { ...ids, type: 'operation', timestamp: settled.timestamp, ...outcome },
  ];
}

module.exports = { UnbegunSubmissions };
