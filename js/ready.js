'use strict';

// Announces loggers that are connected: by a line, and to the application's `onReady`.

const { callInTurn } = require('./in-turn.js');
const { levelOf } = require('./log-level.js');
const { logsLink, spanLink } = require('./span-link.js');
const { startTimer } = require('./timers.js');
const { print } = require('./warn.js');
const { JSON } = require('./json/own-json.js');

/** The first and the longest delay before the native part is asked again, in milliseconds. */
const FIRST_MS = 25;
const LAST_MS = 1000;

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {import('../index.d.ts').ReadyInfo} ReadyInfo */
/** @typedef {(info: ReadyInfo) => unknown} OnReady */

/**
 * What is to be announced of a destination, each once.
 * @typedef {object} Announcement
 * @property {boolean} line whether the line is to be shown
 * @property {OnReady | undefined} onReady
 * @property {boolean} isMade whether both were announced
 */

/** The announcements of an exporter. No method throws. */
class Announcements {
  /** @type {WeakMap<Destination, Announcement>} */
  #all = new WeakMap();
  /** Those that are not connected. @type {Set<WeakRef<Destination>>} */
  #waiting = new Set();
  #host;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #delayMs = FIRST_MS;

  /** @param {import('./host.d.ts').Host} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * Announces a destination once it is connected. If the line or `onReady` is wanted, it connects now.
   * @param {Destination} destination
   * @param {unknown} onReady the application's function; anything else is ignored
   */
  add(destination, onReady) {
    const present = this.#all.get(destination);
    const announcement = present ?? {
      line: this.#showsLine(),
      onReady: undefined,
      isMade: false,
    };
    this.#all.set(destination, announcement);
    if (typeof onReady === 'function' && announcement.onReady === undefined) {
      announcement.onReady = /** @type {OnReady} */ (onReady);
      announcement.isMade = false;
    }
    if (announcement.isMade || !(announcement.line || announcement.onReady)) return;
    this.#waiting.add(destination.reference);
    destination.login.begin();
    this.#delayMs = FIRST_MS;
    this.#schedule();
  }

  /** Rows are expected: in a runtime without timers, their delivery connects. */
  expectRows() {
    if (this.#waiting.size === 0 || this.#host.hasTimers) return;
    void this.#host.delivery()?.then(() => this.check());
  }

  /** Announces those that are connected by now. */
  check() {
    for (const reference of this.#waiting) {
      const destination = reference.deref();
      const isDone =
        destination === undefined || this.#announced(destination) || destination.isAtRest;
      if (isDone) this.#waiting.delete(reference);
    }
  }

  #showsLine() {
    const level = levelOf();
    return level === undefined ? this.#host.isDev() : level !== 'warn';
  }

  #schedule() {
    if (this.#timer !== undefined || this.#waiting.size === 0 || !this.#host.hasTimers) return;
    this.#timer = startTimer(() => {
      this.#timer = undefined;
      this.check();
      this.#delayMs = Math.min(this.#delayMs * 2, LAST_MS);
      this.#schedule();
    }, this.#delayMs);
  }

  /**
   * Announces a destination if it is connected. Returns whether it did.
   * @param {Destination} destination
   */
  #announced(destination) {
    const announcement = this.#all.get(destination);
    // Its `onReady` is running, and has ended the process.
    if (announcement?.isMade) return true;
    const where = destination.traceDestination();
    if (announcement === undefined || !where?.isConnected) return false;
    const info = infoOf(where, destination.isById);
    const { line, onReady } = announcement;
    // Before `onReady` runs, which may call `initLogger`.
    announcement.isMade = true;
    announcement.line = false;
    if (line) print(lineOf(info, destination.decidesByFunction));
    callInTurn(() => onReady?.(info));
    return true;
  }
}

/**
 * @param {import('./native-types.d.ts').TraceDestination} where
 * @param {boolean} isById
 * @returns {ReadyInfo}
 */
function infoOf(where, isById) {
  const { orgName, projectName, projectId, sampleRate, keepsErrors, spoolDir = null } = where;
  return Object.freeze({
    projectName: isById ? null : projectName,
    projectId: projectId ?? '',
    orgName,
    link: linkOf(where, isById),
    spool: spoolDir,
    sampleRate,
    keepErrors: keepsErrors,
  });
}

/**
 * The page of the project's logs; null without an organisation.
 * @param {import('./native-types.d.ts').TraceDestination} where
 * @param {boolean} isById
 */
function linkOf({ appUrl, orgName, projectName, projectId }, isById) {
  if (orgName === null) return null;
  const link = isById
    ? spanLink({ appUrl, organisation: orgName, projectId: projectId ?? '' })
    : logsLink(appUrl, orgName, projectName);
  return link ?? null;
}

/**
 * @param {ReadyInfo} info
 * @param {boolean} decidesByFunction
 */
function lineOf({ projectName, projectId, orgName, link, spool, ...sampling }, decidesByFunction) {
  const project = JSON.stringify(projectName ?? projectId);
  const organisation = orgName === null ? '' : ` of organisation ${JSON.stringify(orgName)}`;
  const facts = [
    `spool: ${spool === null ? 'none' : JSON.stringify(spool)}`,
    `sampling: ${samplingOf(sampling, decidesByFunction)}`,
  ];
  const address = link === null ? '' : `: ${link}`;
  return `[flue-braintrust] Traces go to project ${project}${organisation}${address} (${facts.join('; ')}).`;
}

/**
 * @param {{ sampleRate: number, keepErrors: boolean }} info
 * @param {boolean} decidesByFunction
 */
function samplingOf({ sampleRate, keepErrors }, decidesByFunction) {
  const share = `${Number((sampleRate * 100).toPrecision(6))} % of all traces`;
  const all = sampleRate === 1 ? 'all traces' : share;
  const chosen = decidesByFunction ? 'by `sample`' : all;
  return keepErrors && (decidesByFunction || sampleRate < 1) ? `${chosen}, and errors` : chosen;
}

module.exports = { Announcements };
