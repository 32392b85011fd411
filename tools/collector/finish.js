'use strict';

/** @typedef {import('./types').Trace} Trace */

/** How much longer a trace must be quiet that has no root here: whether it is complete is known elsewhere. */
const WITHOUT_ROOT = 10;

/**
 * Notices when a trace is finished: complete (see `Trace.finished`), and quiet for a while; or without a root and an
 * open span, and quiet for longer.
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
   * @param {number} parts.quietMs how long nothing of a trace with a root may have arrived
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
    this.#wait(traceId, this.#quietMs, (trace) => {
      if (trace.finished) return this.#finish(trace);
      const isClosed = trace.spans.length > 0 && trace.openSpans === 0;
      if (isClosed) this.#wait(traceId, WITHOUT_ROOT * this.#quietMs, (same) => this.#finish(same));
    });
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

  /**
   * @param {string} traceId
   * @param {number} ms
   * @param {(trace: Trace) => void} whenQuiet
   */
  #wait(traceId, ms, whenQuiet) {
    const timer = setTimeout(() => {
      this.#timers.delete(traceId);
      whenQuiet(this.#build(traceId));
    }, ms);
    this.#timers.set(traceId, timer);
  }

  /** @param {Trace} trace */
  #finish(trace) {
    const updated = this.#reported.has(trace.id);
    this.#reported.add(trace.id);
    this.#pending.delete(trace.id);
    this.#report(trace, updated);
  }
}

module.exports = { FinishWatch };
