'use strict';

// The exporter of a process: its destinations, and the current one. The native part translates and delivers.

const { Adoption } = require('./adoption.js');
const { Callers } = require('./callers.js');
const { UNREADABLE_KIND, kindsOf } = require('./capture.js');
const { currentWork, runAt } = require('./context.js');
const { Destinations, statsOf } = require('./destinations.js');
const { NO_DESTINATION } = require('./no-destination.js');
const { toJson } = require('./json/json-string.js');
const { noMask } = require('./mask-field.js');
const { Masking } = require('./masking.js');
const { ExitSteps } = require('./exit-steps.js');
const { SlugDestinations } = require('./slug-destinations.js');
const { Announcements } = require('./ready.js');
const { readOption } = require('./invalid-option.js');
const { messageOf } = require('./json/describe.js');
const { pickOwnOptions } = require('./options.js');
const { Diagnostics } = require('./diagnostics.js');
const { RestoredWork } = require('./restored-work.js');
const { Routes } = require('./routes.js');
const { isStrict } = require('./variables.js');
const { warn } = require('./warn.js');

/** @typedef {import('./context.js').Work} Work */
/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/** The kinds of events that matter before there is a destination: those that begin or end work. */
const STAGE_KINDS = kindsOf();

/**
 * The process-wide exporter behind the exported functions. Until it is initialised, and when initialisation fails,
 * every method does nothing: tracing never breaks the application.
 */
class Exporter {
  /** The destination of the module-level functions. */
  #current = NO_DESTINATION;
  /** Whether events may belong to another destination than the current one. */
  #hasSeveral = false;
  /** The kinds of events that matter. */
  #kinds = STAGE_KINDS;
  /** Where the module-level observer takes Flue's work, and where the loggers' observers do. */
  #routes = new Routes();
  #boundRoutes = new Routes();
  /** The spans under which Flue's work runs. */
  callers = new Callers();
  /** @param {Destination} destination that work is to go to */
  #onRoute = (destination) => {
    if (destination !== this.#current) this.#hasSeveral = true;
  };
  /** Puts Flue's work under the spans of `callers`. */
  #adoption = new Adoption(this.callers, [this.#routes, this.#boundRoutes], this.#onRoute);
  #restored = new RestoredWork(
    this.callers,
    [this.#routes, this.#boundRoutes],
    () => this.#openers.live(),
    this.#onRoute,
  );
  /** The destinations of what slugs name. @type {import('./slug-destinations.js').Openers} */
  #openers = {
    live: () => [this.#current, ...this.#destinations.live],
    open: (base, object) => {
      this.#hasSeveral = true;
      return this.#destinations.openObject(base, object);
    },
  };
  /** The destinations of what slugs name, for loggers that record nothing. */
  #nowhere = new SlugDestinations(NO_DESTINATION, this.#openers);
  #destinations;
  /** @type {import('./exporter-services.d.ts').ExporterServices} */
  #services;
  #host;
  #masking;
  #diagnostics;
  #announcements;
  /** The registry of exits holds it weakly. */
  #exitSteps;

  /** @param {import('./host.d.ts').Host} host */
  constructor(host) {
    this.#host = host;
    this.#masking = new Masking(() => this.#destinations.recorders, host.hasTimers);
    this.#announcements = new Announcements(host);
    this.#services = {
      isPolling: !host.hasTimers,
      schedule: () => {
        this.#masking.schedulePoll();
        this.#diagnostics.schedulePoll();
        this.#announcements.expectRows();
      },
      report: () => this.#report(),
      callers: this.callers,
      adopt: (target, calling, since) => this.#adoption.adopt(target, calling, since),
      kindOf: (event) => this.#kindOf(event),
      openers: this.#openers,
      masking: this.#masking,
    };
    this.#destinations = new Destinations(host, this.#services, (recorder) => {
      this.#masking.attach(recorder);
      host.endAtExit(this.#exitSteps);
    });
    this.#exitSteps = new ExitSteps(host, this.#destinations, this.#masking, () => this.#report());
    const native = {
      take: () => {
        this.#checkSlugs();
        return this.#destinations.takeDiagnostics();
      },
      isIdle: () =>
        this.#destinations.live.every(({ login }) => !login.isUnderWay) &&
        this.#destinations.recorders.every((recorder) => recorder.isIdle()),
    };
    this.#diagnostics = new Diagnostics(native, host.hasTimers);
    host.attach({
      mask: (recorder) => this.#masking.maskSlice(recorder),
      report: () => this.#diagnostics.report(),
      flush: (timeoutMs) =>
        Promise.all(
          this.#destinations.live.map((destination) => destination.deliver({ timeoutMs })),
        ),
      reset: () => this.#destinations.live.forEach((destination) => destination.reset()),
      stats: () => this.#destinations.live.map(statsOf),
    });
    // In strict mode the import itself throws without a native binary.
    if (isStrict()) host.load();
    else host.preload();
  }

  /** The destination of the innermost scope of a logger, else the one that was set last. It may record nothing. */
  get current() {
    return currentWork()?.scope ?? this.#current;
  }

  /**
   * The destination of these options: the one that is there, or a new one. It becomes the current one, unless the
   * options state otherwise. One that cannot be started records nothing, and the current one is left all the same:
   * what is meant for one destination must not reach another.
   * @param {import('../index.d.ts').InitLoggerOptions} [options]
   * @returns {Destination}
   */
  init(options = {}) {
    let becomesCurrent = true;
    try {
      becomesCurrent = readOption('setCurrent', () => options?.setCurrent) !== false;
      const { onError, onReady, enrich, sample, handleSignals, storage } = pickOwnOptions(options);
      if (onError !== undefined) this.#services.isPolling = true;
      this.#diagnostics.listen(onError);
      const destination = this.#destinations.open(options, storage);
      this.#restored.isUsed ||= destination.hasSpool;
      if (this.#kinds === STAGE_KINDS) this.#kinds = kindsOf(this.#host.load());
      if (typeof onError === 'function') destination.onError = onError;
      if (typeof enrich === 'function') destination.enrichBy(enrich);
      if (typeof sample === 'function') destination.sampleBy(sample);
      if (becomesCurrent) this.#setCurrent(destination);
      this.#announcements.add(destination, onReady);
      if (handleSignals === true) this.#host.endOnSignals();
      return destination;
    } catch (error) {
      if (becomesCurrent) this.#setCurrent(NO_DESTINATION);
      if (isStrict()) throw error;
      const why = messageOf(error);
      warn('NOT_STARTED', `${why}; the application runs on without tracing.`, why);
      return NO_DESTINATION;
    }
  }

  /**
   * Records one event where its work began, else at the current destination. Never throws.
   * @param {unknown} event
   * @param {boolean} [isFollowed] whether Flue's interceptors are followed
   * @returns {Promise<void> | undefined} the delivery, for runtimes that wait for it
   */
  observe(event, isFollowed = false) {
    const kind = this.#kindOf(event);
    if (kind === undefined) return undefined;
    if (kind.stage !== undefined) this.#noteWork(event, kind, isFollowed);
    if (this.#hasSeveral) return this.#routeOf(event).observe(event, kind, this.#routes);
    const current = this.#current;
    return current.isOn ? current.observe(event, kind, this.#routes) : undefined;
  }

  /**
   * Records one event at a destination, wherever others of its work go. Never throws.
   * @param {Destination} destination
   * @param {unknown} event
   * @param {boolean} [isFollowed] whether Flue's interceptors are followed
   */
  observeAt(destination, event, isFollowed = false) {
    const kind = this.#kindOf(event);
    if (kind === undefined) return undefined;
    if (kind.stage !== undefined) this.#noteWork(event, kind, isFollowed, destination);
    return destination.isOn ? destination.observe(event, kind, this.#boundRoutes) : undefined;
  }

  /**
   * The kind of an event; undefined if no destination wants it. Most events cost nothing more than this.
   * @param {any} event
   */
  #kindOf(event) {
    try {
      return this.#kinds.get((event ?? {}).type);
    } catch {
      // The destination counts it.
      return UNREADABLE_KIND;
    }
  }

  /**
   * Notes what an event states about work that an ended process or a span of the application has begun.
   * @param {unknown} event
   * @param {import('./capture.js').EventKind} kind a stage of work
   * @param {boolean} isFollowed
   * @param {Destination} [destination] that of the event, if that is fixed
   */
  #noteWork(event, { stage, isCall }, isFollowed, destination) {
    if (this.#restored.isUsed) this.#restored.note(event);
    const isExpected = stage === 'begins' && this.callers.awaitsWork;
    const mayHaveCaller = isExpected || (isCall && currentWork() !== undefined);
    if (mayHaveCaller) this.#adoption.noteCaller(event, isFollowed, destination);
  }

  /**
   * The destination of what a slug names, else that of a logger. Never throws.
   * @param {Destination} base that of the logger; it may record nothing
   * @param {import('./slug-destinations.js').SpanObject | undefined} object
   * @param {boolean} [isKnown] only one that is there
   * @returns {Destination}
   */
  at(base, object, isKnown) {
    if (object === undefined) return base;
    return base.isOn ? base.at(object, isKnown) : this.#nowhere.at(object, true);
  }

  /**
   * Runs a function within which a destination is the current one. Returns and throws what the function does.
   * @template T
   * @param {Destination} destination
   * @param {() => T} work
   * @param {boolean} [beginsTraces] whether no span that runs now is a parent
   * @returns {T}
   */
  runAt(destination, work, beginsTraces = false) {
    this.#hasSeveral = true;
    const isHere = !beginsTraces && this.destinationOf(currentWork()) === destination;
    return runAt(destination, isHere, work);
  }

  /**
   * The destination of work: that of the innermost span or scope, else that of Flue's work, else the current one.
   * @param {Work | undefined} [work] that which runs now
   * @returns {Destination}
   */
  destinationOf(work = currentWork()) {
    if (work === undefined) return this.#current;
    const { destination, root } = work;
    const found =
      destination ?? (root && (this.#routes.find(root) ?? this.#boundRoutes.find(root)));
    return found ?? this.#current;
  }

  /**
   * The row id and the trace id of the Flue span with these ids; undefined when the native part is gone.
   * @param {Destination} destination
   * @param {Record<string, unknown>} ids
   * @returns {string[] | undefined}
   */
  flueSpan(destination, ids) {
    const known = ids.traceId ?? destination.callerOf(ids)?.rootSpanId;
    const traceId = known ?? destination.caller()?.traceparent.split('-')[1];
    return this.spanIds({ ...ids, traceId });
  }

  /**
   * The row id and the trace id of the Flue span with these ids, in a trace of its own by default; an empty list if
   * they name none; undefined when the native part is gone.
   * @param {Record<string, unknown>} ids
   * @returns {string[] | undefined}
   */
  spanIds(ids) {
    try {
      return this.#host.load().flueSpan(toJson(ids));
    } catch {
      return undefined;
    }
  }

  /**
   * Where Flue's work with these ids went, if this process knows it; else the current destination.
   * @param {import('./routes.js').Ids} ids
   */
  destinationOfIds(ids) {
    return this.#adoption.knownDestination(ids) ?? this.current;
  }

  /**
   * Whether the trace of Flue's work with these ids is known: its caller's, or its own.
   * @param {import('./routes.js').Ids} ids
   */
  knowsTrace(ids) {
    if (!this.callers.isUsed) return true;
    return (
      this.callers.find(ids) !== undefined || this.#adoption.knownDestination(ids) !== undefined
    );
  }

  /** @type {typeof import('../index.d.ts').setMaskingFunction} */
  setMaskingFunction(mask) {
    this.#services.isPolling = true;
    if (mask !== null && typeof mask !== 'function') {
      // A mistake must not let content leave unmasked.
      warn(
        'NO_MASK',
        'setMaskingFunction was given no function; all content is replaced by marks.',
      );
      this.#masking.set(noMask);
      return;
    }
    this.#masking.set(mask);
  }

  /** @param {Destination} destination */
  #setCurrent(destination) {
    const replaced = this.#current;
    if (replaced === destination) return;
    // Work that began before continues there.
    if (replaced.isOn) this.#hasSeveral = true;
    this.#current = destination;
    replaced.setCurrent(false);
    destination.setCurrent(true);
  }

  /**
   * @param {any} event
   * @returns {Destination}
   */
  #routeOf(event) {
    try {
      const { type, submissionId, dispatchId } = event;
      const found = this.#routes.findFor(event);
      if (found !== undefined) return found;
      // A submission is not part of what dispatches it. Its later events may come in the context of another one.
      if (type === 'submission_queued') return this.current;
      const isCalled =
        type === 'run_start' ||
        (type === 'operation_start' && (submissionId ?? dispatchId) === undefined);
      return isCalled ? this.destinationOf() : this.#current;
    } catch {
      return this.#current;
    }
  }

  /** Makes the announcements and passes the diagnostics so far. */
  #report() {
    this.#announcements.check();
    this.#checkSlugs();
    this.#diagnostics.report();
  }

  #checkSlugs() {
    for (const destination of this.#destinations.live) destination.checkSlugs();
  }
}

module.exports = { Exporter };
