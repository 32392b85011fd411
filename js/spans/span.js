'use strict';

// A custom span, from its start to its end.

const { types } = require('../builtins/index.js');

const { isUntraced, nextInOrder, runInSpan } = require('../context.js');
const { takeCut } = require('../json/cut.js');
const { classOf } = require('../json/describe.js');
const { isDuplicate, isFreshReceipt, isRunReceipt } = require('../receipts.js');
const { warn } = require('../warn.js');
const { inheritedOf, labelOf, read } = require('./arguments.js');
const { withUnread } = require('./attachment.js');
const { NOOP_SPAN } = require('./noop.js');
const { recordFeedback } = require('./feedback.js');
const { beginsTraces, parentOf } = require('./parents.js');
const { linkTo, permalinkTo } = require('./permalink.js');
const { spanEventOf, warnOfTimes } = require('./span-event.js');
const {
  errorOf,
  mergedUpdate,
  spanUpdateOf,
  timeIn,
  timeMembers,
  timeOf,
} = require('./span-update.js');
const { objectOf, writeSlug } = require('./slug.js');
const { flueUpdateOf, propagatedOf, slugEventOf, unreadIn } = require('./propagated.js');
const { outsideOfRequest } = require('../outside-of-request.js');
const { noteUpdate, repeatWhenRead } = require('./repeated-updates.js');
const { runTraced, whenDone } = require('./run-traced.js');
const { hasBegunTrace, newId, noteTrace, rowIdOf } = require('./span-ids.js');
const { inject } = require('./trace-context.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */
/** @typedef {import('../../index.d.ts').SpanEvent} SpanEvent */
/** @typedef {InstanceType<typeof import('../destination.js').Destination>} Destination */

/** @typedef {import('./arguments.js').SpanContext} SpanContext */

/** A custom span, or the application's handle of a span of Flue's. */
class Span {
  kind = /** @type {const} */ ('span');
  #destination;
  #context;
  /** What it passes on, once something has asked. @type {import('./arguments.js').Inherited | undefined} */
  #inherited;
  /** Whether it is a custom span that has not ended. */
  #isOpen = false;
  /** When a custom span began, in seconds. @type {number | undefined} */
  #startedAt;
  /** When it ended, in seconds. @type {number | undefined} */
  #endedAt;
  /** Whether the queue refused its start: it records nothing more. */
  #admission = { isRefused: false };
  /** When this was made, in milliseconds. */
  #since = Date.now();
  /** Its order among the beginnings of spans and of Flue's work. */
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
    if (isUntraced()) return NOOP_SPAN;
    try {
      const named = parentOf(args);
      const place = named ?? current;
      const parent = place === undefined || beginsTraces(place) ? undefined : place;
      const isRoot = parent === undefined;
      // As in the `braintrust` package: what begins a trace by itself is a task.
      const label = {
        name: isRoot ? 'root' : 'subspan',
        ...(place === undefined && { type: 'task' }),
      };
      const inherited = place?.propagated;
      return Span.#under(destination.at(named?.object), parent, args, label, inherited);
    } catch (error) {
      if (outsideOfRequest(error) === undefined) {
        warn('BAD_SPAN', `A span was asked for in a way that cannot be read (${classOf(error)}).`);
      } else {
        // Which warns.
        destination.countLost();
      }
      return NOOP_SPAN;
    }
  }

  /**
   * @param {Destination} destination
   * @param {SpanContext | undefined} parent
   * @param {StartSpanArgs | undefined} args
   * @param {{ name: string, type?: string }} label used where the arguments have none
   * @param {SpanContext['propagated']} [inherited]
   */
  static #under(destination, parent, args, label, inherited) {
    const id = rowIdOf(args);
    const propagated = propagatedOf(args) ?? inherited;
    const span = new Span(destination, {
      id,
      spanId: id.slice(0, 16),
      rootSpanId: parent?.rootSpanId ?? newId(),
      spanParents: parent === undefined ? [] : [parent.spanId],
      ...(parent?.isRemote && { isRemote: true }),
      ...inheritedOf(parent),
      ...(propagated && { propagated }),
    });
    if (parent === undefined) noteTrace(span.rootSpanId);
    span.#begin(args, label);
    return span;
  }

  /**
   * The handle of a span of Flue's.
   * @param {Destination} destination
   * @param {{ id: string, rootSpanId: string }} ids
   * @param {import('./arguments.js').Inherited} [inherited]
   */
  static ofFlue(destination, { id, rootSpanId }, inherited) {
    const ids = { id, spanId: id.slice(0, 16), rootSpanId, spanParents: [] };
    return new Span(destination, { ...ids, ...inherited });
  }

  /**
   * Another handle of a span, or of the one that a parent names.
   * @param {Destination} destination
   * @param {SpanContext} context
   */
  static at(destination, context) {
    return new Span(destination.at(context.object), context);
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
    return [...this.#context.spanParents];
  }

  /** Whether another process may record the root of its trace. */
  get isRemote() {
    return this.#context.isRemote === true && !hasBegunTrace(this.rootSpanId);
  }

  /** What its descendants get. */
  get inherited() {
    return (this.#inherited ??= this.#newInherited());
  }

  #newInherited() {
    const { propagated } = this.#context;
    const flueUpdate = propagated && flueUpdateOf(propagated);
    return { ...inheritedOf(this.#context), ...(flueUpdate && { flueUpdate }) };
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
    const [start, end] = [timeIn(event, 'start'), timeIn(event, 'end')];
    if (this.#startedAt === undefined) {
      if (start !== undefined || end !== undefined) warnOfTimes();
      this.#update(() => spanEventOf(event));
      return;
    }
    // A span never starts after it ended.
    const moved = start === undefined ? undefined : Math.min(start, this.#endedAt ?? start);
    this.#startedAt = moved ?? this.#startedAt;
    this.#update(() => spanEventOf(event, moved), end);
  }

  /**
   * Updates a span by its ids alone, its times included.
   * @param {Destination} destination
   * @param {SpanContext} context
   * @param {SpanEvent} event
   */
  static update(destination, context, event) {
    const [start, end] = [timeIn(event, 'start'), timeIn(event, 'end')];
    Span.at(destination, context).#update(() => ({
      ...spanEventOf(event, start),
      ...(end !== undefined && { endSeconds: end }),
    }));
  }

  /** @param {import('../../index.d.ts').Feedback} event */
  logFeedback(event) {
    // Without the start of a refused span its row would have nothing but the feedback.
    if (!this.#admission.isRefused) recordFeedback(this.#destination, this.#context, event);
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
    const { id, spanId, rootSpanId } = this.#context;
    const propagated = await slugEventOf(this.#context.propagated, this.#destination);
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
    const caller = this.#context.carrier ?? this.#destination.caller(destination);
    const isRecorded = this.#destination.recordsTrace(this.rootSpanId);
    return inject(carrier ?? /** @type {T} */ ({}), this.#context, destination, caller, isRecorded);
  }

  toString() {
    return `Span(${this.id})`;
  }

  /** What stands for it in content, as in the `braintrust` package. */
  toJSON() {
    return '<span>';
  }

  /**
   * Ends the span with a last update. Does nothing to a span that has ended.
   * @param {{ output?: unknown, error?: { thrown: unknown } }} last
   * @param {unknown} [endTime] seconds since the epoch; now by default
   * @returns {number} when it ended
   */
  finish({ output, error }, endTime) {
    const end = timeOf(endTime, 'endTime') ?? Date.now() / 1000;
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
    this.#end(end, update);
    this.#repeatWhenRead(update, files);
    return this.#endedAt ?? end;
  }

  /**
   * @param {() => Record<string, any>} write the update
   * @param {number} [end] if the update states when the span ends: then it has ended
   */
  #update(write, end) {
    const { update, files } = withUnread(write);
    // A refused update is lost and counted; the span stays open.
    if (end === undefined) this.#record('span_log', update, 'Start');
    else this.#end(end, update);
    this.#repeatWhenRead(update, files);
  }

  /**
   * Ends a custom span, or moves the end of one that has ended.
   * @param {number} given in seconds since the epoch
   * @param {Record<string, any>} update
   */
  #end(given, update) {
    const start = this.#startedAt ?? given;
    // A span never ends before it starts.
    const end = Math.max(given, start);
    this.#endedAt = end;
    if (!this.#isOpen) {
      this.#record('span_log', { ...update, endSeconds: end }, 'Start');
      return;
    }
    this.#isOpen = false;
    // The last row has the start again.
    const { startSeconds } = timeMembers('start', start);
    const times = {
      ...timeMembers('end', end),
      ...(startSeconds !== undefined && { startSeconds }),
    };
    this.#record('span_end', { ...times, ...update }, 'Continuation');
  }

  /**
   * Records the files of an update once they are read, except where a later update has replaced them.
   * @param {Record<string, any>} update as it was recorded
   * @param {import('./attachment.js').UnreadFile[]} files
   */
  #repeatWhenRead(update, files) {
    if (files.length === 0 || !this.#destination.isOn) return;
    const repeated = repeatWhenRead(this.#context.id, update, files, (whole) => {
      this.#record('span_log', whole, 'Start');
    });
    this.#destination.defer(repeated);
  }

  /**
   * @param {StartSpanArgs | undefined} args
   * @param {{ name: string, type?: string }} label used where the arguments have none
   */
  #begin(args, label) {
    const { propagated } = this.#context;
    const given = timeIn(args?.event, 'start') ?? timeOf(args?.startTime, 'startTime');
    const start = given ?? Date.now() / 1000;
    const end = timeIn(args?.event, 'end');
    const { update, files } = withUnread(() => {
      const own = mergedUpdate(labelOf(args), spanEventOf(args?.event));
      return {
        ...label,
        ...(propagated ? mergedUpdate(own, spanEventOf(propagated)) : own),
        ...timeMembers('start', start),
      };
    });
    this.#isOpen = true;
    this.#startedAt = start;
    this.#record('span_start', update, 'Start');
    if (end !== undefined) this.#end(end, {});
    this.#repeatWhenRead(update, [...files, ...unreadIn(propagated)]);
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} update
   * @param {keyof typeof import('../../native.d.ts').Priority} priority
   */
  #record(type, update, priority) {
    if (this.#admission.isRefused) {
      // Discards the mark of a cut update: the update itself is lost.
      takeCut();
      return;
    }
    const { id, rootSpanId, spanParents } = this.#context;
    noteUpdate(id, update);
    const subject = {
      type,
      timestamp: Date.now(),
      spanId: id,
      // Unknown, if an update names the row alone.
      rootSpanId: rootSpanId || undefined,
    };
    const parent = type === 'span_start' ? spanParents[0] : undefined;
    const event = {
      ...subject,
      ...(parent !== undefined && { parentSpanId: parent }),
      span: update,
    };
    this.#destination.record(event, priority, this.#admission);
  }
}

module.exports = { Span };
