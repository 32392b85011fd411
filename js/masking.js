'use strict';

// Masks the content of rows by the application's masking function, in slices of time.

const { monotonicMs } = require('./builtins/index.js');
const { takeCut } = require('./json/cut.js');
const { parse, toJson } = require('./json/json-string.js');
const { JSON } = require('./json/own-json.js');
const { maskField } = require('./mask-field.js');
const { runningMs } = require('./running-clock.js');
const { startTimer, stopTimer } = require('./timers.js');

/** @typedef {import('../index.d.ts').MaskingFunction} MaskingFunction */
/** @typedef {import('./host.d.ts').HostRecorder} Recorder */
/** @typedef {import('./native-types.d.ts').RowContent} RowContent */

/** How often the native part is polled for rows, while there are some and otherwise, in milliseconds. */
const POLL_ACTIVE_MS = 20;
const POLL_IDLE_MS = 1000;

/** How long the masking function is called in one turn of the event loop, in milliseconds. At least one row is masked. */
const SLICE_MS = 10;
/** How many rows at most where the host polls: in a Worker, the clock may stand still meanwhile. */
const SLICE_ROWS = 16;

/** The part of the exit timeout that is used for masking; in the rest, what was masked is delivered. */
const EXIT_SHARE = 0.75;

/**
 * Rows that are being masked, the first of them masked already.
 * @typedef {object} Batch
 * @property {Recorder} recorder
 * @property {number} batch
 * @property {readonly RowContent[]} content
 * @property {RowContent[]} masked
 * @property {number} cut how many of them lost content to a limit
 */

/** The fields in the order in which they are masked: first those that the `braintrust` package masks. */
const FIELDS = [
  'input',
  'output',
  'expected',
  'metadata',
  'context',
  'scores',
  'metrics',
  'error',
  'tags',
  'name',
  'comment',
  '_audit_metadata',
];

/** Fields that cannot hold a mark: it becomes a part of the error. */
const WITHOUT_ROOM = new Set(['context', 'scores', 'metrics', 'tags']);

/**
 * Calls the application's masking function with the content of rows before the native part encodes them. Polls the
 * native part, so that no callback of this package runs between two steps of the application.
 */
class Masking {
  /** The one that was set last: what was open when it was removed is masked by it. @type {MaskingFunction | undefined} */
  #mask;
  /** Whether it is set, so that later events are masked. */
  #isSet = false;
  /** @type {() => readonly Recorder[]} */
  #recorders;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {Batch | undefined} */
  #batch;
  /** Whether the masking function is being called. */
  #isCalling = false;
  /** When no row is masked any more, by `runningMs()`. */
  #endsAt = Infinity;
  /** When rows were last recorded or masked, by `monotonicMs()`. */
  #activeAt = 0;
  #hasTimers;

  /**
   * @param {() => readonly Recorder[]} recorders those that may have rows to mask
   * @param {boolean} hasTimers whether a timer may poll; otherwise the host calls `maskSlice`
   */
  constructor(recorders, hasTimers) {
    this.#recorders = recorders;
    this.#hasTimers = hasTimers;
  }

  /** @param {MaskingFunction | null} mask null for none */
  set(mask) {
    this.#isSet = mask !== null;
    this.#mask = mask ?? this.#mask;
    for (const recorder of this.#recorders()) this.attach(recorder);
  }

  /** Whether one is set. */
  get isSet() {
    return this.#isSet;
  }

  /** Whether one was ever set: traces that were open then are masked to their end. */
  get wasSet() {
    return this.#mask !== undefined;
  }

  /** Sets whether a recorder's rows are masked. @param {Recorder} recorder */
  attach(recorder) {
    recorder.setMasking(this.#isSet);
    this.schedulePoll();
  }

  /**
   * Records what waited while a masking function was set: it is masked by the last one.
   * @param {Recorder} recorder
   * @param {() => void} record
   */
  recordMasked(recorder, record) {
    recorder.setMasking(true);
    record();
    recorder.setMasking(this.#isSet);
  }

  /** Schedules a poll: rows are expected. Does nothing before a masking function is set. */
  schedulePoll() {
    if (this.#mask === undefined || !this.#hasTimers) return;
    const now = monotonicMs();
    const wasIdle = now - this.#activeAt > POLL_IDLE_MS;
    this.#activeAt = now;
    if (this.#timer === undefined || wasIdle) this.#schedule(POLL_ACTIVE_MS);
  }

  /**
   * The process ends.
   * @param {number} leftMs of the exit timeout
   */
  beginExit(leftMs) {
    if (this.#endsAt === Infinity) this.#endsAt = runningMs() + leftMs * EXIT_SHARE;
    if (!this.#isCalling) return;
    // The masking function itself ends the process, and would again: marks replace all that it has not masked.
    this.#mask = () => {
      throw new Error('the masking function ended the process');
    };
  }

  /** The process does not end. */
  survive() {
    this.#endsAt = Infinity;
  }

  /** Masks the rows that wait now, as far as there is time: the others are sent without content. @param {Recorder} recorder */
  maskInTime(recorder) {
    for (;;) {
      const batch = (this.#batch ??= nextBatch(recorder));
      if (batch === undefined) return;
      this.#maskUntil(batch, monotonicMs() + this.#endsAt - runningMs());
      const { masked, content, cut } = batch;
      if (masked.length === content.length) this.#complete(batch);
      else batch.recorder.endMasking(batch.batch, jsonOf(masked), cut);
      this.#batch = undefined;
    }
  }

  /**
   * Masks rows for one time slice, so that the application gets its turn. False if none waits.
   * @param {Recorder} recorder
   */
  maskSlice(recorder) {
    const batch = (this.#batch ??= nextBatch(recorder));
    if (batch === undefined) return false;
    this.#maskUntil(batch, monotonicMs() + SLICE_MS, batch.masked.length + SLICE_ROWS);
    if (batch.masked.length === batch.content.length) this.#complete(batch);
    return true;
  }

  /** @param {number} ms */
  #schedule(ms) {
    stopTimer(this.#timer);
    // The timer does not keep the process alive: the rest is masked at exit.
    this.#timer = startTimer(() => this.#poll(), ms);
  }

  /** Masks for one time slice, so that the application gets its turn. */
  #poll() {
    this.#timer = undefined;
    try {
      const end = monotonicMs() + SLICE_MS;
      let isActive = false;
      for (const recorder of this.#recorders()) {
        const batch = (this.#batch ??= nextBatch(recorder));
        if (batch === undefined) continue;
        isActive = true;
        this.#maskRow(batch);
        this.#maskUntil(batch, end);
        if (batch.masked.length < batch.content.length) break;
        this.#complete(batch);
      }
      const now = monotonicMs();
      if (isActive) this.#activeAt = now;
      const isQuiet = now - this.#activeAt > POLL_IDLE_MS;
      // A timer would keep an unused exporter from being collected.
      if (isQuiet && this.#recorders().every((recorder) => recorder.isIdle())) return;
      this.#schedule(isActive ? 0 : isQuiet ? POLL_IDLE_MS : POLL_ACTIVE_MS);
    } catch {
      // The environment is being torn down.
    }
  }

  /**
   * Masks further rows, until a time by `monotonicMs()`.
   * @param {Batch} batch
   * @param {number} end
   * @param {number} [most] how many of its rows are masked then
   */
  #maskUntil(batch, end, most = Infinity) {
    const { content, masked } = batch;
    while (masked.length < Math.min(content.length, most) && monotonicMs() < end) {
      if (!this.#maskRow(batch)) return;
    }
  }

  /** @param {Batch} batch all rows of which are masked */
  #complete({ recorder, batch, masked, cut }) {
    this.#batch = undefined;
    recorder.completeMasking(batch, jsonOf(masked), cut);
  }

  /**
   * Masks the next row of a batch. False if the process ends before that is done.
   * @param {Batch} batch
   */
  #maskRow(batch) {
    const row = /** @type {RowContent} */ (batch.content[batch.masked.length]);
    takeCut();
    const masked = this.#maskContent(row);
    const isCut = takeCut();
    if (masked === undefined) return false;
    if (isCut) batch.cut += 1;
    batch.masked.push(masked);
    return true;
  }

  /** @param {RowContent} row @returns {RowContent | undefined} nothing if no time is left for all fields */
  #maskContent(row) {
    const mask = /** @type {MaskingFunction} */ (this.#mask);
    /** @type {RowContent} */
    const masked = {};
    const failures = [];
    for (const field of FIELDS) {
      // Null resets an earlier value.
      if (!(field in row) || row[field] === null) {
        if (field in row) masked[field] = null;
        continue;
      }
      if (this.#endsAt !== Infinity && runningMs() > this.#endsAt) return undefined;
      this.#isCalling = true;
      const { value, failure } = maskField(mask, field, row[field]);
      this.#isCalling = false;
      if (failure === undefined) masked[field] = value;
      else if (WITHOUT_ROOM.has(field)) failures.push(failure);
      else masked[field] = field.endsWith('metadata') ? { error: failure } : failure;
    }
    if (failures.length > 0) masked.error = withFailures(masked.error, failures);
    return masked;
  }
}

/**
 * The next rows of a recorder that wait to be masked.
 * @param {Recorder} recorder
 * @returns {Batch | undefined}
 */
function nextBatch(recorder) {
  const request = recorder.takeMaskRequest();
  if (request === null) return undefined;
  const { batch, content } = parse(request);
  return { recorder, batch, content, masked: [], cut: 0 };
}

/**
 * Masked rows for the native part. Empty if they cannot be written, such as values that the application has changed
 * since: marks then replace the content of the rows.
 * @param {readonly RowContent[]} masked
 * @returns {import('./native-types.d.ts').JsonString<readonly RowContent[]>}
 */
function jsonOf(masked) {
  try {
    return toJson(masked);
  } catch {
    return /** @type {any} */ ('');
  }
}

/**
 * An error that also states which fields could not be masked.
 * @param {unknown} error the row's own error
 * @param {string[]} failures
 */
function withFailures(error, failures) {
  if (error === undefined || error === null) return failures.join('; ');
  return [typeof error === 'string' ? error : JSON.stringify(error), ...failures].join('; ');
}

module.exports = { Masking };
