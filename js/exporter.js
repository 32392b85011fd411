'use strict';

const { capture } = require('./capture.js');
const { environment, isStrict } = require('./environment.js');
const { loadNative } = require('./native-loader.js');
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

/**
 * The process-wide exporter behind the exported functions. Until it is initialised, and whenever it
 * cannot be, every method does nothing: tracing never breaks the application.
 */
class Exporter {
  /** @type {import('../native.d.ts').Recorder | undefined} */
  #recorder;
  /** What the recorder was made from: the same again is no reason for another one. */
  #settings = '';
  /** @type {ReadonlySet<unknown>} */
  #kinds = new Set();
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
      warn('NOT_STARTED', `${messageOf(error)}. The application runs on without tracing.`);
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
      if (recorder === undefined) return;
      if (!this.#kinds.has(/** @type {{ type?: unknown } | undefined} */ (event)?.type)) return;
      recorder.record(capture(event));
    } catch (error) {
      warn('EVENT_LOST', `An event could not be recorded: ${messageOf(error)}.`);
    }
  }

  /** @type {typeof import('../index.d.ts').flush} */
  async flush({ timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
    if (this.#recorder === undefined) return { complete: true, ...NOTHING };
    return JSON.parse(await this.#recorder.flush(timeoutMs));
  }

  /** @type {typeof import('../index.d.ts').stats} */
  stats() {
    return this.#recorder === undefined ? NOTHING : JSON.parse(this.#recorder.stats());
  }

  /** @type {typeof import('../index.d.ts').close} */
  async close({ timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
    if (this.#recorder === undefined) return { complete: true, ...NOTHING };
    this.#settings = '';
    return JSON.parse(await this.#recorder.close(timeoutMs));
  }

  /** @param {import('../index.d.ts').InitLoggerOptions} options */
  #start(options) {
    const settings = JSON.stringify({ options, ...environment() });
    if (this.#recorder !== undefined && settings === this.#settings) return;

    const { Recorder, translatedKinds } = loadNative();
    const recorder = new Recorder(settings);
    // The earlier recorder delivers what it has, then ends.
    void this.#recorder?.close(DEFAULT_TIMEOUT_MS);
    this.#recorder = recorder;
    this.#settings = settings;
    this.#kinds = new Set(translatedKinds());
    this.#finishAtExit();
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
        this.#recorder?.finish();
      } catch (error) {
        warn('EXIT', `The last spans could not be delivered: ${messageOf(error)}.`);
      }
    });
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

module.exports = { Exporter };
