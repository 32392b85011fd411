'use strict';

// The exporter of a process: its recorder, its settings, flush and shutdown. Every exported function ends up here,
// returns at once and does not throw. The native part translates and delivers.

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

/** The default timeout of `flush()` and `close()`, in milliseconds. */
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

/** A text that is no event: the native part counts it as unreadable. */
const UNREADABLE = '{}';

/**
 * The process-wide exporter behind the exported functions. Until it is initialised, and when initialisation fails,
 * every method does nothing: tracing never breaks the application.
 */
class Exporter {
  /** @type {Recorder | undefined} */
  #recorder;
  /** The settings of the recorder: `init` with the same settings keeps it. */
  #settings = '';
  #closed = false;
  /** Replaced recorders that may still deliver. @type {Recorder[]} */
  #replaced = [];
  /** Set with the first recorder. @type {InstanceType<typeof Capture> | undefined} */
  #capture;
  #listening = false;
  #handlesSignals = false;
  #masking = new Masking(() => this.#recorders());
  #diagnostics = new Diagnostics(() => this.#takeDiagnostics());

  constructor() {
    // In strict mode the import itself throws without a native binary.
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
   * Records one event. Never throws.
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

  /** Whether there is a recorder. */
  get isOn() {
    return this.#recorder !== undefined;
  }

  /**
   * Records an event of a custom span. Never throws.
   * @param {object} event
   * @param {keyof typeof import('../native.d.ts').Priority} priority
   * @returns {boolean} false when the queue refused it; true after `close()`, too, which counts it as lost
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
   * The row id and the trace id of the Flue span with these ids; undefined when the native part is gone.
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
   * The trace context of the caller of the work that runs now, if traces join those of their callers.
   * @param {ReturnType<Exporter['traceDestination']>} [destination] where spans are shown, if that is known already
   */
  caller(destination = this.traceDestination()) {
    return destination?.distributed ? currentWork()?.root?.carrier : undefined;
  }

  /**
   * Where Braintrust shows spans, as far as known.
   * @returns {import('./native-types.d.ts').TraceDestination | undefined}
   */
  traceDestination() {
    try {
      return this.#recorder && parse(this.#recorder.traceDestination());
    } catch {
      // The environment is being torn down.
      return undefined;
    }
  }

  /**
   * Counts an event that throws when its type is read.
   * @param {Recorder} recorder
   */
  #recordUnreadable(recorder) {
    try {
      recorder.record(UNREADABLE, loadNative().Priority.Start);
    } catch (error) {
      warn('EVENT_LOST', `An event could not be recorded: ${messageOf(error)}.`);
    }
  }

  /** @type {typeof import('../index.d.ts').setMaskingFunction} */
  setMaskingFunction(mask) {
    if (mask !== null && mask !== undefined && typeof mask !== 'function') {
      // A mistake must not let content leave unmasked.
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

  /** Content rules cannot be applied: disables the exporter, whose last recorder delivers what it has. */
  #disable() {
    this.#shutdownReplaced();
    this.#recorder = undefined;
    this.#settings = '';
  }

  /** Shuts the replaced recorder down in the background. */
  #shutdownReplaced() {
    if (this.#recorder === undefined) return;
    this.#recorder.shutdownDetached(DEFAULT_TIMEOUT_MS);
    this.#replaced = this.#replaced.filter((recorder) => !recorder.isAtRest());
    this.#replaced.push(this.#recorder);
  }

  /**
   * Shuts down in the `exit` event: after `process.exit` and uncaught errors no promise settles and no native hook
   * runs, but this listener does, and may block.
   */
  #listenForExit() {
    if (this.#listening) return;
    this.#listening = true;
    process.on('exit', () => this.#shutdownAtExit());
  }

  /** Shuts every recorder down; blocks for at most the exit timeout. */
  #shutdownAtExit() {
    try {
      const recorders = this.#recorders();
      // Side by side: this waits for the slowest, not for their sum.
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
 * The timeout in milliseconds; the default for anything that is no number.
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

module.exports = { Exporter };
