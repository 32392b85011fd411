'use strict';

// What is recorded of a span: its start, its updates and its end.

const { takeCut } = require('../json/cut.js');
const { wallMs } = require('../wall-clock.js');
const { warnOfCall } = require('../warn-of-call.js');
const { labelOf } = require('./arguments.js');
const { withUnread } = require('./attachment.js');
const { unreadIn } = require('./propagated.js');
const { noteUpdate, repeatWhenRead } = require('./repeated-updates.js');
const { spanEventOf, warnOfArguments, warnOfTimes } = require('./span-event.js');
const {
  errorOf,
  mergedUpdate,
  spanUpdateOf,
  timeIn,
  timeMembers,
  timeOf,
} = require('./span-update.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */
/** @typedef {import('../../index.d.ts').SpanEvent} SpanEvent */
/** @typedef {InstanceType<typeof import('../destination.js').Destination>} Destination */
/** @typedef {import('./arguments.js').SpanContext} SpanContext */

/** Records the events of one span. */
class SpanRecord {
  #destination;
  #context;
  /** Whether it is a custom span that has not ended. */
  #isOpen = false;
  /** When a custom span began, in seconds. @type {number | undefined} */
  #startedAt;
  /** When it ended, in seconds. @type {number | undefined} */
  #endedAt;
  /** Whether the queue refused its start: it records nothing more. */
  #admission = { isRefused: false };

  /**
   * @param {Destination} destination
   * @param {SpanContext} context
   */
  constructor(destination, context) {
    this.#destination = destination;
    this.#context = context;
  }

  get isRefused() {
    return this.#admission.isRefused;
  }

  /**
   * Starts a custom span.
   * @param {StartSpanArgs | undefined} args
   * @param {{ name: string, type?: string }} label used where the arguments have none
   */
  begin(args, label) {
    warnOfArguments(args);
    const { propagated } = this.#context;
    const given = timeIn(args?.event, 'start') ?? timeOf(args?.startTime, 'startTime');
    const start = given ?? wallMs() / 1000;
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

  /** Updates the span, and moves its times. @param {SpanEvent} event */
  log(event) {
    const [start, end] = [timeIn(event, 'start'), timeIn(event, 'end')];
    if (this.#startedAt === undefined) {
      if (start !== undefined || end !== undefined) warnOfTimes();
      this.update(() => spanEventOf(event));
      return;
    }
    // A span never starts after it ended.
    const moved = start === undefined ? undefined : Math.min(start, this.#endedAt ?? start);
    this.#startedAt = moved ?? this.#startedAt;
    this.update(() => spanEventOf(event, moved), end);
  }

  /**
   * Ends the span with a last update. Does nothing to a span that has ended.
   * @param {{ output?: unknown, error?: { thrown: unknown } }} last
   * @param {unknown} [endTime] seconds since the epoch; now by default
   * @returns {number} when it ended
   */
  finish({ output, error }, endTime) {
    const end = timeOf(endTime, 'endTime') ?? wallMs() / 1000;
    const { update, files } = this.#written(() => ({
      ...(output !== undefined && spanUpdateOf({ output })),
      ...(error !== undefined && { error: errorOf(error.thrown) }),
    }));
    if (this.#isOpen) this.#end(end, update);
    // A span of Flue's, which Flue ends, or one that has ended.
    else if (Object.keys(update).length > 0) this.#record('span_log', update, 'Start');
    this.#repeatWhenRead(update, files);
    return this.#endedAt ?? end;
  }

  /**
   * Updates the span.
   * @param {() => Record<string, any>} write the update
   * @param {number} [end] if the update states when the span ends: then it has ended
   */
  update(write, end) {
    const { update, files } = this.#written(write);
    // A refused update is lost and counted; the span stays open.
    if (end === undefined) this.#record('span_log', update, 'Start');
    else this.#endByUpdate(end, update);
    this.#repeatWhenRead(update, files);
  }

  /**
   * What an update states; nothing, and a warning, where writing it throws: a global prototype may have setters.
   * @param {() => Record<string, any>} write
   */
  #written(write) {
    try {
      return withUnread(write);
    } catch (error) {
      warnOfCall('An update of a span cannot be written', error);
      return { update: {}, files: [] };
    }
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
   * Ends the span by an update. A start, a name and a type, which the event of an end has not, go before it.
   * @param {number} end in seconds
   * @param {Record<string, any>} update
   */
  #endByUpdate(end, { start, startSeconds, name, type, ...update }) {
    const own = { start, startSeconds, name, type };
    if (!this.#isOpen) return this.#end(end, { ...own, ...update });
    const isMoved = Object.values(own).some((value) => value !== undefined);
    if (isMoved) this.#record('span_log', own, 'Start');
    this.#end(end, update);
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
      timestamp: wallMs(),
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

module.exports = { SpanRecord };
