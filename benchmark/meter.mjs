import { performance } from 'node:perf_hooks';
import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';

/** Upper bounds of the histogram's classes, in milliseconds; the last class is open. */
export const CLASSES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/** How long after a flush an exporter may still have work on the loop. */
const AFTERMATH_MS = 100;

/** The calls into an exporter, timed one by one. */
export class CallTimes {
  /** Milliseconds of all calls together. */
  total = 0;
  longest = 0;
  /** What the longest call was for. */
  longestOf = '';
  count = 0;
  histogram = Array.from({ length: CLASSES.length + 1 }, () => 0);
  /** Milliseconds by turn; from 1, as a conversation is counted. @type {number[]} */
  byTurn = [];
  /** Milliseconds of every call, by the kind of event. @type {Record<string, number[]>} */
  byKind = {};
  #turn = 0;

  /**
   * Wraps an observer.
   *
   * @param {(event: any, context?: unknown) => unknown} observe
   */
  timed(observe) {
    return (event, context) => {
      if (event.type === 'turn_request') this.#turn += 1;
      const began = performance.now();
      observe(event, context);
      this.#add(performance.now() - began, event.type);
    };
  }

  /**
   * Wraps an interceptor; what it wraps in turn is not counted.
   *
   * @param {(operation: any, context: any, next: () => any) => any} interceptor
   */
  timedInterceptor(interceptor) {
    return (operation, context, next) => {
      let inner = 0;
      const began = performance.now();
      const result = interceptor(operation, context, () => {
        const began = performance.now();
        try {
          return next();
        } finally {
          inner = performance.now() - began;
        }
      });
      this.#add(performance.now() - began - inner, `interceptor ${operation.type}`);
      return result;
    };
  }

  /** @param {number} ms @param {string} what */
  #add(ms, what) {
    this.total += ms;
    this.count += 1;
    if (ms > this.longest) {
      this.longest = ms;
      this.longestOf = what;
    }
    (this.byKind[what] ??= []).push(ms);
    const found = CLASSES.findIndex((bound) => ms <= bound);
    this.histogram[found === -1 ? CLASSES.length : found] += 1;
    this.byTurn[this.#turn] = (this.byTurn[this.#turn] ?? 0) + ms;
  }
}

/**
 * Measures what a piece of work costs the process and its event loop, from a clean heap to the end of
 * what it leaves behind.
 *
 * @param {() => Promise<unknown>} work
 */
export async function measure(work) {
  await clean();
  const loop = performance.eventLoopUtilization();
  const cpu = process.cpuUsage();
  const main = threadCpu();
  const startedAt = Date.now();
  const began = performance.now();
  await work();
  const elapsed = performance.now() - began;
  await sleep(AFTERMATH_MS);
  const { user, system } = process.cpuUsage(cpu);
  return {
    startedAt,
    elapsed,
    /** Milliseconds in which the event loop was not waiting. */
    active: performance.eventLoopUtilization(loop).active,
    /** Milliseconds of CPU that the loop's thread got: the same where nobody else wants the core. */
    loopCpu: threadCpu() - main,
    cpu: (user + system) / 1000,
    peakRss: process.resourceUsage().maxRSS * 1024,
  };
}

/**
 * Milliseconds of CPU that this thread has used. Linux brings the figure up to date when the thread
 * sleeps, and a few times per 10 ms: good for a whole run that begins and ends with a sleep, and for
 * nothing shorter.
 */
function threadCpu() {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Collects all garbage and lets the loop come to rest. Its figures begin with its first turn. */
export async function clean() {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await sleep(20);
  }
  await nextLoop();
}
