'use strict';

// The files of spans that are still being read: a delivery waits for them, no longer than its timeout.

const { untraced } = require('./context.js');
const { messageOf } = require('./json/json-safe-copy.js');
const { warn } = require('./warn.js');

/** The longest time that a timer takes, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Files that are recorded once they are read. */
class PendingFiles {
  /** @type {Set<Promise<unknown>>} */
  #files = new Set();

  get isEmpty() {
    return this.#files.size === 0;
  }

  get size() {
    return this.#files.size;
  }

  /** @param {Promise<unknown>} work ends when the file is recorded */
  add(work) {
    const done = work.catch((error) => {
      warn('BAD_SPAN', `A file could not be recorded (${messageOf(error)}).`);
    });
    this.#files.add(done);
    void done.then(() => this.#files.delete(done));
  }

  /**
   * Waits for the files so far.
   * @param {number} timeoutMs
   * @param {() => Promise<unknown>} deliver delivers the rest meanwhile
   * @returns {Promise<{ isRecorded: boolean, leftMs: number }>} whether all are recorded, and what is left of the time
   */
  async recorded(timeoutMs, deliver) {
    const since = performance.now();
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    /** @type {Promise<boolean>} */
    const timedOut = new Promise((resolve) => {
      const waitMs = Math.min(timeoutMs, LONGEST_TIMER_MS);
      timer = untraced(() => setTimeout(resolve, waitMs, false));
    });
    // Outside of a request of a Worker there are no timers, and nothing is waited for.
    const late = timedOut.catch(() => false);
    const recorded = Promise.all(this.#files).then(() => true);
    try {
      const delivered = deliver();
      const isRecorded = await Promise.race([recorded, late]);
      await delivered;
      return { isRecorded, leftMs: Math.max(0, timeoutMs - (performance.now() - since)) };
    } finally {
      clearTimeout(timer);
    }
  }
}

module.exports = { PendingFiles };
