'use strict';

// The login of a destination, which finds its organisation and its project. The first rows need it; it may come before.

const { runningMs } = require('./running-clock.js');
const { sleep } = require('./timers.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/** How long the login is waited for, in milliseconds. */
const LOGIN_MS = 5000;
/** How long the native part is left alone at first and at most until it is asked again, in milliseconds. */
const FIRST_MS = 5;
const LAST_MS = 100;

/** The login of one destination, which may have recorded nothing. */
class Login {
  #destination;
  #services;
  /** Whether a connection was asked for. */
  #isAskedFor = false;

  /**
   * @param {Destination} destination
   * @param {Pick<import('./exporter-services.d.ts').ExporterServices, 'schedule' | 'report'>} services
   */
  constructor(destination, services) {
    this.#destination = destination;
    this.#services = services;
  }

  /**
   * Connects before the first event comes. False where a request of the application must do it: see {@link wait}. Never
   * throws.
   */
  begin() {
    try {
      const { recorder } = this.#destination;
      if (recorder.connect === undefined) return false;
      recorder.connect();
      this.#isAskedFor = true;
      this.#services.schedule();
      return true;
    } catch {
      // The environment is being torn down.
      return false;
    }
  }

  /** Whether a connection that was asked for is not there yet. */
  get isUnderWay() {
    const { isClosed } = this.#destination;
    return this.#isAskedFor && !isClosed && !this.#destination.traceDestination()?.isConnected;
  }

  /** Waits until the destination is connected, at most for 5 seconds. Never rejects. */
  async wait() {
    const { isOn, isClosed, recorder } = this.#destination;
    if (!isOn || isClosed) return;
    if (!this.begin()) {
      await recorder.logIn?.(LOGIN_MS);
      this.#services.report();
      return;
    }
    const until = runningMs() + LOGIN_MS;
    const isAwaited = () => this.isUnderWay && runningMs() < until;
    for (let delay = FIRST_MS; isAwaited(); delay = Math.min(delay * 2, LAST_MS)) {
      await sleep(delay);
    }
  }
}

module.exports = { Login };
