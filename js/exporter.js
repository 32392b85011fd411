'use strict';

// The exporter of a process: its destinations, the current one, and the end of the process. The native part translates
// and delivers.

const { Callers } = require('./callers.js');
const { callingWork, currentWork, runAt } = require('./context.js');
const destinations = require('./destination.js');
const { NO_DESTINATION } = require('./no-destination.js');
const { parse, toJson } = require('./json/json-string.js');
const { Masking } = require('./masking.js');
const { pickOptions } = require('./options.js');
const { Places } = require('./places.js');
const { Announcements } = require('./ready.js');
const { classOf, messageOf } = require('./json/json-safe-copy.js');
const { Diagnostics } = require('./diagnostics.js');
const { idsOfReceipt, isDuplicate } = require('./receipts.js');
const { Routes } = require('./routes.js');
const { isStrict } = require('./variables.js');
const { warn } = require('./warn.js');
const { keyedIdOf } = require('./work-keys.js');

/** @typedef {import('./host.d.ts').HostRecorder} Recorder */
/** @typedef {import('./context.js').Work} Work */
/** @typedef {InstanceType<typeof destinations.Destination>} Destination */

/**
 * The process-wide exporter behind the exported functions. Until it is initialised, and when initialisation fails,
 * every method does nothing: tracing never breaks the application.
 */
class Exporter {
  /** Those that are in use or have rows, by their settings. @type {Map<string, WeakRef<Destination>>} */
  #destinations = new Map();
  /** Closed recorders whose destination has another one, and that may still deliver. @type {Set<{ recorder: Recorder, onError?: undefined }>} */
  #closed = new Set();
  /** That of the module-level functions. */
  #current = NO_DESTINATION;
  /** Whether events may belong to another destination than the current one. */
  #hasSeveral = false;
  /** Where the module-level observer takes Flue's work, and where the loggers' observers do. */
  #routes = new Routes();
  #boundRoutes = new Routes();
  /** The spans under which Flue's work runs. */
  callers = new Callers();
  /** The destinations of what slugs name. @type {import('./places.js').Openers} */
  #openers = {
    live: () => [this.#current, ...this.#live()],
    open: (base, place) => this.#openPlace(base, place),
  };
  /** Finds those of loggers where nothing is recorded. */
  #nowhere = new Places(NO_DESTINATION, this.#openers);
  #host;
  #masking;
  #diagnostics;
  #announcements;

  /** @param {import('./host.d.ts').Host} host */
  constructor(host) {
    this.#host = host;
    this.#masking = new Masking(() => this.#recorders(), host.hasTimers);
    this.#announcements = new Announcements(host);
    const native = {
      take: () => [...this.#live(), ...this.#closed].flatMap(diagnosticsOf),
      isIdle: () => this.#recorders().every((recorder) => recorder.isIdle()),
    };
    this.#diagnostics = new Diagnostics(native, host.hasTimers);
    host.attach({
      mask: (recorder) => this.#masking.maskInTime(recorder),
      report: () => this.#diagnostics.report(),
      flush: (timeoutMs) =>
        Promise.all(this.#live().map((destination) => destination.deliver({ timeoutMs }))),
      reset: () => this.#live().forEach((destination) => destination.reset()),
      stats: () => this.#live().map(statsOf),
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
      becomesCurrent = options?.setCurrent !== false;
      this.#diagnostics.listen(options?.onError);
      const destination = this.#open(options);
      destination.isOfSlug = false;
      if (typeof options?.onError === 'function') destination.onError = options.onError;
      if (typeof options?.enrich === 'function') destination.enrichBy(options.enrich);
      if (typeof options?.sample === 'function') destination.sampleBy(options.sample);
      if (becomesCurrent) this.#setCurrent(destination);
      this.#announcements.add(destination, options?.onReady);
      if (options?.handleSignals === true) this.#host.endOnSignals();
      return destination;
    } catch (error) {
      if (becomesCurrent) this.#setCurrent(NO_DESTINATION);
      if (isStrict()) throw error;
      warn('NOT_STARTED', `${messageOf(error)}; the application runs on without tracing.`);
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
    this.#noteCaller(event, isFollowed);
    if (this.#hasSeveral) return this.#routeOf(event).observe(event, this.#routes);
    const current = this.#current;
    return current.isOn ? current.observe(event, this.#routes) : undefined;
  }

  /**
   * Records one event at a destination, wherever others of its work go. Never throws.
   * @param {Destination} destination
   * @param {unknown} event
   * @param {boolean} [isFollowed] whether Flue's interceptors are followed
   */
  observeAt(destination, event, isFollowed = false) {
    this.#noteCaller(event, isFollowed, destination);
    return destination.isOn ? destination.observe(event, this.#boundRoutes) : undefined;
  }

  /**
   * Runs Flue's work under the span that calls it, when an event states that it begins. Never throws.
   * @param {any} event
   * @param {boolean} isFollowed
   * @param {Destination} [destination] that of the event, if that is fixed
   */
  #noteCaller(event, isFollowed, destination) {
    try {
      const work = callingWork(event, isFollowed) ?? this.callers.expected(event, destination);
      if (work === undefined || !isOpen(work.destination)) return;
      if (destination !== undefined && work.destination !== destination) return;
      const routes = destination === undefined ? this.#routes : this.#boundRoutes;
      const keyed = keyedIdOf(/** @type {any} */ (event));
      if (keyed !== undefined) {
        this.callers.nameNext(keyed, event, callerOf(work));
        this.#route(/** @type {any} */ (event), work.destination, routes);
        return;
      }
      // A message that is delivered again belongs to its first sender.
      if (this.#knownDestination(/** @type {any} */ (event)) === undefined) {
        this.#name(/** @type {any} */ (event), work, routes);
      }
    } catch {
      // What cannot be read has no caller.
    }
  }

  /**
   * Runs Flue's work under a span, whether it has begun or not. Never throws.
   * @param {unknown} target a receipt of Flue's, or an id
   * @param {import('./destination.js').Called} called
   * @param {number} [since] only if the work begins later in the order of beginnings, and nothing shows that another one
   *   has called it
   */
  adopt(target, called, since) {
    try {
      const ids = idsOfReceipt(target);
      const { destination } = called;
      if (ids === undefined || !isOpen(destination)) return;
      const keyed = keyedIdOf(ids);
      if (isDuplicate(target) && keyed === undefined) return;
      if (since !== undefined) {
        if (this.callers.isOfOthers(ids, called.span, since)) return;
        if (keyed === undefined && !this.callers.hasBegun(ids)) {
          this.callers.expect(ids, callerOf(called));
          return;
        }
      }
      const known = this.#knownDestination(ids);
      if (known !== undefined && known !== destination) {
        if (this.callers.find(ids) !== undefined) return;
        warn('OTHER_LOGGER', 'Work of Flue cannot run under a span of another logger.');
        return;
      }
      if (keyed !== undefined) {
        const conversationId = this.callers.nameByReceipt(keyed, callerOf(called), {
          isDuplicate: isDuplicate(target),
          isNew: since !== undefined,
        });
        if (conversationId !== undefined) this.#recordCaller({ ...ids, conversationId }, called);
        else this.#route(ids, destination);
        return;
      }
      // The spans of work that has begun keep their ids here; the core moves their rows, if it can.
      if (!this.callers.hasBegun(ids) && !this.#name(ids, called)) return;
      this.#recordCaller(ids, called);
    } catch (error) {
      warn('BAD_SPAN', `A span could not be made the parent (${classOf(error)}).`);
    }
  }

  /**
   * @param {import('./routes.js').Ids} ids
   * @param {import('./destination.js').Called} called
   * @param {InstanceType<typeof Routes>} [routes] that its events take
   */
  #name(ids, called, routes = this.#routes) {
    if (!this.callers.name(ids, callerOf(called))) return false;
    this.#route(ids, called.destination, routes);
    return true;
  }

  /**
   * @param {import('./routes.js').Ids} ids
   * @param {Destination} destination
   * @param {InstanceType<typeof Routes>} [routes] that its events take
   */
  #route(ids, destination, routes = this.#routes) {
    if (destination !== this.#current) this.#hasSeveral = true;
    routes.assign(ids, destination);
  }

  /**
   * @param {import('./routes.js').Ids} ids
   * @param {import('./destination.js').Called} called
   */
  #recordCaller(ids, { span, destination }) {
    const caller = callerFields(span);
    destination.record({ type: 'caller_named', timestamp: Date.now(), ...ids, caller }, 'Note');
  }

  /**
   * The destination with the same settings whose rows go to an experiment, or another project. Nothing of an experiment
   * is left out, and nothing is kept on the disk: no later process would deliver it. Throws when it cannot be started.
   * @param {Destination} base
   * @param {import('./places.js').Place} place
   * @returns {Destination}
   */
  #openPlace(base, place) {
    const destination = this.#open(base.options, place);
    destination.isOfSlug = true;
    destination.experimentId = place.experimentId;
    if (place.experimentId === undefined) destination.takeFunctionsOf(base);
    else destination.onError ??= base.onError;
    if (destination !== base) this.#hasSeveral = true;
    return destination;
  }

  /**
   * The destination of what a slug names, else that of a logger. Never throws.
   * @param {Destination} base that of the logger; it may record nothing
   * @param {import('./places.js').Place | undefined} place
   * @param {boolean} [isKnown] only one that is there
   * @returns {Destination}
   */
  at(base, place, isKnown) {
    if (place === undefined) return base;
    return base.isOn ? base.at(place, isKnown) : this.#nowhere.at(place, true);
  }

  /**
   * Runs a function within which a destination is the current one. Returns and throws what the function does.
   * @template T
   * @param {Destination} destination
   * @param {() => T} work
   * @returns {T}
   */
  runAt(destination, work) {
    this.#hasSeveral = true;
    const isHere = this.destinationOf(currentWork()) === destination;
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
    return this.#knownDestination(ids) ?? this.current;
  }

  /**
   * Whether the trace of Flue's work with these ids is known: that of its caller, or one of its own.
   * @param {import('./routes.js').Ids} ids
   */
  knowsTrace(ids) {
    if (!this.callers.isUsed) return true;
    return this.callers.find(ids) !== undefined || this.#knownDestination(ids) !== undefined;
  }

  /** @param {import('./routes.js').Ids} ids */
  #knownDestination(ids) {
    return this.#routes.find(ids) ?? this.#boundRoutes.find(ids);
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

  /** Begins to deliver what all destinations have. */
  flush() {
    for (const destination of this.#live()) void destination.flush();
  }

  /**
   * @param {import('../index.d.ts').InitLoggerOptions} options
   * @param {import('./places.js').Place} [place] where its rows go, in place of the logs of the project
   * @returns {Destination}
   */
  #open(options, place) {
    const { env, file, unreadable } = this.#host.environment();
    if (unreadable !== undefined) warn('ENV_FILE', `${unreadable} It is ignored.`);
    const picked = pickOptions(options, env);
    const whole = place?.experimentId === undefined ? {} : { sampleRate: 1, keepErrors: false };
    const all = place === undefined ? picked : { ...picked, ...place, ...whole, spool: false };
    const settings = toJson({ options: all, env, file });
    const present = this.#destinations.get(settings)?.deref();
    if (present !== undefined && !present.isClosed) {
      this.#host.keepIn(present.recorder, options?.storage);
      return present;
    }
    const recorder = this.#host.open(settings, options?.storage);
    this.#masking.attach(recorder);
    this.#forgetEnded();
    this.#host.endAtExit(this);
    if (present !== undefined) {
      this.#closed.add({ recorder: present.recorder });
      present.reopen(recorder);
      return present;
    }
    const polls = {
      schedule: () => {
        this.#masking.schedulePoll();
        this.#diagnostics.schedulePoll();
        this.#announcements.expectRows();
      },
      report: () => {
        this.#announcements.check();
        this.#diagnostics.report();
      },
      callers: this.callers,
      adopt: (
        /** @type {unknown} */ target,
        /** @type {import('./destination.js').Called} */ called,
        /** @type {number | undefined} */ since,
      ) => this.adopt(target, called, since),
      openers: this.#openers,
    };
    const created = new destinations.Destination(this.#host, polls, recorder);
    created.options = /** @type {any} */ ({
      ...picked,
      ...(place?.projectId !== undefined && { projectId: place.projectId }),
      storage: options?.storage,
    });
    this.#destinations.set(settings, created.reference);
    return created;
  }

  #forgetEnded() {
    for (const closed of this.#closed) if (closed.recorder.isAtRest()) this.#closed.delete(closed);
    for (const [settings, reference] of this.#destinations) {
      if (reference.deref() === undefined) this.#destinations.delete(settings);
    }
  }

  /** @param {Destination} destination */
  #setCurrent(destination) {
    const replaced = this.#current;
    if (replaced === destination) return;
    // What began before goes on there.
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
      const found = this.#routes.find(event);
      if (found !== undefined) return found;
      // A submission is no part of what dispatches it. Its later events may come in the context of another one.
      if (type === 'submission_queued') return this.current;
      const isCalled =
        type === 'run_start' ||
        (type === 'operation_start' && (submissionId ?? dispatchId) === undefined);
      return isCalled ? this.destinationOf() : this.#current;
    } catch {
      return this.#current;
    }
  }

  /**
   * Begins a step of the end of the process: after `process.exit` and uncaught errors no promise settles and no native
   * hook runs, but `exit` listeners do, and may block. Never throws.
   * @param {import('./exit.js').Step} step
   */
  beginExit(step) {
    this.#atExit(() => {
      const { ExitStep } = this.#host.load();
      for (const destination of this.#live()) destination.releaseAll();
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
    this.#announcements.check();
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

  #live() {
    return Array.from(this.#destinations.values()).flatMap((reference) => reference.deref() ?? []);
  }

  #recorders() {
    return [...this.#closed, ...this.#live()].map(({ recorder }) => recorder);
  }
}

/**
 * The counters of a destination, and which it is. An address may have a password: only its origin is stated.
 * @param {Destination} destination
 */
function statsOf(destination) {
  const { projectName = '', appUrl = '' } = destination.traceDestination() ?? {};
  const server = URL.canParse(appUrl) ? new URL(appUrl).origin : '';
  return { projectName, server, stats: destination.ownStats() };
}

/** A span as the caller of Flue's work. @param {import('./destination.js').Called['span']} span */
const callerFields = ({ spanId, rootSpanId, isRemote }) => {
  return { spanId, rootSpanId, isWithin: !isRemote };
};

/** @param {import('./destination.js').Called} called */
const callerOf = ({ span, destination }) => ({ ...callerFields(span), destination });

/** Whether a destination records anything. @param {Destination} destination */
const isOpen = (destination) => destination.isOn && !destination.isClosed;

/** @param {{ recorder: Recorder, onError?: Destination['onError'] }} destination */
function diagnosticsOf({ recorder, onError }) {
  return parse(recorder.takeDiagnostics()).map((diagnostic) => ({ diagnostic, onError }));
}

module.exports = { Exporter };
