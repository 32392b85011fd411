'use strict';

// The application's masking function: when it is called, with what, and what its failures become.

const { parse, toJson } = require('./json/json-string.js');
const { classOf } = require('./json/json-safe-copy.js');
const { toJsonSafe } = require('./json/stringify.js');

/** @typedef {import('../index.d.ts').MaskingFunction} MaskingFunction */
/** @typedef {import('../native.d.ts').Recorder} Recorder */
/** @typedef {import('./native-types.d.ts').RowContent} RowContent */

/** How often the native part is asked for rows while there are any, and otherwise, in milliseconds. */
const POLL_ACTIVE_MS = 20;
const POLL_IDLE_MS = 1000;

/** In the place of masked content: the native part writes marks then. */
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

/** What a field must be for the server; the others may be anything. @type {Record<string, (value: any) => boolean>} */
const SHAPES = {
  metadata: isObject,
  context: isObject,
  scores: isObject,
  metrics: isObject,
  tags: (value) => Array.isArray(value) && value.every((tag) => typeof tag === 'string'),
  name: (value) => typeof value === 'string',
};

/** Fields that have no room for a mark: it becomes a part of the error. */
const WITHOUT_ROOM = new Set(['context', 'scores', 'metrics', 'tags']);

/**
 * Calls the application's masking function with what rows say, before the native part makes bytes of them.
 * The native part is asked for such rows instead of calling by itself: nothing of ours then runs between two
 * steps of the application.
 */
class Masking {
  /** @type {MaskingFunction | null} */
  #mask = null;
  /** @type {() => readonly Recorder[]} */
  #recorders;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** What the masking function is at work on. @type {{ recorder: Recorder, batch: number } | undefined} */
  #running;
  /** When something last had to do with rows. */
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

  /** Lets a recorder know whether its rows are masked. @param {Recorder} recorder */
  attach(recorder) {
    recorder.setMasking(this.#mask !== null);
    this.schedulePoll();
  }

  /** Rows will be there soon. */
  schedulePoll() {
    if (this.#mask === null) return;
    const now = performance.now();
    const wasIdle = now - this.#activeAt > POLL_IDLE_MS;
    this.#activeAt = now;
    if (this.#timer === undefined || wasIdle) this.#schedule(POLL_ACTIVE_MS);
  }

  /** Masks what there is now, all of it. @param {Recorder} recorder */
  maskAll(recorder) {
    while (this.#maskSome(recorder));
  }

  /** The process ends: should the masking function itself have ended it, its work is not waited for. */
  cancelRunning() {
    const running = this.#running;
    this.#running = undefined;
    running?.recorder.completeMasking(running.batch, NOTHING);
  }

  /** @param {number} ms */
  #schedule(ms) {
    clearTimeout(this.#timer);
    // It keeps no process alive: at its end what remains is masked.
    this.#timer = setTimeout(() => this.#poll(), ms).unref();
  }

  /** Masks a part of what there is, so that the application gets its turn. */
  #poll() {
    try {
      const some = this.#recorders().filter((recorder) => this.#maskSome(recorder));
      if (some.length > 0) this.#activeAt = performance.now();
      const isQuiet = performance.now() - this.#activeAt > POLL_IDLE_MS;
      this.#schedule(some.length > 0 ? 0 : isQuiet ? POLL_IDLE_MS : POLL_ACTIVE_MS);
    } catch {
      // The native part cannot be asked any more: the process ends.
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
      // A failure that is taken back says nothing.
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
 * @returns {{ value?: unknown, failure?: string }} of a failure nothing but its class is told
 */
function maskField(mask, field, value) {
  const failed = (/** @type {string} */ why) => ({
    failure: `ERROR: Failed to mask field '${field}' - ${why}`,
  });
  try {
    const masked = mask(/** @type {any} */ (value));
    if (masked === undefined) return {};
    if (masked instanceof Promise) {
      // Nobody else would hear that it was rejected.
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
 * @param {unknown} error what the row says already
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
