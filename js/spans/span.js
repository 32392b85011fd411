'use strict';

// A custom span, from its start to its end.

const { randomUUID, types } = require('../builtins/index.js');

const { follow, nextInOrder, runInSpan, settling } = require('../context.js');
const { dropOldest } = require('../drop-oldest.js');
const { takeCut } = require('../json/cut.js');
const { toJsonSafe } = require('../json/stringify.js');
const { classOf } = require('../json/json-safe-copy.js');
const { isDuplicate, isFreshReceipt, isRunReceipt } = require('../receipts.js');
const { warn } = require('../warn.js');
const { attributesOf, labelOf, read } = require('./arguments.js');
const { filled, partsBeside, partsWith, withUnread } = require('./attachment.js');
const { NOOP_SPAN } = require('./noop.js');
const { feedbackEvent } = require('./feedback.js');
const { parentOf } = require('./parents.js');
const { linkTo, permalinkTo } = require('./permalink.js');
const { errorOf, spanUpdateOf } = require('./span-update.js');
const { writeSlug } = require('./slug.js');
const { HEX_16, HEX_32, inject } = require('./trace-context.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */
/** @typedef {import('../../index.d.ts').SpanEvent} SpanEvent */
/** @typedef {InstanceType<typeof import('../destination.js').Destination>} Destination */

/** The longest error of a minimal end event, in characters. */
const LONGEST_ERROR = 1000;

/** @typedef {import('./arguments.js').SpanContext} SpanContext */

/** The traces that spans of this process have begun: a slug may name a span in one of them. The oldest first. @type {Set<string>} */
const begun = new Set();
const MAX_BEGUN = 16_384;

/** What is repeated of updates once the files in it are read, by the ids of the rows. The oldest first. @type {Map<string, Set<{ parts: any }>>} */
const waiting = new Map();
const MAX_WAITING = 16_384;

/** A custom span, or the application's handle of a span of Flue's. */
class Span {
  kind = /** @type {const} */ ('span');
  #destination;
  #context;
  /** Whether it is a custom span that has not ended. */
  #isOpen = false;
  /** When it ended, in seconds. @type {number | undefined} */
  #endedAt;
  /** The queue refused its start: it records nothing more. */
  #isRefused = false;
  /** When this was made, in milliseconds. */
  #since = Date.now();
  /** Its place among the beginnings of spans and of Flue's work. */
  #order = nextInOrder();

  /**
   * @param {Destination} destination
   * @param {SpanContext} context
   */
  constructor(destination, context) {
    this.#destination = destination;
    this.#context = context;
  }

  /** Where the rows of a span go. @param {Span} span */
  static destinationOf = (span) => span.#destination;

  /**
   * Starts a custom span. Never throws.
   * @param {Destination} destination
   * @param {SpanContext | undefined} current its parent, unless the arguments name another; none for a root
   * @param {StartSpanArgs} [args]
   * @returns {import('../../index.d.ts').Span}
   */
  static begin(destination, current, args) {
    try {
      const named = parentOf(args);
      return Span.#under(below(destination, named), named ?? current, args);
    } catch (error) {
      warn('BAD_SPAN', `A span was asked for in a way that cannot be read (${classOf(error)}).`);
      return NOOP_SPAN;
    }
  }

  /**
   * @param {Destination} destination
   * @param {SpanContext | undefined} parent
   * @param {StartSpanArgs} [args]
   */
  static #under(destination, parent, args) {
    const id = rowIdOf(args);
    const propagated = propagatedOf(args) ?? parent?.propagated;
    const span = new Span(destination, {
      id,
      spanId: id.slice(0, 16),
      rootSpanId: parent?.rootSpanId ?? newId(),
      spanParents: parent === undefined ? [] : [parent.spanId],
      ...(parent?.isRemote && { isRemote: true }),
      ...(propagated && { propagated }),
    });
    if (parent === undefined) {
      begun.add(span.rootSpanId);
      dropOldest(begun, MAX_BEGUN);
    }
    span.#begin(args, parent === undefined ? 'root' : 'subspan');
    return span;
  }

  /**
   * Another handle of a span, or of the one that a parent names.
   * @param {Destination} destination
   * @param {SpanContext} context
   */
  static at(destination, context) {
    return new Span(below(destination, context), context);
  }

  /**
   * Runs a function within which this is the current span. Returns and throws what the function does.
   * @template R
   * @param {() => R} work
   * @returns {R}
   */
  run(work) {
    return runInSpan(this, this.#destination, work);
  }

  get id() {
    return this.#context.id;
  }

  get spanId() {
    return this.#context.spanId;
  }

  get rootSpanId() {
    return this.#context.rootSpanId;
  }

  get spanParents() {
    return this.#context.spanParents;
  }

  /** Whether another process may record the root of its trace. */
  get isRemote() {
    return this.#context.isRemote === true && !begun.has(this.rootSpanId);
  }

  /**
   * @template T
   * @param {T} work
   * @returns {T}
   */
  adopt(work) {
    if (types.isPromise(work)) {
      return whenDone(work, (receipt) => this.#destination.adopt(receipt, this));
    }
    this.#destination.adopt(work, this);
    return work;
  }

  /**
   * Runs the work under this span that a function within it has begun, if its result is Flue's receipt of that.
   * @param {unknown} result
   */
  adoptResult(result) {
    const isReceipt =
      isFreshReceipt(result, this.#since) || isDuplicate(result) || isRunReceipt(result);
    if (isReceipt) this.#destination.adopt(result, this, this.#order);
  }

  /** @param {SpanEvent} event */
  log(event) {
    this.#update(() => spanUpdateOf(event));
  }

  /** @param {import('../../index.d.ts').Feedback} event */
  logFeedback(event) {
    // Without the start of a refused span its row would have nothing but the feedback.
    if (!this.#isRefused) this.#destination.record(feedbackEvent(this.#context, event), 'Start');
    else takeCut();
  }

  /** @param {Omit<StartSpanArgs, 'event'>} args */
  setAttributes(args) {
    this.#update(() => labelOf(args));
  }

  /**
   * @template R
   * @param {(span: import('../../index.d.ts').Span) => R} callback
   * @param {StartSpanArgs & { setCurrent?: boolean }} [args]
   * @returns {R}
   */
  traced(callback, args) {
    return runTraced(this.startSpan(args), callback, args);
  }

  /**
   * @param {StartSpanArgs} [args]
   * @returns {import('../../index.d.ts').Span}
   */
  startSpan(args) {
    if (!this.#destination.isOn) return NOOP_SPAN;
    return Span.begin(this.#destination, this.#context, args);
  }

  /** @param {import('../../index.d.ts').EndSpanArgs} [args] */
  end(args) {
    return this.finish({}, read(args, 'endTime'));
  }

  /** @param {import('../../index.d.ts').EndSpanArgs} [args] */
  close(args) {
    return this.end(args);
  }

  async export() {
    const { id, spanId, rootSpanId, propagated } = this.#context;
    return writeSlug({
      ...objectOf(this.#destination),
      row_id: id,
      span_id: spanId,
      root_span_id: rootSpanId,
      ...(propagated && { propagated_event: propagated }),
    });
  }

  link() {
    return linkTo(this.#destination, this.id);
  }

  permalink() {
    return permalinkTo(this.#destination, this.id);
  }

  async flush() {
    await this.#destination.flush();
  }

  /**
   * @template {object} T
   * @param {T} [carrier]
   * @returns {T}
   */
  inject(carrier) {
    const destination = this.#destination.traceDestination();
    const caller = this.#destination.caller(destination);
    const isRecorded = this.#destination.recordsTrace(this.rootSpanId);
    return inject(carrier ?? /** @type {T} */ ({}), this.#context, destination, caller, isRecorded);
  }

  toString() {
    return `Span(${this.id})`;
  }

  /**
   * Ends the span with a last update. Does nothing to a span that has ended.
   * @param {{ output?: unknown, error?: { thrown: unknown } }} last
   * @param {unknown} [endTime] seconds since the epoch; now by default
   * @returns {number} when it ended
   */
  finish({ output, error }, endTime) {
    const end = typeof endTime === 'number' ? endTime : Date.now() / 1000;
    const { update, files } = withUnread(() => ({
      ...(output !== undefined && spanUpdateOf({ output })),
      ...(error !== undefined && { error: errorOf(error.thrown) }),
    }));
    if (!this.#isOpen) {
      // A span of Flue's, which Flue ends, or one that has ended.
      if (Object.keys(update).length > 0) this.#record('span_log', update, 'Start');
      this.#repeatWhenRead(update, files);
      return this.#endedAt ?? end;
    }
    this.#isOpen = false;
    this.#endedAt = end;
    const at = { end: Math.round(end * 1000) };
    if (!this.#record('span_end', { ...at, ...update }, 'Continuation')) {
      const shown = update.error === undefined ? {} : { error: essence(update.error) };
      this.#record('span_end', { ...at, ...shown }, 'MinimalEnd');
    }
    this.#repeatWhenRead(update, files);
    return end;
  }

  /** @param {() => Record<string, any>} write the update */
  #update(write) {
    const { update, files } = withUnread(write);
    // A refused update is lost and counted; the span stays open.
    this.#record('span_log', update, 'Start');
    this.#repeatWhenRead(update, files);
  }

  /**
   * Records the files of an update once they are read, except where a later update has replaced them.
   * @param {Record<string, any>} update as it was recorded
   * @param {import('./attachment.js').UnreadFile[]} files
   */
  #repeatWhenRead(update, files) {
    if (files.length === 0 || !this.#destination.isOn) return;
    const { id } = this.#context;
    const repeat = { parts: partsWith(update, files) };
    const repeats = waiting.get(id) ?? new Set();
    waiting.set(id, repeats.add(repeat));
    dropOldest(waiting, MAX_WAITING);
    const repeated = Promise.all(files.map(({ reading }) => reading)).then(() => {
      repeats.delete(repeat);
      if (repeats.size === 0 && waiting.get(id) === repeats) waiting.delete(id);
      if (repeat.parts !== undefined) {
        this.#record('span_log', filled(repeat.parts, files), 'Start');
      }
    });
    this.#destination.defer(repeated);
  }

  /**
   * @param {StartSpanArgs | undefined} args
   * @param {string} name used when the arguments have none
   */
  #begin(args, name) {
    const { propagated } = this.#context;
    const { update, files } = withUnread(() => ({
      name,
      ...labelOf({ ...args, spanAttributes: attributesOf(args, propagated) }),
      ...spanUpdateOf(args?.event),
      ...(propagated && spanUpdateOf(propagated)),
      start: typeof args?.startTime === 'number' ? Math.round(args.startTime * 1000) : Date.now(),
    }));
    this.#isOpen = true;
    this.#isRefused = !this.#record('span_start', update, 'Start');
    this.#repeatWhenRead(update, files);
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} update
   * @param {keyof typeof import('../../native.d.ts').Priority} priority
   * @returns {boolean} whether there was room
   */
  #record(type, update, priority) {
    if (this.#isRefused) {
      // Discards the mark of a cut update: the update itself is lost.
      takeCut();
      return true;
    }
    const { id, rootSpanId, spanParents } = this.#context;
    for (const repeat of waiting.get(id) ?? []) repeat.parts = partsBeside(repeat.parts, update);
    const subject = { type, timestamp: Date.now(), spanId: id, rootSpanId };
    const parent = type === 'span_start' ? spanParents[0] : undefined;
    const event = {
      ...subject,
      ...(parent !== undefined && { parentSpanId: parent }),
      span: update,
    };
    return this.#destination.record(event, priority);
  }
}

/**
 * Runs a function within a span and ends the span after it. Rethrows what the function throws. Whatever fails here,
 * the function runs exactly once.
 * @template R
 * @param {import('../../index.d.ts').Span} span
 * @param {(span: import('../../index.d.ts').Span) => R} callback
 * @param {{ setCurrent?: boolean }} [args]
 * @param {boolean} [showsOutput] whether the result is the span's output
 * @returns {R}
 */
function runTraced(span, callback, args, showsOutput = false) {
  if (!(span instanceof Span)) return callback(span);
  const isCurrent = read(args, 'setCurrent') !== false;
  const failed = (/** @type {unknown} */ thrown) => finishSafely(span, { error: { thrown } });
  const done = (/** @type {unknown} */ output) => {
    if (isCurrent) adoptSafely(span, output);
    finishSafely(span, showsOutput ? { output } : {});
  };
  let hasRun = false;
  const run = () => {
    hasRun = true;
    return callback(span);
  };
  let result;
  try {
    result = isCurrent ? span.run(run) : run();
  } catch (error) {
    if (!hasRun) return callback(span);
    failed(error);
    throw error;
  }
  if (!types.isPromise(result)) {
    done(result);
    return result;
  }
  try {
    return follow(result, done, failed) ?? settling(result, done, failed);
  } catch {
    // A promise with a `then` of its own that throws: whoever awaits it learns that.
    done(undefined);
    return result;
  }
}

/**
 * @param {Span} span
 * @param {Parameters<Span['finish']>[0]} last
 */
function finishSafely(span, last) {
  try {
    span.finish(last);
  } catch (error) {
    warn('BAD_SPAN', `A span could not be ended (${classOf(error)}).`);
  }
}

/**
 * @param {Span} span
 * @param {unknown} result
 */
function adoptSafely(span, result) {
  try {
    span.adoptResult(result);
  } catch {
    // What cannot be read is no receipt.
  }
}

/**
 * Runs a function within a span that it does not end, and the work of Flue that it begins under that span. Returns and
 * throws what the function does.
 * @template R
 * @param {Span} span
 * @param {() => R} callback
 * @returns {R}
 */
function runWithin(span, callback) {
  const result = span.run(callback);
  if (types.isPromise(result)) return whenDone(result, (value) => adoptSafely(span, value));
  adoptSafely(span, result);
  return result;
}

/**
 * Calls a function with what a promise resolves to, before whoever awaits the promise later. Never throws. Returns the
 * promise for the application; see {@link follow}.
 * @template T
 * @param {T & Promise<any>} promise
 * @param {(value: unknown) => void} use
 * @returns {T}
 */
function whenDone(promise, use) {
  const done = (/** @type {unknown} */ value) => {
    try {
      use(value);
    } catch {
      // What cannot be read is no receipt.
    }
  };
  return follow(promise, done) ?? promise;
}

/**
 * Where the rows of spans go that a context names, and those below them.
 * @param {Destination} destination that of the logger
 * @param {SpanContext} [context]
 */
function below(destination, context) {
  const place = context?.place;
  return place === undefined ? destination : destination.at(place);
}

/**
 * What the spans of a destination are in, as slugs name it.
 * @param {Destination} destination
 */
function objectOf(destination) {
  const { projectId, projectName, experimentId } = destination.traceDestination() ?? {};
  if (experimentId) return { isExperiment: true, object_id: experimentId };
  if (projectId) return { object_id: projectId };
  return { compute_object_metadata_args: { project_name: projectName } };
}

const newId = () => randomUUID().replaceAll('-', '');

/**
 * The id of a row: that of the arguments if it has the form of ours, whose first half is the id of the span.
 * @param {StartSpanArgs | undefined} args
 */
function rowIdOf(args) {
  const id = read(read(args, 'event'), 'id');
  if (typeof id === 'string' && HEX_32.test(id)) return id;
  const spanId = read(args, 'spanId');
  if (typeof spanId === 'string' && HEX_16.test(spanId)) {
    return spanId + newId().slice(16);
  }
  if (isGiven(id) || isGiven(spanId)) {
    warn('BAD_ID', 'A span has ids of 16 and 32 lowercase hexadecimal digits; others are ignored.');
  }
  return newId();
}

/** @param {unknown} value */
const isGiven = (value) => value !== undefined && value !== null;

/** @param {StartSpanArgs | undefined} args */
function propagatedOf(args) {
  const given = read(args, 'propagatedEvent');
  if (typeof given !== 'object' || given === null) return undefined;
  return /** @type {Record<string, any>} */ (toJsonSafe(given));
}

/** @param {any} error */
function essence(error) {
  return String(typeof error === 'string' ? error : JSON.stringify(error)).slice(0, LONGEST_ERROR);
}

module.exports = { Span, finishSafely, objectOf, runTraced, runWithin };
