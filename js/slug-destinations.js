'use strict';

// The destinations of what slugs name: projects and experiments.

const { messageOf } = require('./json/describe.js');
const { sumStats } = require('./sum-stats.js');
const { warn } = require('./warn.js');

/** A project or an experiment. @typedef {{ projectId?: string, projectName?: string, experimentId?: string }} SpanObject */

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {import('../index.d.ts').Stats} Stats */

/**
 * How many recorders of one logger are kept although they have delivered everything. Others are kept until they have.
 */
const MAX_AT_REST = 16;
/** How many are looked at when one is opened. */
const MAX_CHECKED = 8;
/** How many more are known while the application has spans of them. */
const MAX_DROPPED = 256;
/** How many projects and experiments of slugs may be open at once. Slugs and headers may come from outside. */
const MAX_OPEN = 64;
const MAX_EXPERIMENTS = 1024;

/**
 * What these use of their exporter.
 * @typedef {object} Openers
 * @property {() => Iterable<Destination>} live the destinations of the process, that of the module-level functions
 *   first
 * @property {(base: Destination, object: SpanObject) => Destination} open the destination of an object with the
 *   settings of another one. Throws when it cannot be started
 */

/** The destinations of the objects that slugs name, with the settings of one logger. */
class SlugDestinations {
  /** By their kinds and ids. Those that were looked at longest ago first. @type {Map<string, Destination>} */
  #opened = new Map();
  /** Those that are no longer kept, and their last counters. The oldest first. @type {Map<Destination['reference'], Stats>} */
  #dropped = new Map();
  /** The counters of those that are garbage-collected. @type {Stats[]} */
  #gone = [];
  #isClosing = false;
  /** The ids of projects that were taken for that of the base, whose id was unknown. @type {Set<string>} */
  #assumed = new Set();
  #base;
  #openers;

  /**
   * @param {Destination} base that of the logger
   * @param {Openers} openers
   */
  constructor(base, openers) {
    this.#base = base;
    this.#openers = openers;
  }

  /** All that may have rows: those that are not kept as well, while the application has spans of them. */
  get all() {
    const dropped = [...this.#dropped.keys()].flatMap((reference) => reference.deref() ?? []);
    return [...dropped, ...this.#opened.values()];
  }

  /** The counters of all. */
  get stats() {
    this.#sumGone();
    return [...this.#gone, ...this.all.map((one) => one.stats())];
  }

  /**
   * Closes all. No other one is opened from now on.
   * @param {import('../index.d.ts').FlushOptions | null | undefined} options
   */
  close(options) {
    this.#isClosing = true;
    return this.all.map((one) => one.close(options ?? undefined));
  }

  /** Warns if spans went to the project of the base that belong to another one: its id is known by now. */
  check() {
    if (this.#assumed.size === 0 || !isLocated(this.#base)) return;
    for (const projectId of this.#assumed) if (!sendsTo(this.#base, { projectId })) warnOfOther();
    this.#assumed.clear();
  }

  /** Forgets all destinations: the logger restarts. */
  clear() {
    this.#opened.clear();
    this.#dropped.clear();
    this.#gone = [];
    this.#assumed.clear();
    this.#isClosing = false;
  }

  /**
   * The destination of an object: that of a logger of this process, else one with the settings of the base. Never
   * throws.
   * @param {SpanObject} object
   * @param {boolean} [isKnown] only one that is there; else the base
   * @returns {Destination}
   */
  at(object, isKnown = false) {
    try {
      return object.experimentId === undefined
        ? this.#project(object, isKnown)
        : this.#experiment(object.experimentId, isKnown);
    } catch (error) {
      warn('BAD_PARENT', `${messageOf(error)}; spans go to the logs of the project.`);
      return this.#base;
    }
  }

  /**
   * @param {string} experimentId
   * @param {boolean} isKnown
   */
  #experiment(experimentId, isKnown) {
    if (experimentId === this.#base.experimentId) return this.#base;
    const key = `experiment ${experimentId}`;
    if (isKnown) return this.#opened.get(key) ?? this.#base;
    if (this.#opened.size >= MAX_EXPERIMENTS && !this.#opened.has(key)) {
      throw new Error(`More than ${MAX_EXPERIMENTS} experiments are open at once`);
    }
    return this.#open(key, { experimentId });
  }

  /**
   * @param {SpanObject} object
   * @param {boolean} isKnown
   */
  #project(object, isKnown) {
    const base = this.#base;
    if (sendsTo(base, object)) return base;
    for (const one of this.#openers.live())
      if (one.opener === undefined && sendsTo(one, object)) return one;
    const { projectId } = object;
    if (isKnown || base.isClosed) return base;
    if (projectId !== undefined && !isLocated(base)) {
      // Until the login, it may be that of the base.
      if (this.#assumed.size < MAX_OPEN) this.#assumed.add(projectId);
      return base;
    }
    warnOfOther();
    if (projectId === undefined) return base;
    const key = `project ${projectId.toLowerCase()}`;
    const isFull = this.#opened.size >= MAX_OPEN && !this.#opened.has(key);
    return isFull ? base : this.#open(key, { projectId });
  }

  /**
   * @param {string} key
   * @param {SpanObject} object
   */
  #open(key, object) {
    const known = this.#opened.get(key);
    // Nothing would close another one.
    if (known?.isClosed === false || this.#isClosing || this.#base.isClosed)
      return known ?? this.#base;
    const found = this.#openers.open(this.#base, object);
    this.#dropped.delete(found.reference);
    this.#opened.set(key, found);
    this.#dropAtRest();
    return found;
  }

  /** Drops some that have delivered everything. Others stay: who flushes the logger waits for their rows. */
  #dropAtRest() {
    for (const [key, one] of take(this.#opened, MAX_CHECKED)) {
      if (this.#opened.size <= MAX_AT_REST) break;
      this.#opened.delete(key);
      if (one.isIdle) this.#dropped.set(one.reference, one.stats());
      // To the end: the others are looked at first.
      else this.#opened.set(key, one);
    }
    if (this.#dropped.size > MAX_DROPPED) this.#sumGone();
  }

  /** Reads the counters of dropped ones, and adds up those that are garbage-collected, or too many. */
  #sumGone() {
    const most = this.#dropped.size > MAX_DROPPED ? MAX_DROPPED / 2 : MAX_DROPPED;
    for (const [reference, last] of this.#dropped) {
      const one = reference.deref();
      const stats = one?.stats() ?? last;
      this.#dropped.set(reference, stats);
      if (one !== undefined && this.#dropped.size <= most) continue;
      this.#dropped.delete(reference);
      this.#gone = [sumStats([...this.#gone, stats])];
    }
  }
}

/**
 * The first entries of a map.
 * @template K, V
 * @param {Map<K, V>} map
 * @param {number} most
 * @returns {[K, V][]}
 */
function take(map, most) {
  /** @type {[K, V][]} */
  const taken = [];
  for (const entry of map) {
    if (taken.length === most) break;
    taken.push(entry);
  }
  return taken;
}

const warnOfOther = () =>
  warn(
    'OTHER_PROJECT',
    'A slug names the project of no logger of this process. By its id, its spans go to that project once the logger is connected; else to the project of the logger.',
  );

/**
 * Whether the rows of a destination go to the logs of a project.
 * @param {Destination} destination
 * @param {SpanObject} object
 */
function sendsTo(destination, { projectId, projectName }) {
  if (!destination.isOn || destination.isClosed || destination.experimentId !== undefined)
    return false;
  const known = destination.traceDestination();
  if (projectId !== undefined) return known?.projectId?.toLowerCase() === projectId.toLowerCase();
  // A project that goes by its id has another name.
  return !destination.isById && known?.projectName === projectName;
}

/** Whether the id of a destination's project is known. @param {Destination} destination */
function isLocated(destination) {
  return destination.experimentId !== undefined || !!destination.traceDestination()?.projectId;
}

module.exports = { SlugDestinations, sendsTo };
