'use strict';

// Which traces a destination records. The core decides by the id of a trace, unless the application does; here, events of
// traces that are left out are dropped before they are written as text.

const { ApplicationCall } = require('./application-call.js');
const { types } = require('./builtins/index.js');
const { dropOldest } = require('./drop-oldest.js');
const { classOf } = require('./json/describe.js');
const { RepeatedEvents } = require('./repeated-events.js');
const { warn } = require('./warn.js');

/** @typedef {import('../index.d.ts').SampledRoot} SampledRoot */

/** How many ids of running work, and how many traces, are remembered. */
const MAX_REMEMBERED = 16_384;

/** The events that begin a span: each counts as one that is left out. @type {ReadonlySet<unknown>} */
const STARTS = new Set([
  'run_start',
  'operation_start',
  'turn_request',
  'tool_start',
  'task_start',
  'compaction_start',
  'span_start',
  'feedback',
]);

/** @type {ReadonlySet<unknown>} */
const SUBMISSIONS = new Set([
  'submission_queued',
  'submission_running',
  'submission_recovery',
  'submission_settled',
]);

/** What a destination states about sampling. @typedef {{ keepsErrors: boolean, samples: (traceId: string) => boolean }} Rules */

/** The decisions of one destination. No method throws, but where reading an event does. */
class Sampling {
  /** The application's function. @type {((root: SampledRoot) => unknown) | undefined} */
  sample;
  #rules;
  /** Whether traces are recorded, by their ids. The oldest first. @type {Map<string, boolean>} */
  #traces = new Map();
  /** The traces of runs, submissions, operations and tasks, by their ids. The oldest first. @type {Map<unknown, string>} */
  #work = new Map();
  /** The spans, and the feedback, that were left out here. */
  leftOut = 0;
  #repeated = new RepeatedEvents();
  #call = new ApplicationCall((why) =>
    warn(
      'SLOW_SAMPLE',
      `\`sample\` ${why}; it is not called any more, and \`sampleRate\` decides.`,
    ),
  );

  /** @param {Rules} rules */
  constructor(rules) {
    this.#rules = rules;
  }

  /**
   * Whether an event of Flue's is left out. Counts it then.
   * @param {any} event
   * @param {unknown} id of its run, submission or dispatch; undefined outside of them
   * @param {() => { id: string, rootSpanId: string, isLeftOut?: boolean } | undefined} rootOf the root that the event begins
   */
  leavesOut(event, id, rootOf) {
    const { type, operationId, taskId } = event;
    // They make no span; the core keeps account of all submissions.
    if (SUBMISSIONS.has(type)) return false;
    let trace = fresh(this.#work, id ?? operationId) ?? fresh(this.#work, taskId);
    if (trace === undefined) {
      const root = rootOf();
      if (root === undefined) return false;
      trace = root.rootSpanId;
      this.#remember(id ?? operationId, trace);
      this.#decide(root, event);
    } else if (id === undefined) {
      // On 0.x, the work in a task has only these ids.
      this.#remember(type === 'task_start' ? taskId : operationId, trace);
    }
    if (this.#isKept(trace)) return false;
    if (STARTS.has(type) && !this.#repeated.has(event)) this.leftOut += 1;
    return true;
  }

  /**
   * Whether an event of the application's spans is left out. Counts it then.
   * @param {{ type: string, rootSpanId?: string, spanId?: string, parentSpanId?: string }} event
   */
  leavesOutOwn(event) {
    const { type, spanId: id, rootSpanId } = event;
    if (rootSpanId === undefined) return false;
    if (type === 'feedback' && this.isUndecided(rootSpanId)) return false;
    const isRoot = type === 'span_start' && event.parentSpanId === undefined;
    if (isRoot && id !== undefined) this.#decide({ id, rootSpanId }, event);
    if (this.#isKept(rootSpanId)) return false;
    if (STARTS.has(type)) this.leftOut += 1;
    return true;
  }

  /**
   * Whether a trace may be recorded although its id decides otherwise: only the process of its root knows.
   * @param {string | undefined} traceId
   */
  isUndecided(traceId) {
    if (this.sample === undefined && !this.#rules.keepsErrors) return false;
    return traceId !== undefined && !this.#traces.has(traceId);
  }

  /** Whether a trace is recorded, as far as no error decides. @param {string} traceId */
  records(traceId) {
    return fresh(this.#traces, traceId) ?? this.#rules.samples(traceId);
  }

  /**
   * What the application has decided about a trace; undefined if the core decides.
   * @param {string} traceId
   */
  decisionOn(traceId) {
    const isRecorded = this.#traces.get(traceId);
    if (isRecorded === undefined) return undefined;
    return isRecorded === this.#rules.samples(traceId) ? undefined : isRecorded;
  }

  /** An ended process has recorded a trace: the application is not asked again. @param {string} traceId */
  record(traceId) {
    // If errors are kept, the core knows it.
    if (this.#rules.keepsErrors || this.#traces.has(traceId)) return;
    this.#setTrace(traceId, true);
  }

  /** Whether the root of a trace has begun here. @param {string} traceId */
  hasDecided(traceId) {
    return this.#traces.has(traceId);
  }

  /**
   * What the application has decided about the trace of Flue's work; undefined if the core decides.
   * @param {unknown} id of the run, submission, dispatch or operation
   */
  decisionOnWork(id) {
    const trace = this.#work.get(id);
    return trace === undefined ? undefined : this.decisionOn(trace);
  }

  /** Whether the core receives the events of a trace: if errors are kept, it waits for one. @param {string} traceId */
  #isKept(traceId) {
    return this.#rules.keepsErrors || this.records(traceId);
  }

  /**
   * @param {{ id: string, rootSpanId: string, isLeftOut?: boolean }} root
   * @param {object} event that begins it
   */
  #decide({ id, rootSpanId, isLeftOut }, event) {
    if (this.#traces.has(rootSpanId)) return;
    const isSampled = !isLeftOut && this.#rules.samples(rootSpanId);
    const isRecorded = this.#ask({ id, rootSpanId, isSampled, event });
    this.#setTrace(rootSpanId, isRecorded);
  }

  /**
   * @param {string} traceId
   * @param {boolean} isRecorded
   */
  #setTrace(traceId, isRecorded) {
    this.#traces.set(traceId, isRecorded);
    dropOldest(this.#traces, MAX_REMEMBERED);
  }

  /** @param {SampledRoot} root */
  #ask(root) {
    const { sample } = this;
    // The rate decides about a span that the function itself begins.
    if (sample === undefined || !this.#call.isAllowed) return root.isSampled;
    try {
      const decided = this.#call.run(() => sample(root));
      if (typeof decided === 'boolean') return decided;
      // Keeps a rejection from ending the process.
      if (types.isPromise(decided)) Promise.resolve(decided).catch(() => {});
      refuse('did not return true or false');
    } catch (error) {
      refuse(`threw (${classOf(error)})`);
    }
    return root.isSampled;
  }

  /**
   * @param {unknown} id
   * @param {string} trace
   */
  #remember(id, trace) {
    if (id === undefined || this.#work.has(id)) return;
    this.#work.set(id, trace);
    dropOldest(this.#work, MAX_REMEMBERED);
  }
}

/**
 * An entry, which becomes the newest: what is in use is not dropped. While there is much room, that takes no time.
 * @template T
 * @param {Map<any, T>} map
 * @param {unknown} key
 */
function fresh(map, key) {
  const value = map.get(key);
  if (value !== undefined && map.size > MAX_REMEMBERED / 2) {
    map.delete(key);
    map.set(key, value);
  }
  return value;
}

/** Warns once for each mistake. @param {string} what */
function refuse(what) {
  const message = `\`sample\` ${what}; \`sampleRate\` decides.`;
  warn('BAD_SAMPLE', message, message);
}

module.exports = { Sampling };
