'use strict';

// The exporter of a process: its recorder, its settings, flush and shutdown. Every exported function ends up here,
// returns at once and does not throw. The native part translates and delivers.

const { Capture } = require('./capture.js');
const { currentWork } = require('./context.js');
const { takeCut } = require('./json/cut.js');
const { parse, toJson } = require('./json/json-string.js');
const { Masking } = require('./masking.js');
const { NO_STATS } = require('./no-stats.js');
const { pickOptions } = require('./options.js');
const { messageOf } = require('./json/json-safe-copy.js');
const { stringify } = require('./json/stringify.js');
const { Diagnostics } = require('./diagnostics.js');
const { isStrict } = require('./variables.js');
const { warn } = require('./warn.js');

/** The default timeout of `flush()` and `close()`, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** @typedef {import('./host.d.ts').HostRecorder} Recorder */

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
  #host;
  #masking;
  #diagnostics;

  /** @param {import('./host.d.ts').Host} host */
  constructor(host) {
    this.#host = host;
    this.#masking = new Masking(() => this.#recorders(), host.hasTimers);
    const native = {
      take: () => this.#recorders().flatMap((recorder) => parse(recorder.takeDiagnostics())),
      isIdle: () => this.#recorders().every((recorder) => recorder.isIdle()),
    };
    this.#diagnostics = new Diagnostics(native, host.hasTimers);
    host.attach({
      mask: (recorder) => this.#masking.maskInTime(recorder),
      report: () => this.#diagnostics.report(),
      reset: () => {
        if (this.#capture) this.#capture = new Capture(host.load());
      },
    });
    // In strict mode the import itself throws without a native binary.
    if (isStrict()) host.load();
    else host.preload();
  }

  /** @type {typeof import('../index.d.ts').initLogger} */
  init(options = {}) {
    try {
      this.#diagnostics.listen(options?.onError);
      this.#start(options);
      if (options?.handleSignals === true) this.#host.endOnSignals();
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
   * @returns {Promise<void> | undefined} the delivery, for runtimes that wait for it
   */
  observe(event) {
    const recorder = this.#recorder;
    const capture = this.#capture;
    if (recorder === undefined || capture === undefined) return undefined;
    try {
      if (!capture.wants(event)) return undefined;
      if (this.#closed) recorder.refuse();
      else {
        const owner = recorder.current?.();
        const to = owner ?? recorder;
        capture.take(event, (text, priority) => to.record(text, priority, takeCut()), owner);
      }
      this.#schedulePolls();
    } catch {
      this.#recordUnreadable(recorder);
    }
    return this.#host.delivery();
  }

  /** Rows are expected. Mostly there is nothing to do, which is seen here at once. */
  #schedulePolls() {
    if (this.#masking.isWanted) this.#masking.schedulePoll();
    if (this.#diagnostics.isWanted) this.#diagnostics.schedulePoll();
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
      this.#schedulePolls();
      const isCut = takeCut();
      if (!this.#closed) {
        const text = stringify(event);
        return recorder.record(text, this.#host.load().Priority[priority], takeCut() || isCut);
      }
      recorder.refuse();
    } catch {
      this.#recordUnreadable(recorder);
    } finally {
      void this.#host.delivery();
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
      return this.#host.load().flueSpan(toJson({ ...ids, traceId }));
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
      recorder.record(UNREADABLE, this.#host.load().Priority.Start, false);
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
    if (this.#recorder === undefined) return { complete: true, ...NO_STATS };
    this.#masking.schedulePoll();
    const report = await this.#recorder.flush(timeoutOf(options));
    this.#diagnostics.report();
    return parse(report);
  }

  /** @type {typeof import('../index.d.ts').stats} */
  stats() {
    return this.#recorder === undefined ? NO_STATS : parse(this.#recorder.stats());
  }

  /** @type {typeof import('../index.d.ts').close} */
  async close(options) {
    if (this.#recorder === undefined) return { complete: true, ...NO_STATS };
    this.#closed = true;
    this.#masking.schedulePoll();
    const report = await this.#recorder.close(timeoutOf(options));
    this.#diagnostics.report();
    return parse(report);
  }

  /** @param {import('../index.d.ts').InitLoggerOptions} options */
  #start(options) {
    const { env, file, unreadable } = this.#host.environment();
    if (unreadable !== undefined) warn('ENV_FILE', `${unreadable} It is ignored.`);
    const settings = toJson({ options: pickOptions(options), env, file });
    this.#host.keepIn(options?.storage);
    if (this.#recorder !== undefined && !this.#closed && settings === this.#settings) return;

    const native = this.#host.load();
    const recorder = new native.Recorder(settings);
    this.#masking.attach(recorder);
    this.#shutdownReplaced();
    this.#recorder = recorder;
    this.#settings = settings;
    this.#closed = false;
    this.#capture = new Capture(native);
    this.#host.endAtExit(this);
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
   * Begins a step of the end of the process: after `process.exit` and uncaught errors no promise settles and no native
   * hook runs, but `exit` listeners do, and may block. Never throws.
   * @param {import('./exit.js').Step} step
   */
  beginExit(step) {
    this.#atExit(() => {
      const { ExitStep } = this.#host.load();
      const left = this.#recorders().map((recorder) => recorder.beginExit(ExitStep[step]));
      this.#masking.beginExit(Math.max(0, ...left));
    });
  }

  /**
   * Blocks until the step is done, at most for the exit timeout. Never throws.
   * @param {import('./exit.js').Step} step
   */
  waitExit(step) {
    this.#atExit(() => {
      const { ExitStep } = this.#host.load();
      for (const recorder of this.#recorders()) {
        // At first what is being masked already: the native part waits for it.
        do this.#masking.maskInTime(recorder);
        while (!recorder.waitExit(ExitStep[step]));
      }
    });
    this.#diagnostics.report();
  }

  /** @param {() => void} work */
  #atExit(work) {
    try {
      work();
    } catch (error) {
      warn('EXIT', `The last rows could not be delivered: ${messageOf(error)}.`);
    }
  }

  #recorders() {
    return [...this.#replaced, ...(this.#recorder ? [this.#recorder] : [])];
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
