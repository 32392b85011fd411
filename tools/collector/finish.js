'use strict';

/** @typedef {import('./types').Trace} Trace */

/**
 * Notices when a trace is finished: complete (see `Trace.finished`), and quiet for a while.
 *
 * A trace that changes after its report is reported again once it is finished.
 */
class FinishWatch {
  #build;
  #report;
  #quietMs;
  /** @type {Map<string, NodeJS.Timeout>} */
  #timers = new Map();
  /** @type {Set<string>} */
  #pending = new Set();
  /** @type {Set<string>} */
  #reported = new Set();

  /**
   * @param {object} parts
   * @param {(traceId: string) => Trace} parts.build
   * @param {(trace: Trace, updated: boolean) => void} parts.report called for each finished trace
   * @param {number} parts.quietMs how long nothing of the trace may have arrived
   */
  constructor({ build, report, quietMs }) {
    this.#build = build;
    this.#report = report;
    this.#quietMs = quietMs;
  }

  /** @param {string} traceId a trace whose rows changed */
  changed(traceId) {
    this.#pending.add(traceId);
    clearTimeout(this.#timers.get(traceId));
    this.#timers.set(
      traceId,
      setTimeout(() => this.#quiet(traceId), this.#quietMs),
    );
  }

  /** @param {string} traceId a trace that is gone */
  forget(traceId) {
    clearTimeout(this.#timers.get(traceId));
    this.#timers.delete(traceId);
    this.#pending.delete(traceId);
    this.#reported.delete(traceId);
  }

  /** @returns {string[]} traces that changed since they were last reported, in that order */
  pending() {
    return [...this.#pending];
  }

  /** Stops watching. */
  close() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** @param {string} traceId */
  #quiet(traceId) {
    this.#timers.delete(traceId);
    const trace = this.#build(traceId);
    if (!trace.finished) return;
    const updated = this.#reported.has(traceId);
    this.#reported.add(traceId);
    this.#pending.delete(traceId);
    this.#report(trace, updated);
  }
}

module.exports = { FinishWatch };
