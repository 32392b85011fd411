'use strict';

// The steps of an exporter at the end of the process. After `process.exit` and uncaught errors no promise settles and no
// cleanup hook of an addon runs, but `exit` listeners do, and may block.

const { messageOf } = require('./json/describe.js');
const { runningMs, woke } = require('./running-clock.js');
const { warn } = require('./warn.js');

/** How long the end of the process waits for all recorders in one round, in milliseconds. */
const ROUND_MS = 10;
/** The part of the exit timeout that the first step takes at most for some recorders, where others are done. */
const FIRST_STEP_SHARE = 0.75;

/** What the registry of exits (`js/exit.js`) calls. No method throws. */
class ExitSteps {
  #host;
  #destinations;
  #masking;
  #report;
  /** When the first step gives way to the next, by `runningMs()`. */
  #nextStepAt = Infinity;

  /**
   * @param {import('./host.d.ts').Host} host
   * @param {InstanceType<typeof import('./destinations.js').Destinations>} destinations
   * @param {InstanceType<typeof import('./masking.js').Masking>} masking
   * @param {() => void} report makes the announcements and passes the diagnostics so far
   */
  constructor(host, destinations, masking, report) {
    this.#host = host;
    this.#destinations = destinations;
    this.#masking = masking;
    this.#report = report;
  }

  /** Begins to deliver what all destinations have. */
  flush() {
    for (const destination of this.#destinations.live) void destination.flush();
  }

  /**
   * Begins a step. Never throws.
   * @param {import('./exit.js').Step} step
   */
  beginExit(step) {
    quietly(() => {
      const { ExitStep } = this.#host.load();
      let unread = 0;
      for (const destination of this.#destinations.live) {
        destination.releaseAll();
        unread += destination.unreadFiles;
      }
      if (step === 'Delivery' && unread > 0) {
        const why = 'they were still being read when the process ended';
        warn('LOST', `Files in ${unread} of the last updates are lost: ${why}.`);
      }
      const left = this.#destinations.recorders.map((recorder) =>
        recorder.beginExit(ExitStep[step]),
      );
      const leftMs = Math.max(0, ...left);
      if (step === 'Delivery') this.#nextStepAt = runningMs() + leftMs * FIRST_STEP_SHARE;
      this.#masking.beginExit(leftMs);
    });
  }

  /** Records on after an end of the process that did not take place. Never throws. */
  survive() {
    quietly(() => {
      this.#masking.survive();
      this.#destinations.renew();
    });
  }

  /**
   * Blocks until the step is done, at most for the exit timeout and 250 ms. Never throws.
   * @param {import('./exit.js').Step} step
   */
  waitExit(step) {
    quietly(() => {
      const { ExitStep } = this.#host.load();
      const all = this.#destinations.recorders;
      let waiting = all;
      while (waiting.length > 0) {
        // Those that are done have spans to close in the next step, in which the others are waited for, too.
        const othersAreDone = step === 'Delivery' && waiting.length < all.length;
        if (othersAreDone && runningMs() > this.#nextStepAt) break;
        // In turns: a server that hangs must not keep the rows of another recorder from being masked.
        const maxMs = ROUND_MS / waiting.length;
        waiting = waiting.filter((recorder) => {
          // At first what is being masked already: the native part waits for it.
          this.#masking.maskInTime(recorder);
          const dueMs = runningMs() + maxMs;
          const isDone = recorder.waitExit(ExitStep[step], maxMs);
          woke(dueMs);
          return !isDone;
        });
      }
    });
    this.#report();
  }
}

/** @param {() => void} work */
function quietly(work) {
  try {
    work();
  } catch (error) {
    warn('EXIT', `The last rows could not be delivered: ${messageOf(error)}.`);
  }
}

module.exports = { ExitSteps };
