'use strict';

// The files of spans that are still being read: a delivery waits for them, no longer than its timeout.

const { monotonicMs, timers } = require('./builtins/index.js');
const { untraced } = require('./context.js');
const { messageOf } = require('./json/describe.js');
const { wallMs } = require('./wall-clock.js');
const { warn } = require('./warn.js');

/** The longest time that a timer takes, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Files that are recorded once they are read. */
class PendingFiles {
  /** When the reading of each began, by the wall clock. The oldest first. @type {Map<Promise<unknown>, number>} */
  #files = new Map();
  #longestMs;

  /** @param {number} [longestMs] how long a file is waited for; in a Worker, its request may have ended */
  constructor(longestMs = Infinity) {
    this.#longestMs = longestMs;
  }

  get isEmpty() {
    this.#giveUp();
    return this.#files.size === 0;
  }

  get size() {
    return this.#files.size;
  }

  /**
   * @param {Promise<unknown>} work ends when the file is recorded
   * @returns {Promise<unknown>} never rejects
   */
  add(work) {
    const done = work.catch((error) => {
      const what = 'A file could not be recorded';
      warn('BAD_SPAN', `${what} (${messageOf(error)}).`, what);
    });
    this.#files.set(done, wallMs());
    void done.then(() => this.#files.delete(done));
    return done;
  }

  /** Stops waiting for files that take too long. */
  #giveUp() {
    for (const [file, since] of this.#files) {
      if (wallMs() - since < this.#longestMs) return;
      this.#files.delete(file);
      const why = 'its request has ended, or it takes longer than a minute';
      warn('LOST', `A file of an update is not waited for any more: ${why}.`, 'file');
    }
  }

  /**
   * Waits for the files so far.
   * @param {number} timeoutMs
   * @param {() => Promise<unknown>} deliver delivers the rest meanwhile
   * @returns {Promise<{ isRecorded: boolean, leftMs: number }>} whether all are recorded, and what is left of the time
   */
  async recorded(timeoutMs, deliver) {
    const since = monotonicMs();
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    /** @type {Promise<boolean>} */
    const timedOut = new Promise((resolve) => {
      const waitMs = Math.min(timeoutMs, LONGEST_TIMER_MS);
      timer = untraced(() => timers.setTimeout(resolve, waitMs, false));
    });
    // Outside of a request of a Worker there are no timers, and nothing is waited for.
    const late = timedOut.catch(() => false);
    const recorded = Promise.all(this.#files.keys()).then(() => true);
    try {
      const delivered = deliver();
      const isRecorded = await Promise.race([recorded, late]);
      await delivered;
      return { isRecorded, leftMs: Math.max(0, timeoutMs - (monotonicMs() - since)) };
    } finally {
      timers.clearTimeout(timer);
    }
  }
}

module.exports = { PendingFiles };
