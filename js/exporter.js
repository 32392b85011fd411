'use strict';

const { Capture } = require('./capture.js');
const { environment, isStrict } = require('./environment.js');
const { loadNative } = require('./native-loader.js');
const { pickOptions } = require('./options.js');
const { warn } = require('./warn.js');

/** How long `flush()` and `close()` wait unless told otherwise, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** @type {import('../index.d.ts').Stats} */
const NOTHING = Object.freeze({
  events: 0,
  accepted: 0,
  sent: 0,
  pending: 0,
  lost: Object.freeze({}),
  requests: 0,
  retries: 0,
  bytesSent: 0,
  openSpans: 0,
  lastError: null,
});

/** @typedef {import('../native.d.ts').Recorder} Recorder */

/**
 * The process-wide exporter behind the exported functions. Until it is initialised, and whenever it
 * cannot be, every method does nothing: tracing never breaks the application.
 */
class Exporter {
  /** @type {Recorder | undefined} */
  #recorder;
  /** What the recorder was made from: the same again is no reason for another one. */
  #settings = '';
  #closed = false;
  /** Recorders that were replaced, and may still have something to deliver. @type {Recorder[]} */
  #retired = [];
  #capture = new Capture([]);
  #listening = false;

  constructor() {
    // Those who asked to hear of a missing binary hear of it at once.
    if (isStrict()) loadNative();
  }

  /** @type {typeof import('../index.d.ts').initLogger} */
  init(options = {}) {
    try {
      this.#start(options);
    } catch (error) {
      if (isStrict()) throw error;
      warn('NOT_STARTED', `${messageOf(error)}; the application runs on without tracing.`);
    }
    return {
      flush: (options) => this.flush(options),
      stats: () => this.stats(),
      close: (options) => this.close(options),
    };
  }

  /**
   * Takes one event. Never throws.
   * @param {unknown} event
   */
  observe(event) {
    try {
      const recorder = this.#recorder;
      if (recorder === undefined || !this.#capture.wants(event)) return;
      if (this.#closed) recorder.refuse();
      else this.#capture.take(event, (text) => recorder.record(text));
    } catch (error) {
      warn('EVENT_LOST', `An event could not be recorded: ${messageOf(error)}.`);
    }
  }

  /** @type {typeof import('../index.d.ts').flush} */
  async flush(options) {
    if (this.#recorder === undefined) return { complete: true, ...NOTHING };
    return JSON.parse(await this.#recorder.flush(timeoutOf(options)));
  }

  /** @type {typeof import('../index.d.ts').stats} */
  stats() {
    return this.#recorder === undefined ? NOTHING : JSON.parse(this.#recorder.stats());
  }

  /** @type {typeof import('../index.d.ts').close} */
  async close(options) {
    if (this.#recorder === undefined) return { complete: true, ...NOTHING };
    this.#closed = true;
    return JSON.parse(await this.#recorder.close(timeoutOf(options)));
  }

  /** @param {import('../index.d.ts').InitLoggerOptions} options */
  #start(options) {
    const settings = JSON.stringify({ options: pickOptions(options), ...environment() });
    if (this.#recorder !== undefined && !this.#closed && settings === this.#settings) return;

    const { Recorder, translatedKinds } = loadNative();
    const recorder = new Recorder(settings);
    this.#retire();
    this.#recorder = recorder;
    this.#settings = settings;
    this.#closed = false;
    this.#capture = new Capture(translatedKinds());
    this.#finishAtExit();
  }

  /** The recorder delivers what it has while another takes its place. */
  #retire() {
    if (this.#recorder === undefined) return;
    this.#recorder.retire(DEFAULT_TIMEOUT_MS);
    this.#retired = this.#retired.filter((recorder) => !recorder.isAtRest());
    this.#retired.push(this.#recorder);
  }

  /**
   * `process.exit` and uncaught errors await nothing and run no native hook: this listener is all that
   * runs, and it may wait.
   */
  #finishAtExit() {
    if (this.#listening) return;
    this.#listening = true;
    process.on('exit', () => {
      try {
        const recorders = [...this.#retired, ...(this.#recorder ? [this.#recorder] : [])];
        // All at once: the end waits for the slowest, not for their sum.
        for (const recorder of recorders) recorder.beginFinish();
        for (const recorder of recorders) recorder.finish();
      } catch (error) {
        warn('EXIT', `The last rows could not be delivered: ${messageOf(error)}.`);
      }
    });
  }
}

/**
 * Anything that is no number of milliseconds means the default.
 * @param {import('../index.d.ts').FlushOptions | null | undefined} options
 */
function timeoutOf(options) {
  const timeoutMs = options?.timeoutMs;
  return typeof timeoutMs === 'number' && !Number.isNaN(timeoutMs) ? timeoutMs : DEFAULT_TIMEOUT_MS;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

module.exports = { Exporter };
