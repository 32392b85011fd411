'use strict';

// A span of the application's own, from its start to its end.

const { randomUUID } = require('node:crypto');
const { types } = require('node:util');

const { runInSpan } = require('../context.js');
const { classOf } = require('../json/json-safe-copy.js');
const { spanLink } = require('../span-link.js');
const { warn } = require('../warn.js');
const { attributesOf, lookOf, placeOf, read } = require('./arguments.js');
const { NOOP_SPAN } = require('./noop.js');
const { errorOf, saidOf } = require('./span-update.js');
const { writeSlug } = require('./slug.js');
const { inject } = require('./trace-context.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */
/** @typedef {import('../../index.d.ts').SpanEvent} SpanEvent */
/** @typedef {InstanceType<typeof import('../exporter.js').Exporter>} Exporter */

/** How long a link waits for the login, in milliseconds. */
const LOGIN_MS = 5000;

/** The longest error that is kept where there is room for nothing more, in characters. */
const LONGEST_ERROR = 1000;

/** @typedef {import('./arguments.js').Place} Place */

/** A span of the application's own, or the application's hold of one of Flue's. */
class Span {
  kind = /** @type {const} */ ('span');
  #exporter;
  #place;
  /** Whether it is ours to end. */
  #isOpen = false;
  /** When it ended, in seconds. @type {number | undefined} */
  #endedAt;
  /** There was no room for its beginning: nothing more is said of it. */
  #isRefused = false;

  /**
   * @param {Exporter} exporter
   * @param {Place} place
   */
  constructor(exporter, place) {
    this.#exporter = exporter;
    this.#place = place;
  }

  /**
   * Begins a span of the application's. Never throws.
   * @param {Exporter} exporter
   * @param {Place | undefined} current what it lies below, unless the arguments say otherwise; none for a root
   * @param {StartSpanArgs} [args]
   * @returns {import('../../index.d.ts').Span}
   */
  static begin(exporter, current, args) {
    try {
      return Span.#under(exporter, placeOf(args?.parent) ?? current, args);
    } catch (error) {
      warn('BAD_SPAN', `A span was asked for in a way that cannot be read (${classOf(error)}).`);
      return NOOP_SPAN;
    }
  }

  /**
   * @param {Exporter} exporter
   * @param {Place | undefined} parent
   * @param {StartSpanArgs} [args]
   */
  static #under(exporter, parent, args) {
    const id = newId();
    const span = new Span(exporter, {
      id,
      spanId: id.slice(0, 16),
      rootSpanId: parent?.rootSpanId ?? newId(),
      spanParents: parent === undefined ? [] : [parent.spanId],
      ...(parent?.propagated && { propagated: parent.propagated }),
    });
    span.#begin(args, parent === undefined ? 'root' : 'subspan');
    return span;
  }

  get id() {
    return this.#place.id;
  }

  get spanId() {
    return this.#place.spanId;
  }

  get rootSpanId() {
    return this.#place.rootSpanId;
  }

  get spanParents() {
    return this.#place.spanParents;
  }

  /** @param {SpanEvent} event */
  log(event) {
    // What is too much is lost, and counted; the span is told all the same.
    this.#tell('span_log', saidOf(event), 'Start');
  }

  /** @param {Omit<StartSpanArgs, 'event'>} args */
  setAttributes(args) {
    this.#tell('span_log', lookOf(args), 'Start');
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
    if (!this.#exporter.isOn) return NOOP_SPAN;
    return Span.begin(this.#exporter, this.#place, args);
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
    const { projectId, projectName } = this.#exporter.place() ?? {};
    const { id, spanId, rootSpanId, propagated } = this.#place;
    return writeSlug({
      ...(projectId
        ? { object_id: projectId }
        : { compute_object_metadata_args: { project_name: projectName } }),
      row_id: id,
      span_id: spanId,
      root_span_id: rootSpanId,
      ...(propagated && { propagated_event: propagated }),
    });
  }

  link() {
    const { appUrl, orgName, projectId, projectName } = this.#exporter.place() ?? {};
    if (!appUrl || !orgName) {
      return 'https://braintrust.dev/error-generating-link?msg=log-in-or-provide-org-name';
    }
    if (projectId) return spanLink({ appUrl, organisation: orgName, projectId }, this.id);
    const project = `${appUrl}/app/${encodeURIComponent(orgName)}/p/${encodeURIComponent(projectName ?? '')}`;
    return `${project}/logs?oid=${encodeURIComponent(this.id)}`;
  }

  async permalink() {
    const { orgName, projectId } = this.#exporter.place() ?? {};
    // What is delivered has logged in.
    if (!orgName || !projectId) await this.#exporter.flush({ timeoutMs: LOGIN_MS });
    return this.link();
  }

  async flush() {
    await this.#exporter.flush();
  }

  /**
   * @template {object} T
   * @param {T} [carrier]
   * @returns {T}
   */
  inject(carrier) {
    const place = this.#exporter.place();
    const caller = this.#exporter.caller(place);
    return inject(carrier ?? /** @type {T} */ ({}), this.#place, place, caller);
  }

  toString() {
    return `Span(${this.id})`;
  }

  /**
   * Ends the span, unless it has ended, with the last that is said of it.
   * @param {{ output?: unknown, error?: { thrown: unknown } }} last
   * @param {unknown} [endTime] seconds since the epoch; now by default
   * @returns {number} when it ended
   */
  finish({ output, error }, endTime) {
    const end = typeof endTime === 'number' ? endTime : Date.now() / 1000;
    const said = {
      ...(output !== undefined && saidOf({ output })),
      ...(error !== undefined && { error: errorOf(error.thrown) }),
    };
    if (!this.#isOpen) {
      // One of Flue's, which Flue ends, or one that has ended already.
      if (Object.keys(said).length > 0) this.#tell('span_log', said, 'Start');
      return this.#endedAt ?? end;
    }
    this.#isOpen = false;
    this.#endedAt = end;
    const at = { end: Math.round(end * 1000) };
    if (!this.#tell('span_end', { ...at, ...said }, 'Continuation')) {
      const shown = said.error === undefined ? {} : { error: essence(said.error) };
      this.#tell('span_end', { ...at, ...shown }, 'MinimalEnd');
    }
    return end;
  }

  /**
   * @param {StartSpanArgs | undefined} args
   * @param {string} name unless the arguments have one
   */
  #begin(args, name) {
    const { propagated } = this.#place;
    const said = {
      name,
      ...lookOf({ ...args, spanAttributes: attributesOf(args, propagated) }),
      ...saidOf(args?.event),
      ...(propagated && saidOf(propagated)),
      start: typeof args?.startTime === 'number' ? Math.round(args.startTime * 1000) : Date.now(),
    };
    this.#isOpen = true;
    this.#isRefused = !this.#tell('span_start', said, 'Start');
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} said
   * @param {keyof typeof import('../../native.d.ts').Priority} priority
   * @returns {boolean} whether there was room
   */
  #tell(type, said, priority) {
    if (this.#isRefused) return true;
    const { id, rootSpanId, spanParents } = this.#place;
    const subject = { type, timestamp: Date.now(), spanId: id, rootSpanId };
    const parent = type === 'span_start' ? spanParents[0] : undefined;
    const event = { ...subject, ...(parent !== undefined && { parentSpanId: parent }), span: said };
    return this.#exporter.tell(event, priority);
  }
}

/**
 * Runs a function within a span and ends it after that, be it with an error, which is thrown on.
 * @template R
 * @param {import('../../index.d.ts').Span} span
 * @param {(span: import('../../index.d.ts').Span) => R} callback
 * @param {{ setCurrent?: boolean }} [args]
 * @param {boolean} [showsOutput] whether what the function gives is the span's output
 * @returns {R}
 */
function runTraced(span, callback, args, showsOutput = false) {
  if (!(span instanceof Span)) return callback(span);
  const isCurrent = read(args, 'setCurrent') !== false;
  const failed = (/** @type {unknown} */ thrown) => span.finish({ error: { thrown } });
  const done = (/** @type {unknown} */ output) => span.finish(showsOutput ? { output } : {});
  let result;
  try {
    result = isCurrent ? runInSpan(span, () => callback(span)) : callback(span);
  } catch (error) {
    failed(error);
    throw error;
  }
  if (!types.isPromise(result)) {
    done(result);
    return result;
  }
  const settled = result.then(
    (value) => {
      done(value);
      return value;
    },
    (error) => {
      failed(error);
      throw error;
    },
  );
  return /** @type {R} */ (settled);
}

const newId = () => randomUUID().replaceAll('-', '');

/** @param {any} error */
function essence(error) {
  return String(typeof error === 'string' ? error : JSON.stringify(error)).slice(0, LONGEST_ERROR);
}

module.exports = { Span, runTraced };
