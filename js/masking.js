'use strict';

// Calls the application's masking function, and turns its failures into marks.

const { parse, toJson } = require('./json/json-string.js');
const { classOf } = require('./json/json-safe-copy.js');
const { toJsonSafe } = require('./json/stringify.js');

/** @typedef {import('../index.d.ts').MaskingFunction} MaskingFunction */
/** @typedef {import('../native.d.ts').Recorder} Recorder */
/** @typedef {import('./native-types.d.ts').RowContent} RowContent */

/** How often the native part is polled for rows, while there are some and otherwise, in milliseconds. */
const POLL_ACTIVE_MS = 20;
const POLL_IDLE_MS = 1000;

/** An answer without content: the native part writes marks instead. */
const NOTHING = toJson(/** @type {readonly RowContent[]} */ ([]));

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
];

/** The shapes that the server accepts; other fields may be anything. @type {Record<string, (value: any) => boolean>} */
const SHAPES = {
  metadata: isObject,
  context: isObject,
  scores: isObject,
  metrics: isObject,
  tags: (value) => Array.isArray(value) && value.every((tag) => typeof tag === 'string'),
  name: (value) => typeof value === 'string',
};

/** Fields that cannot hold a mark: it becomes a part of the error. */
const WITHOUT_ROOM = new Set(['context', 'scores', 'metrics', 'tags']);

/**
 * Calls the application's masking function with the content of rows before the native part encodes them. Polls the
 * native part, so that no callback of this package runs between two steps of the application.
 */
class Masking {
  /** @type {MaskingFunction | null} */
  #mask = null;
  /** @type {() => readonly Recorder[]} */
  #recorders;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** The batch that the masking function works on. @type {{ recorder: Recorder, batch: number } | undefined} */
  #running;
  /** When rows were last recorded or masked, by `performance.now()`. */
  #activeAt = 0;

  /** @param {() => readonly Recorder[]} recorders those that may have rows to mask */
  constructor(recorders) {
    this.#recorders = recorders;
  }

  /** @param {MaskingFunction | null} mask null for none */
  set(mask) {
    this.#mask = mask;
    for (const recorder of this.#recorders()) this.attach(recorder);
  }

  /** Sets whether a recorder's rows are masked. @param {Recorder} recorder */
  attach(recorder) {
    recorder.setMasking(this.#mask !== null);
    this.schedulePoll();
  }

  /** Schedules a poll: rows are expected. Does nothing without a masking function. */
  schedulePoll() {
    if (this.#mask === null) return;
    const now = performance.now();
    const wasIdle = now - this.#activeAt > POLL_IDLE_MS;
    this.#activeAt = now;
    if (this.#timer === undefined || wasIdle) this.#schedule(POLL_ACTIVE_MS);
  }

  /** Masks every row that waits now. @param {Recorder} recorder */
  maskAll(recorder) {
    while (this.#maskSome(recorder));
  }

  /** Answers the batch of a masking function that ended the process itself. */
  cancelRunning() {
    const running = this.#running;
    this.#running = undefined;
    running?.recorder.completeMasking(running.batch, NOTHING);
  }

  /** @param {number} ms */
  #schedule(ms) {
    clearTimeout(this.#timer);
    // The timer does not keep the process alive: the rest is masked at exit.
    this.#timer = setTimeout(() => this.#poll(), ms).unref();
  }

  /** Masks one batch of each recorder, so that the application gets its turn. */
  #poll() {
    try {
      const some = this.#recorders().filter((recorder) => this.#maskSome(recorder));
      if (some.length > 0) this.#activeAt = performance.now();
      const isQuiet = performance.now() - this.#activeAt > POLL_IDLE_MS;
      this.#schedule(some.length > 0 ? 0 : isQuiet ? POLL_IDLE_MS : POLL_ACTIVE_MS);
    } catch {
      // The environment is being torn down.
    }
  }

  /**
   * @param {Recorder} recorder
   * @returns {boolean} whether there was something
   */
  #maskSome(recorder) {
    const unmasked = recorder.takeMaskRequest();
    if (unmasked === null) return false;
    const { batch, content } = parse(unmasked);
    this.#running = { recorder, batch };
    const masked = toJson(content.map((row) => this.#maskRow(row)));
    this.#running = undefined;
    recorder.completeMasking(batch, masked);
    return true;
  }

  /** @param {RowContent} row */
  #maskRow(row) {
    const mask = this.#mask;
    if (mask === null) return row;
    /** @type {RowContent} */
    const masked = {};
    const failures = [];
    for (const field of FIELDS) {
      // Null takes an earlier value back.
      if (!(field in row) || row[field] === null) {
        if (field in row) masked[field] = null;
        continue;
      }
      const { value, failure } = maskField(mask, field, row[field]);
      if (failure === undefined) masked[field] = value;
      else if (WITHOUT_ROOM.has(field)) failures.push(failure);
      else masked[field] = field === 'metadata' ? { error: failure } : failure;
    }
    if (failures.length > 0) masked.error = joined(masked.error, failures);
    return masked;
  }
}

/**
 * @param {MaskingFunction} mask
 * @param {string} field
 * @param {unknown} value
 * @returns {{ value?: unknown, failure?: string }} a failure names the class of what was thrown, never its message
 */
function maskField(mask, field, value) {
  const failed = (/** @type {string} */ why) => ({
    failure: `ERROR: Failed to mask field '${field}' - ${why}`,
  });
  try {
    const masked = mask(/** @type {any} */ (value));
    if (masked === undefined) return {};
    if (masked instanceof Promise) {
      // Keeps a rejection from ending the process.
      masked.catch(() => {});
      return failed('Promise');
    }
    const plain = toJsonSafe(masked);
    return SHAPES[field]?.(plain) === false ? failed(classOf(plain)) : { value: plain };
  } catch (error) {
    return failed(classOf(error));
  }
}

/**
 * @param {unknown} error the row's own error
 * @param {string[]} failures
 */
function joined(error, failures) {
  if (error === undefined || error === null) return failures.join('; ');
  return [typeof error === 'string' ? error : JSON.stringify(error), ...failures].join('; ');
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

module.exports = { Masking };
