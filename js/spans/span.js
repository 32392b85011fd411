'use strict';

const { randomUUID } = require('node:crypto');

const { currentWork } = require('../context.js');
const { classOf } = require('../plain-copy.js');
const { warn } = require('../warn.js');
const { NOOP_SPAN } = require('./noop.js');
const { errorOf, saidOf } = require('./said.js');
const { readSlug, writeSlug } = require('./slug.js');
const { inject } = require('./trace-context.js');

/** @typedef {import('../../index.d.ts').StartSpanArgs} StartSpanArgs */
/** @typedef {import('../../index.d.ts').SpanEvent} SpanEvent */
/** @typedef {InstanceType<typeof import('../exporter.js').Exporter>} Exporter */

/** How long a link waits for the login, in milliseconds. */
const LOGIN_MS = 5000;

/** The longest error that is kept where there is room for nothing more, in characters. */
const LONGEST_ERROR = 1000;

/**
 * Where a span stands.
 * @typedef {object} Place
 * @property {string} id of its row
 * @property {string} spanId
 * @property {string} rootSpanId
 * @property {readonly string[]} spanParents
 * @property {Record<string, any>} [propagated] what every span below says
 */

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
    this.#tell('span_log', saidOf(event), 'BEGINS');
  }

  /** @param {Omit<StartSpanArgs, 'event'>} args */
  setAttributes(args) {
    this.#tell('span_log', lookOf(args), 'BEGINS');
  }

  /**
   * @template R
   * @param {(span: import('../../index.d.ts').Span) => R} callback
   * @param {StartSpanArgs & { setCurrent?: boolean }} [args]
   * @returns {R}
   */
  traced(callback, args) {
    // Asked for here: the two need each other.
    return require('./traced.js').runTraced(this.startSpan(args), callback, args);
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
    return this.finish({}, args?.endTime);
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
    const start = `${appUrl}/app/${encodeURIComponent(orgName)}`;
    const row = encodeURIComponent(this.id);
    return projectId
      ? `${start}/object?object_type=project_logs&object_id=${projectId}&id=${row}`
      : `${start}/p/${encodeURIComponent(projectName ?? '')}/logs?oid=${row}`;
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
    const caller = place?.distributed ? currentWork()?.root?.carrier : undefined;
    return inject(carrier ?? /** @type {T} */ ({}), this.#place, place, caller);
  }

  toString() {
    return `Span(${this.id})`;
  }

  /**
   * Ends the span, unless it has ended, with the last that is said of it.
   * @param {{ output?: unknown, error?: { thrown: unknown } }} last
   * @param {number} [endTime] seconds since the epoch; now by default
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
      if (Object.keys(said).length > 0) this.#tell('span_log', said, 'BEGINS');
      return this.#endedAt ?? end;
    }
    this.#isOpen = false;
    this.#endedAt = end;
    const at = { end: Math.round(end * 1000) };
    if (!this.#tell('span_end', { ...at, ...said }, 'GOES_ON')) {
      const shown = said.error === undefined ? {} : { error: essence(said.error) };
      this.#tell('span_end', { ...at, ...shown }, 'ESSENTIALS');
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
    this.#isRefused = !this.#tell('span_start', said, 'BEGINS');
  }

  /**
   * @param {string} type
   * @param {Record<string, any>} said
   * @param {keyof typeof import('../capture.js').STAGE} stage
   * @returns {boolean} whether there was room
   */
  #tell(type, said, stage) {
    if (this.#isRefused) return true;
    const { id, rootSpanId, spanParents } = this.#place;
    const subject = { type, timestamp: Date.now(), spanId: id, rootSpanId };
    const parent = type === 'span_start' ? spanParents[0] : undefined;
    const event = { ...subject, ...(parent !== undefined && { parentSpanId: parent }), span: said };
    return this.#exporter.tell(event, stage);
  }
}

const newId = () => randomUUID().replaceAll('-', '');

/** @param {any} error */
function essence(error) {
  return String(typeof error === 'string' ? error : JSON.stringify(error)).slice(0, LONGEST_ERROR);
}

/**
 * @param {StartSpanArgs | undefined} args
 * @param {Record<string, any> | undefined} propagated
 */
function attributesOf(args, propagated) {
  return { ...args?.spanAttributes, ...propagated?.span_attributes };
}

/**
 * How a span looks: its name, its type and its other attributes.
 * @param {Omit<StartSpanArgs, 'event'> | undefined} args
 */
function lookOf(args) {
  /** @type {Record<string, any>} */
  const look = {};
  try {
    const { name: ownName, type: ownType, ...attributes } = args?.spanAttributes ?? {};
    const { name = ownName, type = ownType } = args ?? {};
    if (name !== undefined && name !== '') look.name = String(name);
    if (type !== undefined) look.type = String(type);
    const { metadata } = saidOf({ metadata: attributes });
    if (Object.keys(attributes).length > 0) look.attributes = metadata;
  } catch {
    // What cannot be read is not shown.
  }
  return look;
}

/**
 * The place that a slug names. Nothing without one, or when it cannot be read, which is told.
 * @param {unknown} slug
 * @returns {Place | undefined}
 */
function placeOf(slug) {
  if (slug === undefined || slug === null || slug === '') return undefined;
  const ids = typeof slug === 'string' ? readSlug(slug) : undefined;
  if (typeof ids?.span_id !== 'string' || typeof ids.root_span_id !== 'string') {
    warn('BAD_PARENT', '`parent` is no slug of a span in a project; it is ignored.');
    return undefined;
  }
  return {
    id: ids.row_id ?? '',
    spanId: ids.span_id,
    rootSpanId: ids.root_span_id,
    spanParents: [],
    ...(ids.propagated_event && { propagated: ids.propagated_event }),
  };
}

module.exports = { Span };
