'use strict';

// The destination of a logger's spans: a recorder with its settings, and what it keeps of the events that it received.

const { currentWork } = require('./context.js');
const { Delivery } = require('./delivery.js');
const { Enrichment } = require('./enrichment.js');
const { FlueEvents } = require('./flue-events.js');
const { parse } = require('./json/json-string.js');
const { messageOf } = require('./json/describe.js');
const { JSON } = require('./json/own-json.js');
const { Lingering } = require('./lingering.js');
const { Login } = require('./login.js');
const { OwnEvents } = require('./own-events.js');
const { PendingFiles } = require('./pending-files.js');
const { SlugDestinations } = require('./slug-destinations.js');
const { Sampling } = require('./sampling.js');
const { warn } = require('./warn.js');
const { weakly } = require('./weak.js');

/** How long a file is waited for where its request may end before it is read, in milliseconds. */
const FILE_MS = 60_000;

/** A text that is not an event: the native part counts it as unreadable. */
const UNREADABLE = '{}';

/** @typedef {import('./host.d.ts').HostRecorder} Recorder */
/** @typedef {InstanceType<typeof import('./routes.js').Routes>} Routes */
/** @typedef {import('../index.d.ts').Diagnostic} Diagnostic */
/** @typedef {import('./held-events.js').Admission} Admission */
/** @typedef {import('./held-events.js').Priority} Priority */

/** @typedef {import('./exporter-services.d.ts').ExporterServices} ExporterServices */

/** One recorder behind a logger and its spans. Its methods do not throw; `isIdle` may. */
class Destination {
  /** Whether anything is recorded. */
  isOn = true;
  /** Whether the module-level functions use it. */
  isCurrent = false;
  /** The same when it was closed. */
  wasCurrent = false;
  /** A weak reference, for holders that must not keep it alive. */
  reference = weakly(this);
  /** The logger's own function for diagnostics. @type {((diagnostic: Diagnostic) => unknown) | undefined} */
  onError;
  /** What the application adds to traces. @type {InstanceType<typeof Enrichment> | undefined} */
  enrichment;
  /** Which traces are recorded; undefined: all. @type {InstanceType<typeof Sampling> | undefined} */
  sampling;
  /** The options that it was made with. @type {import('../index.d.ts').InitLoggerOptions} */
  options = {};
  /**
   * The variables and the file that it was made with.
   * @type {{ env: Record<string, string>, file: Record<string, string> }}
   */
  environment = { env: {}, file: {} };
  /** Starts another recorder with the same settings. @type {() => Recorder} */
  start = () => this.recorder;
  /** The experiment that its rows go to, in place of the logs of a project. @type {string | undefined} */
  experimentId;
  /**
   * The destination of the logger for which a slug has opened this one; undefined if it is a logger's own.
   * @type {Destination | undefined}
   */
  opener;
  #files;
  #slugDestinations;
  #delivery;
  #host;
  #services;
  /** Whether it has a spool, and so restores what ended processes left. */
  hasSpool;
  /** Whether the configuration names the project by its id. Its name is unknown then. */
  isById;
  /** Only this class sets it. @type {Recorder} */
  recorder;
  #flueEvents;
  #ownEvents;
  /** Whether it records nothing more. Only this class sets it. */
  isClosed = false;
  #lingering;
  login;

  /**
   * @param {import('./host.d.ts').Host} host
   * @param {ExporterServices} services
   * @param {Recorder} recorder
   */
  constructor(host, services, recorder) {
    this.#host = host;
    this.#services = services;
    this.recorder = recorder;
    this.login = new Login(this, services);
    this.#lingering = new Lingering(this, host.hasTimers);
    this.#ownEvents = new OwnEvents(host, services.masking, this);
    this.#flueEvents = new FlueEvents(host, services, this);
    this.#files = new PendingFiles(host.hasTimers ? undefined : FILE_MS);
    this.#slugDestinations = new SlugDestinations(this, services.openers);
    this.#delivery = new Delivery({
      recorder: () => this.recorder,
      leftOut: () => this.sampling?.leftOut ?? 0,
      files: this.#files,
      slugDestinations: this.#slugDestinations,
      schedule: () => this.#services.schedule(),
      report: () => this.#services.report(),
      hasLoopEnded: host.hasLoopEnded,
    });
    const { projectId, isSampled, spoolDir } = this.traceDestination() ?? {};
    this.hasSpool = typeof spoolDir === 'string';
    this.isById = typeof projectId === 'string';
    if (isSampled) this.sampleBy(undefined);
  }

  /**
   * Records again after `close()`, by another recorder with the same settings. The counters restart at 0.
   * @param {Recorder} recorder
   */
  reopen(recorder) {
    this.isClosed = false;
    this.#delivery.startOver();
    if (this.sampling !== undefined) this.sampling.leftOut = 0;
    this.#replaceRecorder(recorder);
  }

  /**
   * Records on by another recorder, whose counters are added to those of the one that has ended.
   * @param {Recorder} recorder
   */
  renew(recorder) {
    this.#delivery.keepCounting(this.recorder);
    this.#replaceRecorder(recorder);
  }

  /** @param {Recorder} recorder */
  #replaceRecorder(recorder) {
    this.recorder = recorder;
    this.#slugDestinations.clear();
    this.reset();
  }

  /**
   * Which traces are recorded, by the application's function, else by their ids.
   * @param {((root: import('../index.d.ts').SampledRoot) => unknown) | undefined} sample
   */
  sampleBy(sample) {
    const keepsErrors = this.traceDestination()?.keepsErrors === true;
    const samples = (/** @type {string} */ traceId) => this.recorder.samples(traceId);
    this.sampling ??= new Sampling({ keepsErrors, samples });
    this.sampling.sample = sample;
  }

  /** Whether a trace is recorded, as far as no error decides. @param {string} traceId */
  recordsTrace(traceId) {
    return this.sampling?.records(traceId) ?? true;
  }

  /**
   * What the application has decided about the trace that an event of Flue's begins; undefined if the core decides.
   * @param {any} event
   */
  decisionOn(event) {
    return this.sampling?.decisionOnWork(this.keyOf(event));
  }

  /**
   * By what the run, the submission or the dispatch of an event is remembered; outside of them, the operation.
   * @param {any} event
   */
  keyOf(event) {
    return this.#services.callers.keys.of(event) ?? event.operationId;
  }

  /**
   * The application refers to a trace of Flue's whose root may begin here soon.
   * @param {string} traceId
   */
  awaitRoot(traceId) {
    this.#ownEvents.awaitRoot(traceId);
  }

  /** Whether the application's function decides which traces are recorded. */
  get decidesByFunction() {
    return this.sampling?.sample !== undefined;
  }

  /** Whether it is closed and delivers nothing more. */
  get isAtRest() {
    try {
      return this.isClosed && this.recorder.isAtRest();
    } catch {
      // The environment is being torn down.
      return true;
    }
  }

  /** Counts an event that could not be read, routed or written. */
  countLost() {
    try {
      this.recorder.record(UNREADABLE, this.#host.load().Priority.Start, false);
    } catch (error) {
      warn('EVENT_LOST', `An event could not be recorded: ${messageOf(error)}.`);
    }
  }

  /** How many updates have files that are still being read. */
  get unreadFiles() {
    return this.#files.size;
  }

  /** Warns of spans that went to the project of this logger although their slugs name another one. */
  checkSlugs() {
    this.#slugDestinations.check();
  }

  /**
   * The span under which the application runs the work of these ids here.
   * @param {import('./routes.js').Ids} ids
   */
  callerOf(ids) {
    return this.#services.callers.of(ids, this);
  }

  /**
   * Notes that the root of Flue's work has begun.
   * @param {import('./routes.js').Ids} ids
   */
  noteBegun(ids) {
    this.#services.callers.begin(ids);
  }

  /**
   * Runs Flue's work under a span.
   * @param {unknown} target a receipt of Flue's, or an id
   * @param {import('./exporter-services.d.ts').CallingSpan} span of this destination
   * @param {number} [since] only if the work begins later in the order of beginnings
   */
  adopt(target, span, since) {
    this.#services.adopt(target, { span, destination: this }, since);
  }

  /**
   * The destination of what a slug names: that of another logger, or one with these settings.
   * @param {import('./slug-destinations.js').SpanObject | undefined} object this one without
   * @param {boolean} [isKnown] only one that is there, else this one
   * @returns {Destination}
   */
  at(object, isKnown) {
    if (object === undefined) return this;
    const { opener } = this;
    return opener === undefined
      ? this.#slugDestinations.at(object, isKnown)
      : opener.at(object, isKnown);
  }

  /**
   * What a span propagates to other processes: what the content policy and the rules keep, and nothing where a masking
   * function would be called for rows.
   * @param {string} event as JSON
   * @returns {Record<string, any> | undefined}
   */
  redactPropagated(event) {
    if (this.#services.masking.wasSet) return undefined;
    try {
      return JSON.parse(this.recorder.redactPropagated(event) ?? 'null') ?? undefined;
    } catch {
      // The environment is being torn down.
      return undefined;
    }
  }

  /** Whether everything is delivered that was recorded here. Throws when the environment is being torn down. */
  get isIdle() {
    return this.#ownEvents.isEmpty && this.#files.isEmpty && this.recorder.isIdle();
  }

  /**
   * Takes the application's functions from the destination of a logger, where it has none.
   * @param {Destination} logger
   */
  takeFunctionsOf(logger) {
    this.onError ??= logger.onError;
    this.enrichment ??= logger.enrichment;
    const sample = logger.sampling?.sample;
    if (sample !== undefined && this.sampling?.sample === undefined) this.sampleBy(sample);
  }

  /** @param {(event: any) => import('../index.d.ts').TraceFields | null | undefined} enrich */
  enrichBy(enrich) {
    this.enrichment ??= new Enrichment();
    this.enrichment.enrich = enrich;
  }

  /** The next events are captured in full. */
  reset() {
    this.#flueEvents.reset();
  }

  /** Whether the module-level functions use it: then the exporter keeps it alive. @param {boolean} isCurrent */
  setCurrent(isCurrent) {
    this.isCurrent = isCurrent;
    if (!isCurrent) this.#lingering.begin();
  }

  /**
   * Records one event.
   * @param {any} event
   * @param {import('./capture.js').EventKind} kind
   * @param {Routes} routes notes where its work goes
   * @returns {Promise<void> | undefined} the delivery, for runtimes that wait for it
   */
  observe(event, kind, routes) {
    return this.#flueEvents.observe(event, kind, routes);
  }

  /**
   * Records an event of a custom span.
   * @param {object} event
   * @param {Priority} priority
   * @param {Admission} [admission] of the span: one that is refused records nothing more
   */
  record(event, priority, admission) {
    this.#ownEvents.record(event, priority, admission);
  }

  /** Records the events of custom spans whose trace is decided about. */
  releaseDecided() {
    this.#ownEvents.releaseDecided();
  }

  /** Records the events of custom spans that wait for a decision about their trace. */
  releaseAll() {
    this.#ownEvents.releaseAll();
  }

  /**
   * The trace context of the caller of the work that runs now, if traces join those of their callers.
   * @param {ReturnType<Destination['traceDestination']>} [destination] where spans are shown, if that is known already
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
      return parse(this.recorder.traceDestination());
    } catch {
      // The environment is being torn down.
      return undefined;
    }
  }

  /**
   * A file is recorded soon: a later `flush` waits for it.
   * @param {Promise<unknown>} work
   */
  defer(work) {
    const done = this.#files.add(work);
    this.#host.keepAlive?.(done);
  }

  /** @type {typeof import('../index.d.ts').flush} */
  flush(options) {
    this.releaseAll();
    return this.#delivery.flush(options);
  }

  /**
   * Delivers what is recorded, and what waits for a decision once that is made: a request that ends meanwhile does not
   * decide.
   * @param {import('../index.d.ts').FlushOptions} options
   */
  async deliver(options) {
    // The exporter delivers those of slugs by themselves.
    await this.#delivery.flushOwn(options);
    if (this.#ownEvents.isEmpty) return;
    await this.#ownEvents.released();
    await this.#delivery.flushOwn(options);
  }

  /** @type {typeof import('../index.d.ts').stats} */
  stats() {
    return this.#delivery.stats();
  }

  /** The counters of this recorder alone. */
  ownStats() {
    return this.#delivery.ownStats();
  }

  /** @type {typeof import('../index.d.ts').close} */
  close(options) {
    this.releaseAll();
    return this.#delivery.close(options, () => {
      this.isClosed = true;
      this.wasCurrent = this.isCurrent;
    });
  }

  /** Rows are expected. */
  expectRows() {
    if (this.#services.isPolling) this.#services.schedule();
    if (!this.isCurrent) this.#lingering.begin();
  }
}

module.exports = { Destination };
