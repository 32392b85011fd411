'use strict';

// The exporter of a process: its recorder, its settings, and what happens at its end. Every function that
// applications call leads here, returns at once and does not throw. Translation and delivery are the native
// part's.

const { Capture } = require('./capture.js');
const { currentWork } = require('./context.js');
const { environment, isStrict } = require('./environment.js');
const { parse, toJson } = require('./json/json-string.js');
const { Masking } = require('./masking.js');
const { loadNative } = require('./native-loader.js');
const { pickOptions } = require('./options.js');
const { messageOf } = require('./json/json-safe-copy.js');
const { handleSignals } = require('./signals.js');
const { stringify } = require('./json/stringify.js');
const { Diagnostics } = require('./diagnostics.js');
const { warn } = require('./warn.js');

/** How long `flush()` and `close()` wait unless told otherwise, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

const NO_ACCOUNTS = Object.freeze({
  accepted: 0,
  sent: 0,
  pending: 0,
  spooled: 0,
  lost: Object.freeze({}),
});

/** @type {import('../index.d.ts').Stats} */
const NOTHING = Object.freeze({
  ...NO_ACCOUNTS,
  events: 0,
  bytes: NO_ACCOUNTS,
  cut: 0,
  requests: 0,
  retries: 0,
  bytesSent: 0,
  openSpans: 0,
  lastError: null,
});

/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */

/** @typedef {import('../native.d.ts').Recorder} Recorder */

/** @typedef {import('../native.d.ts').Priority} Priority */

/** A text that is no event: it is counted as one that could not be read. */
const UNREADABLE = '{}';

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
  #replaced = [];
  /** There from the first recorder on. @type {InstanceType<typeof Capture> | undefined} */
  #capture;
  #listening = false;
  #handlesSignals = false;
  #masking = new Masking(() => this.#recorders());
  #diagnostics = new Diagnostics(() => this.#takeDiagnostics());

  constructor() {
    // Those who asked to hear of a missing binary hear of it at once.
    if (isStrict()) loadNative();
  }

  /** @type {typeof import('../index.d.ts').initLogger} */
  init(options = {}) {
    try {
      this.#diagnostics.listen(options?.onError);
      this.#start(options);
      if (options?.handleSignals === true) this.#handleSignals();
    } catch (error) {
      if (options?.redact || options?.content !== undefined) this.#disable();
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
    const [recorder, capture] = [this.#recorder, this.#capture];
    if (recorder === undefined || capture === undefined) return;
    try {
      if (!capture.wants(event)) return;
      if (this.#closed) recorder.refuse();
      else capture.take(event, (text, priority) => recorder.record(text, priority));
      this.#masking.schedulePoll();
    } catch {
      this.#recordUnreadable(recorder);
    }
  }

  /** Whether anything is traced. */
  get isOn() {
    return this.#recorder !== undefined;
  }

  /**
   * Takes an event of the application's own spans. Never throws.
   * @param {object} event
   * @param {keyof typeof import('../native.d.ts').Priority} priority
   * @returns {boolean} whether there was room; also when nobody listens any more, which is counted
   */
  record(event, priority) {
    const recorder = this.#recorder;
    if (recorder === undefined) return true;
    try {
      this.#masking.schedulePoll();
      if (!this.#closed) return recorder.record(stringify(event), loadNative().Priority[priority]);
      recorder.refuse();
    } catch {
      this.#recordUnreadable(recorder);
    }
    return true;
  }

  /**
   * The span of Flue's with those ids: of its row and its trace. Nothing where that is not to be had.
   * @param {Record<string, unknown>} ids
   * @returns {string[] | undefined}
   */
  flueSpan(ids) {
    try {
      const traceId = ids.traceId ?? this.caller()?.traceparent.split('-')[1];
      return loadNative().flueSpan(toJson({ ...ids, traceId }));
    } catch {
      return undefined;
    }
  }

  /**
   * Where the caller of the work that runs now stands, if traces join that of their caller.
   * @param {ReturnType<Exporter['traceDestination']>} [destination] where spans are shown, if that is known already
   */
  caller(destination = this.traceDestination()) {
    return destination?.distributed ? currentWork()?.root?.carrier : undefined;
  }

  /**
   * Where spans are shown, as far as known.
   * @returns {import('./native-types.d.ts').TraceDestination | undefined}
   */
  traceDestination() {
    try {
      return this.#recorder && parse(this.#recorder.traceDestination());
    } catch {
      // The process is past the point at which the native part can be asked.
      return undefined;
    }
  }

  /**
   * The native part counts and reports what cannot even be asked for its type.
   * @param {Recorder} recorder
   */
  #recordUnreadable(recorder) {
    try {
      recorder.record(UNREADABLE, loadNative().Priority.Start);
    } catch (error) {
      warn('EVENT_LOST', `An event could not be handed over: ${messageOf(error)}.`);
    }
  }

  /** @type {typeof import('../index.d.ts').setMaskingFunction} */
  setMaskingFunction(mask) {
    if (mask !== null && mask !== undefined && typeof mask !== 'function') {
      // Nothing may leave unmasked because of a mistake.
      warn(
        'NO_MASK',
        'setMaskingFunction was given no function; all content is replaced by marks.',
      );
      this.#masking.set(() => {
        throw new TypeError('no function');
      });
      return;
    }
    this.#masking.set(mask ?? null);
  }

  /** @type {typeof import('../index.d.ts').flush} */
  async flush(options) {
    if (this.#recorder === undefined) return { complete: true, ...NOTHING };
    this.#masking.schedulePoll();
    const report = await this.#recorder.flush(timeoutOf(options));
    this.#diagnostics.report();
    return parse(report);
  }

  /** @type {typeof import('../index.d.ts').stats} */
  stats() {
    return this.#recorder === undefined ? NOTHING : parse(this.#recorder.stats());
  }

  /** @type {typeof import('../index.d.ts').close} */
  async close(options) {
    if (this.#recorder === undefined) return { complete: true, ...NOTHING };
    this.#closed = true;
    this.#masking.schedulePoll();
    const report = await this.#recorder.close(timeoutOf(options));
    this.#diagnostics.report();
    return parse(report);
  }

  /** @param {import('../index.d.ts').InitLoggerOptions} options */
  #start(options) {
    const settings = toJson({ options: pickOptions(options), ...environment() });
    if (this.#recorder !== undefined && !this.#closed && settings === this.#settings) return;

    const native = loadNative();
    const recorder = new native.Recorder(settings);
    this.#masking.attach(recorder);
    this.#shutdownReplaced();
    this.#recorder = recorder;
    this.#settings = settings;
    this.#closed = false;
    this.#capture = new Capture(native);
    this.#listenForExit();
  }

  /** What was to be kept from leaving cannot be: nothing more is taken, also by a recorder that began before. */
  #disable() {
    this.#shutdownReplaced();
    this.#recorder = undefined;
    this.#settings = '';
  }

  /** The recorder delivers what it has while another takes its place. */
  #shutdownReplaced() {
    if (this.#recorder === undefined) return;
    this.#recorder.shutdownDetached(DEFAULT_TIMEOUT_MS);
    this.#replaced = this.#replaced.filter((recorder) => !recorder.isAtRest());
    this.#replaced.push(this.#recorder);
  }

  /**
   * `process.exit` and uncaught errors await nothing and run no native hook: this listener is all that
   * runs, and it may wait.
   */
  #listenForExit() {
    if (this.#listening) return;
    this.#listening = true;
    process.on('exit', () => this.#shutdownAtExit());
  }

  /** Delivers what it can, and waits for it no longer than the exit timeout. */
  #shutdownAtExit() {
    try {
      const recorders = this.#recorders();
      // All at once: the end waits for the slowest, not for their sum.
      for (const recorder of recorders) recorder.beginShutdown();
      this.#masking.cancelRunning();
      for (const recorder of recorders) {
        while (!recorder.waitShutdown()) this.#masking.maskAll(recorder);
      }
    } catch (error) {
      warn('EXIT', `The last rows could not be delivered: ${messageOf(error)}.`);
    }
    this.#diagnostics.report();
  }

  #handleSignals() {
    if (this.#handlesSignals) return;
    this.#handlesSignals = true;
    handleSignals({ now: () => this.#shutdownAtExit(), soon: () => void this.flush() });
  }

  #recorders() {
    return [...this.#replaced, ...(this.#recorder ? [this.#recorder] : [])];
  }

  /** @returns {Diagnostic[]} */
  #takeDiagnostics() {
    return this.#recorders().flatMap((recorder) => parse(recorder.takeDiagnostics()));
  }
}

/**
 * Anything that is no number of milliseconds means the default.
 * @param {import('../index.d.ts').FlushOptions | null | undefined} options
 */
function timeoutOf(options) {
  try {
    const timeoutMs = options?.timeoutMs;
    if (typeof timeoutMs === 'number' && !Number.isNaN(timeoutMs)) return timeoutMs;
  } catch {
    // Who asks for nothing readable gets the default.
  }
  return DEFAULT_TIMEOUT_MS;
}

module.exports = { Exporter };
