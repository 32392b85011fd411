'use strict';

// A custom span, from its start to its end.

const { types } = require('../builtins/index.js');
const { isUntraced, nextInOrder, runInSpan } = require('../context.js');
const { outsideOfRequest } = require('../outside-of-request.js');
const { isDuplicate, isFreshReceipt, isRunReceipt } = require('../receipts.js');
const { wallMs } = require('../wall-clock.js');
const { warnOfCall } = require('../warn-of-call.js');
const { inheritedOf, labelOf, read } = require('./arguments.js');
const { recordFeedback } = require('./feedback.js');
const { NOOP_SPAN } = require('./noop.js');
const { beginsTraces, parentOf } = require('./parents.js');
const { linkTo, permalinkTo } = require('./permalink.js');
const { flueUpdateOf, propagatedOf, slugEventOf } = require('./propagated.js');
const { runTraced, whenDone } = require('./run-traced.js');
const { objectOf, writeSlug } = require('./slug.js');
const { spanEventOf } = require('./span-event.js');
const { hasBegunTrace, newId, noteTrace, rowIdOf } = require('./span-ids.js');
const { SpanRecord } = require('./span-record.js');
const { timeIn } = require('./span-update.js');
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
  #record;
  /** When this was made, in milliseconds. */
  #since = wallMs();
  /** Its order among the beginnings of spans and of Flue's work. */
  #order = nextInOrder();

  /**
   * @param {Destination} destination
   * @param {SpanContext} context
   */
  constructor(destination, context) {
    this.#destination = destination;
    this.#context = context;
    this.#record = new SpanRecord(destination, context);
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
        warnOfCall('A span was asked for in a way that cannot be read', error);
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
    span.#record.begin(args, label);
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
    this.#record.log(event);
  }

  /**
   * Updates a span by its ids alone, its times included.
   * @param {Destination} destination
   * @param {SpanContext} context
   * @param {SpanEvent} event
   */
  static update(destination, context, event) {
    const [start, end] = [timeIn(event, 'start'), timeIn(event, 'end')];
    Span.at(destination, context).#record.update(() => ({
      ...spanEventOf(event, start),
      ...(end !== undefined && { endSeconds: end }),
    }));
  }

  /** @param {import('../../index.d.ts').Feedback} event */
  logFeedback(event) {
    // Without the start of a refused span its row would have nothing but the feedback.
    if (!this.#record.isRefused) recordFeedback(this.#destination, this.#context, event);
  }

  /** @param {Omit<StartSpanArgs, 'event'>} args */
  setAttributes(args) {
    this.#record.update(() => labelOf(args));
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
   * @param {Parameters<InstanceType<typeof SpanRecord>['finish']>[0]} last
   * @param {unknown} [endTime] seconds since the epoch; now by default
   * @returns {number} when it ended
   */
  finish(last, endTime) {
    return this.#record.finish(last, endTime);
  }
}

module.exports = { Span };
