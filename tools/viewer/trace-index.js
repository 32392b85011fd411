'use strict';

// The summaries of all traces, kept up to date.

const { setImmediate: nextTurn } = require('node:timers/promises');

const { keepNewest } = require('../support/keep-newest');
const { describeOutcome } = require('./attempts');
const { listSpans } = require('./span-lists');
const { summarizeTrace } = require('./summaries');

/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').TraceSummary} TraceSummary */

/** Longer than this, in milliseconds, nothing else waits while traces are summarised. */
const SLICE_MS = 8;
/** So many traces are kept as trees: those that were looked at last. */
const MAX_TREES = 8;

/** Summarises traces when first asked for, and again after they changed. The same object means: unchanged. */
class TraceIndex {
  #source;
  /** @type {Map<string, TraceSummary>} */
  #summaries = new Map();
  /** @type {Map<string, Trace>} */
  #trees = new Map();

  /** @param {{ traceIds: () => string[], trace: (id: string) => Trace }} source */
  constructor(source) {
    this.#source = source;
  }

  /** @param {string[]} traceIds traces whose rows changed, or that are gone */
  changed(traceIds) {
    for (const id of traceIds) {
      this.#summaries.delete(id);
      this.#trees.delete(id);
    }
  }

  /** @param {Trace} trace as it is now, built for another reason */
  built(trace) {
    // What is known of it already is the same.
    if (!this.#trees.has(trace.id)) this.#keepTree(trace);
    if (!this.#summaries.has(trace.id)) this.#summarize(trace);
  }

  /**
   * @param {string} id
   * @returns {Trace} without spans when there is none of this id; the same object until it changes
   */
  trace(id) {
    const trace = this.#trees.get(id) ?? this.#source.trace(id);
    this.#keepTree(trace);
    return trace;
  }

  /**
   * @param {string} id
   * @returns {TraceSummary}
   */
  summary(id) {
    return this.#summaries.get(id) ?? this.#summarize(this.trace(id));
  }

  /** @returns {Promise<TraceSummary[]>} of all traces with spans; lets other work in between */
  async all() {
    let began = performance.now();
    /** @type {TraceSummary[]} */
    const all = [];
    for (const id of this.#source.traceIds()) {
      const summary =
        this.#summaries.get(id) ?? this.#summarize(this.#trees.get(id) ?? this.#source.trace(id));
      if (summary.spans > 0) all.push(summary);
      if (performance.now() - began < SLICE_MS) continue;
      await nextTurn();
      began = performance.now();
    }
    return all;
  }

  /** @param {Trace} trace */
  #keepTree(trace) {
    this.#trees.delete(trace.id);
    if (trace.spans.length > 0) this.#trees.set(trace.id, trace);
    keepNewest(this.#trees, MAX_TREES);
  }

  /** @param {Trace} trace */
  #summarize(trace) {
    const summary = summarizeTrace(trace);
    if (summary.attempt > 1 || summary.interrupted > 0) {
      summary.story = describeOutcome(listSpans(trace).summaries);
    }
    if (summary.spans > 0) this.#summaries.set(trace.id, summary);
    return summary;
  }
}

module.exports = { TraceIndex };
