'use strict';

// What an application asks of a logger's delivery: flush, close, counters.

const { parse } = require('./json/json-string.js');
const { sumStats } = require('./sum-stats.js');

/** @typedef {import('./host.d.ts').HostRecorder} HostRecorder */

/** The default timeout of `flush()` and `close()`, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * What is delivered.
 * @typedef {object} Source
 * @property {() => HostRecorder} recorder the present one
 * @property {InstanceType<typeof import('./pending-files.js').PendingFiles>} files those that are being read
 * @property {InstanceType<typeof import('./slug-destinations.js').SlugDestinations>} slugDestinations other
 *   destinations with the same settings
 * @property {() => number} leftOut how many spans were left out before they reached the recorder
 * @property {() => void} schedule rows are expected
 * @property {() => void} report reports the diagnostics so far
 * @property {(() => boolean) | undefined} hasLoopEnded whether the event loop has nothing to do but what this begins;
 *   absent where no promise keeps it alive
 */

/** The delivery of one destination. */
class Delivery {
  #source;
  /** Recorders that have ended although the logger records on: their counters are added. @type {HostRecorder[]} */
  #earlier = [];
  /** The recorder that was closed last. @type {HostRecorder | undefined} */
  #closed;
  /** How many events there were when a flush last ended incomplete. @type {number | undefined} */
  #incompleteAt;
  /** How many events a recorder had when its last complete flush began. @type {WeakMap<HostRecorder, number>} */
  #completeAt = new WeakMap();

  /** @param {Source} source */
  constructor(source) {
    this.#source = source;
  }

  /** @type {typeof import('../index.d.ts').flush} */
  async flush(options) {
    const others = this.#source.slugDestinations.all.map((one) => one.flush(options ?? undefined));
    return this.#flush(options, allOf(others));
  }

  /** Delivers what this recorder alone has. @param {import('../index.d.ts').FlushOptions} options */
  flushOwn(options) {
    return this.#flush(options, allOf([]));
  }

  /**
   * @param {import('../index.d.ts').FlushOptions | null | undefined} options
   * @param {Promise<import('../index.d.ts').FlushReport[]>} others the deliveries of those of slugs
   */
  async #flush(options, others) {
    this.#source.schedule();
    let isRecorded = true;
    let leftMs = timeoutOf(options);
    if (!this.#source.files.isEmpty) ({ isRecorded, leftMs } = await this.#filesRecorded(leftMs));
    const recorder = this.#source.recorder();
    const present = this.#source.hasLoopEnded && reportOf(recorder);
    if (present && this.#answers(recorder, present)) {
      return this.#reportOf(present, isRecorded, others);
    }
    const report = parse(await recorder.flush(leftMs));
    if (!report.complete) {
      this.#incompleteAt = report.events;
      // Watches it from now on.
      this.#source.hasLoopEnded?.();
    } else if (present) {
      this.#completeAt.set(recorder, present.events);
    }
    return this.#reportOf(report, isRecorded, others);
  }

  /**
   * Whether a flush has nothing to wait for. A flush that waits keeps the event loop alive, and Node then emits
   * `beforeExit` again: a listener that flushes would keep the process from ending.
   * @param {HostRecorder} recorder
   * @param {import('../index.d.ts').FlushReport} report at present
   */
  #answers(recorder, { complete, events }) {
    // What has no row is not in the spool yet, unless a flush has waited for it.
    if (complete && events === (this.#completeAt.get(recorder) ?? 0)) return true;
    // Another flush has waited for the same rows. The end of the process waits for them once more.
    return events === this.#incompleteAt && this.#source.hasLoopEnded?.() === true;
  }

  /** @type {typeof import('../index.d.ts').stats} */
  stats() {
    return this.#withOthers(this.ownStats());
  }

  /** The counters of this recorder alone. @returns {import('../index.d.ts').Stats} */
  ownStats() {
    return this.#withLeftOut(this.#withEarlier(parse(this.#source.recorder().stats())));
  }

  /**
   * @param {import('../index.d.ts').FlushOptions | null | undefined} options
   * @param {() => void} onClose is called once nothing more is taken
   */
  async close(options, onClose) {
    let isRecorded = true;
    let leftMs = timeoutOf(options);
    const others = allOf(this.#source.slugDestinations.close(options));
    // Without pending files, everything recorded from now on is refused.
    if (!this.#source.files.isEmpty) ({ isRecorded, leftMs } = await this.#filesRecorded(leftMs));
    onClose();
    this.#source.schedule();
    const recorder = this.#source.recorder();
    // A recorder that has ended is not closed again: see `#answers`.
    const hasEnded = this.#closed === recorder && recorder.isAtRest();
    const report = hasEnded ? reportOf(recorder) : parse(await recorder.close(leftMs));
    this.#closed = recorder;
    return this.#reportOf(report, isRecorded, others);
  }

  /** Waits for the files, and delivers the rest meanwhile. @param {number} timeoutMs */
  #filesRecorded(timeoutMs) {
    return this.#source.files.recorded(timeoutMs, () => this.#source.recorder().flush(timeoutMs));
  }

  /**
   * @param {import('../index.d.ts').FlushReport} report of the recorder
   * @param {boolean} isRecorded whether it has everything
   * @param {Promise<import('../index.d.ts').FlushReport[]>} delivering those of slugs
   */
  async #reportOf(report, isRecorded, delivering) {
    const others = await delivering;
    this.#source.report();
    const own = this.#withLeftOut(this.#withEarlier(report));
    const isComplete = own.complete && isRecorded && others.every(({ complete }) => complete);
    return { ...this.#withOthers(own), complete: isComplete };
  }

  /** Adds the counters of a recorder that has ended from now on. @param {HostRecorder} recorder */
  keepCounting(recorder) {
    this.#earlier.push(recorder);
  }

  /** Restarts the counters at 0. */
  startOver() {
    this.#earlier = [];
  }

  /**
   * Counters with those of recorders that have ended.
   * @template {import('../index.d.ts').Stats} S
   * @param {S} stats
   * @returns {S}
   */
  #withEarlier(stats) {
    const earlier = this.#earlier.map((recorder) => parse(recorder.stats()));
    return earlier.length === 0 ? stats : { ...stats, ...sumStats([...earlier, stats]) };
  }

  /**
   * Counters with those of what slugs name, with these settings.
   * @template {import('../index.d.ts').Stats} S
   * @param {S} own
   * @returns {S}
   */
  #withOthers(own) {
    const others = this.#source.slugDestinations.stats;
    return others.length === 0 ? own : { ...own, ...sumStats([...others, own]) };
  }

  /**
   * Counters with what was left out before it reached the recorder.
   * @template {import('../index.d.ts').Stats} S
   * @param {S} stats
   * @returns {S}
   */
  #withLeftOut(stats) {
    const leftOut = this.#source.leftOut();
    return leftOut === 0 ? stats : { ...stats, sampled: stats.sampled + leftOut };
  }
}

/**
 * The report of a recorder without waiting for it.
 * @param {HostRecorder} recorder
 * @returns {import('../index.d.ts').FlushReport}
 */
const reportOf = (recorder) => {
  return { ...parse(recorder.stats()), complete: recorder.isIdle() };
};

/**
 * All results. Where nothing waits for them, since something else has failed before, a rejection must not end the
 * process.
 * @template T
 * @param {Promise<T>[]} promises
 */
function allOf(promises) {
  const all = Promise.all(promises);
  all.catch(() => {});
  return all;
}

/**
 * The timeout in milliseconds; the default for anything that is not a number.
 * @param {import('../index.d.ts').FlushOptions | null | undefined} options
 */
function timeoutOf(options) {
  try {
    const timeoutMs = options?.timeoutMs;
    if (typeof timeoutMs === 'number' && !Number.isNaN(timeoutMs)) return timeoutMs;
  } catch {
    // Options that throw mean the default.
  }
  return DEFAULT_TIMEOUT_MS;
}

module.exports = { Delivery };
