'use strict';

// The destinations of a process, by their settings.

const destinations = require('./destination.js');
const { hideKeys } = require('./hidden-keys.js');
const { readOption } = require('./invalid-option.js');
const { parse, toJson } = require('./json/json-string.js');
const { pickOptions, unknownOptions } = require('./options.js');
const { warn } = require('./warn.js');

/** @typedef {import('./host.d.ts').HostRecorder} Recorder */
/** @typedef {InstanceType<typeof destinations.Destination>} Destination */

/** What variables and files set. @typedef {Destination['environment']} Environment */

/** How long a recorder that is replaced may deliver, in milliseconds, if it has not ended with the process. */
const RENEWAL_MS = 10_000;
/** How many unknown options a warning names. */
const MAX_NAMED = 8;

/** Opens destinations, and keeps account of their recorders. */
class Destinations {
  /** Those that are in use or have rows, by their settings. @type {Map<string, WeakRef<Destination>>} */
  #destinations = new Map();
  /**
   * Closed recorders whose destination has another one, and that may still deliver.
   * @type {Set<{ recorder: Recorder, onError?: undefined }>}
   */
  #closed = new Set();
  #host;
  #services;
  #onOpen;

  /**
   * @param {import('./host.d.ts').Host} host
   * @param {import('./exporter-services.d.ts').ExporterServices} services what each destination uses of the exporter
   * @param {(recorder: Recorder) => void} onOpen is called with each new recorder
   */
  constructor(host, services, onOpen) {
    this.#host = host;
    this.#services = services;
    this.#onOpen = onOpen;
  }

  /**
   * The destination with these options: the one that is there, or a new one. Throws when it cannot be started.
   * @param {import('../index.d.ts').InitLoggerOptions} options
   * @param {import('../index.d.ts').InitLoggerOptions['storage']} storage
   * @returns {Destination}
   */
  open(options, storage) {
    const { unusable, ...environment } = this.#host.environment();
    const { env, file } = environment;
    const apiKey = readOption('apiKey', () => options?.apiKey);
    hideKeys([apiKey, env.BRAINTRUST_API_KEY, file.BRAINTRUST_API_KEY]);
    const unknown = unknownOptions(options);
    if (unknown.length > 0) warn('BAD_OPTION', messageOn(unknown), unknown.toSorted().join());
    if (unusable !== undefined) warn('ENV_FILE', `${unusable} It is ignored.`);
    const picked = pickOptions(options, environment.env);
    return this.#open(picked, environment, storage);
  }

  /**
   * @param {Record<string, unknown>} picked the options for the native part
   * @param {Environment} environment
   * @param {import('../index.d.ts').InitLoggerOptions['storage']} storage
   * @param {import('./slug-destinations.js').SpanObject} [object] where its rows go, in place of the logs of the
   *   project
   * @returns {Destination}
   */
  #open(picked, environment, storage, object) {
    const whole = object?.experimentId === undefined ? {} : { sampleRate: 1, keepErrors: false };
    const all = object === undefined ? picked : { ...picked, ...object, ...whole, spool: false };
    const settings = toJson({ options: all, ...environment });
    // What a slug names has a destination of its own for each logger, which counts and closes it.
    const key = object === undefined ? settings : toJson({ settings, of: picked });
    const present = this.#destinations.get(key)?.deref();
    if (present !== undefined && !present.isClosed) {
      if (storage != null) this.#host.keepIn(present.recorder, storage);
      present.options.storage = storage ?? present.options.storage;
      return present;
    }
    // Another module may ask for the same logger, and not know of the storage.
    const kept = storage ?? present?.options.storage;
    const start = () => {
      const recorder = this.#host.open(settings, kept);
      this.#onOpen(recorder);
      return recorder;
    };
    const recorder = start();
    this.#forgetEnded();
    if (present !== undefined) {
      present.options.storage = kept;
      this.#reopen(present, recorder);
      return present;
    }
    const created = new destinations.Destination(this.#host, this.#services, recorder);
    created.start = start;
    created.options = /** @type {any} */ ({
      ...picked,
      ...(object?.projectId !== undefined && { projectId: object.projectId }),
      storage,
    });
    created.environment = environment;
    this.#destinations.set(key, created.reference);
    return created;
  }

  /**
   * @param {Destination} destination
   * @param {Recorder} recorder the next one; the previous one may still deliver
   */
  #reopen(destination, recorder) {
    this.#closed.add({ recorder: destination.recorder });
    destination.reopen(recorder);
  }

  /** Gives each destination that is in use a new recorder; the previous ones end. */
  renew() {
    for (const destination of this.live) {
      if (destination.isClosed) continue;
      void destination.recorder.close(RENEWAL_MS);
      this.#closed.add({ recorder: destination.recorder });
      destination.renew(destination.start());
    }
  }

  /**
   * The destination with the same settings whose rows go to an experiment, or another project. Nothing of an experiment
   * is left out, and nothing is kept on the disk or in a storage: no later process would deliver it. Throws when it
   * cannot be started.
   * @param {Destination} base
   * @param {import('./slug-destinations.js').SpanObject} object
   * @returns {Destination}
   */
  openObject(base, object) {
    const { storage: _ofLogger, ...picked } = base.options;
    const destination = this.#open(picked, base.environment, undefined, object);
    destination.opener = base;
    destination.experimentId = object.experimentId;
    if (object.experimentId === undefined) destination.takeFunctionsOf(base);
    else destination.onError ??= base.onError;
    return destination;
  }

  #forgetEnded() {
    for (const closed of this.#closed) if (closed.recorder.isAtRest()) this.#closed.delete(closed);
    for (const [settings, reference] of this.#destinations) {
      if (reference.deref() === undefined) this.#destinations.delete(settings);
    }
  }

  /** Those that are in use or have rows. */
  get live() {
    return Array.from(this.#destinations.values()).flatMap((reference) => reference.deref() ?? []);
  }

  /** All recorders that may still deliver. */
  get recorders() {
    return [...this.#closed, ...this.live].map(({ recorder }) => recorder);
  }

  /** The diagnostics of all since the last call, each with the function of its logger. */
  takeDiagnostics() {
    return [...this.live, ...this.#closed].flatMap(diagnosticsOf);
  }
}

/** @param {{ recorder: Recorder, onError?: Destination['onError'] }} destination */
function diagnosticsOf({ recorder, onError }) {
  return parse(recorder.takeDiagnostics()).map((diagnostic) => ({ diagnostic, onError }));
}

/**
 * The counters of a destination, its project and its server: only the origin, as an address may have a password.
 * @param {Destination} destination
 */
function statsOf(destination) {
  const { projectName = '', appUrl = '' } = destination.traceDestination() ?? {};
  const server = URL.canParse(appUrl) ? new URL(appUrl).origin : '';
  return { projectName, server, stats: destination.ownStats() };
}

/** @param {string[]} unknown names of options that there are not */
function messageOn(unknown) {
  const named = unknown.slice(0, MAX_NAMED).map((name) => `\`${name}\``);
  const more = unknown.length > MAX_NAMED ? ` and ${unknown.length - MAX_NAMED} more` : '';
  const [noun, end] = unknown.length === 1 ? ['option', 'it is'] : ['options', 'they are'];
  return `\`initLogger\` has no ${noun} ${named.join(', ')}${more}; ${end} ignored.`;
}

module.exports = { Destinations, statsOf };
