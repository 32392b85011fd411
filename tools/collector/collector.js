'use strict';

// The collector: wires its parts together.

const { EventEmitter, once } = require('node:events');

const { describeArrivals } = require('./arrivals');
const { Attachments } = require('./attachments');
const { FeedbackWatch } = require('./feedback');
const { FinishWatch } = require('./finish');
const { createHttpServer } = require('./http');
const { Intake } = require('./intake');
const { ProblemList } = require('./problem-list');
const { Routes } = require('./routes');
const { uuidOf } = require('./projects');
const { RowStore } = require('./store');
const { Totals } = require('./totals');
const { buildTrace } = require('./trace');
const { Waiters } = require('./waiters');
const { Viewer } = require('../viewer/viewer');

/** @typedef {import('./types').CollectorOptions} CollectorOptions */
/** @typedef {import('./types').Problem} Problem */
/** @typedef {import('./types').RequestRecord} RequestRecord */
/** @typedef {import('./types').Row} Row */
/** @typedef {import('./types').Trace} Trace */

const DEFAULT_PAYLOAD_MAX_BYTES = 5 * 1024 * 1024;

/** With `keep`, the least number of requests and of problems that are kept. */
const KEPT_RECORDS = 5_000;

/**
 * A local stand-in for Braintrust: accepts rows as Braintrust does, validates them, and returns them
 * as rows and as traces. `CollectorEvents` lists its events.
 *
 * @extends {EventEmitter<import('./types').CollectorEvents>}
 */
class Collector extends EventEmitter {
  /**
   * Every request so far, in the order of their arrival; with `keep`, the last thousands.
   *
   * @type {RequestRecord[]}
   */
  requests = [];

  /** How many requests there were. */
  requestCount = 0;

  /** The traces and spans of which rows have arrived, whether they are kept or not. */
  collected = new Totals();

  #options;
  #store;
  #intake;
  #problems;
  #closing = new AbortController();
  #waiters = new Waiters(/** @type {Collector} */ (this), () => describeArrivals(this));
  #attachments;
  #finish;
  #feedback;
  #viewer;
  #server;
  #port = 0;

  /** @param {CollectorOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#store = new RowStore(options.keep);
    this.#problems = new ProblemList(options.keep === undefined ? Infinity : KEPT_RECORDS);
    const addProblem = (/** @type {Problem} */ problem) => this.#addProblem(problem);
    this.#intake = new Intake(this.#store, this.collected, addProblem);
    const { payloadMaxBytes = DEFAULT_PAYLOAD_MAX_BYTES, orgName = 'local' } = options;
    this.#attachments = new Attachments(uuidOf(`org:${orgName}`));
    const routes = new Routes({
      apiKey: options.apiKey,
      orgName,
      payloadMaxBytes,
      overflowMethod: options.overflowMethod ?? 'PUT',
      ingest: (logs) => this.#ingest(logs),
      attachments: this.#attachments,
    });
    this.#finish = new FinishWatch({
      build: (traceId) => {
        const trace = this.#trace(traceId);
        // The list is ready before someone opens it.
        this.#viewer.built(trace);
        return trace;
      },
      report: (trace, updated) => this.#reportTrace(trace, updated),
      quietMs: options.quietMs ?? 300,
    });
    this.#feedback = new FeedbackWatch(
      (rowId) => this.#spanOf(rowId),
      (feedback) => this.emit('feedback', feedback),
    );
    this.#viewer = new Viewer({
      host: options.host ?? '127.0.0.1',
      token: options.token,
      traceIds: () => this.#store.traceIds(),
      trace: (id) => this.#trace(id),
      rowsOfTrace: (id) => this.#store.rowsOfTrace(id),
      isPartial: (id) => this.#store.isPartial(id),
      looseRows: () => this.#store.looseRows(),
      row: (id) => this.#store.row(id),
      attachment: (key) => this.#attachments.read(key),
    });
    this.#server = createHttpServer({
      serveFirst: (request, response) => this.#viewer.serve(request, response),
      admit: (head) => routes.admit(head),
      answer: (request) => routes.answer(request),
      // With `keep`, requests are only counted.
      rowIds: (request) => (options.keep === undefined ? routes.rowIds(request) : undefined),
      intercept: options.intercept,
      onRequest: (record) => {
        this.requestCount += 1;
        this.requests.push(record);
        const isFull = options.keep !== undefined && this.requests.length >= 2 * KEPT_RECORDS;
        if (isFull) this.requests.splice(0, KEPT_RECORDS);
      },
      onRead: () => this.#waiters.check(),
      onDone: (record) => {
        this.emit('request', record);
        this.#waiters.check();
      },
      onBug: (problem) => addProblem({ rowId: null, problem }),
      closing: this.#closing.signal,
    });
    if (options.keepsAlive === false) {
      this.#server.unref();
      this.#server.on('connection', (socket) => socket.unref());
    }
    if (options.onTrace !== undefined) this.on('trace', options.onTrace);
  }

  /**
   * Opens the file and the port.
   *
   * @returns {Promise<void>} rejects with the system's error when one of them cannot be opened
   */
  async start() {
    const { host = '127.0.0.1', port = 0, file, clear } = this.#options;
    if (file !== undefined) await this.#intake.open(file, clear !== true);
    try {
      this.#server.listen(port, host);
      await once(this.#server, 'listening');
      // Not before: without the port, the file may be that of a collector that runs.
      if (clear === true) await this.#intake.clearFile();
    } catch (error) {
      this.#server.close();
      await this.#intake.close();
      throw error;
    }
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : port;
  }

  /** The port it listens on. */
  get port() {
    return this.#port;
  }

  /** What to set `BRAINTRUST_APP_URL` and `BRAINTRUST_API_URL` to; without a trailing slash. */
  get url() {
    const { host = '127.0.0.1' } = this.#options;
    const anyAddress = host === '0.0.0.0' || host === '::';
    const name = anyAddress ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
    return `http://${name}:${this.#port}`;
  }

  /**
   * Everything so far that breaks the protocol, each once: in requests and rows as they arrive, in
   * a trace's tree when the trace is finished. With `keep`, the last thousands.
   *
   * @returns {Problem[]}
   */
  get problems() {
    return this.#problems.problems;
  }

  /** How many problems of single rows there were. */
  get problemCount() {
    return this.#problems.count;
  }

  /** @returns {Row[]} all rows as merged so far, in the order of their first arrival; do not change */
  rows() {
    return this.#store.rows();
  }

  /**
   * @param {string} id a row id
   * @returns {Row | undefined} the row as merged so far; do not change
   */
  row(id) {
    return this.#store.row(id);
  }

  /**
   * @returns {import('./attachments').Known[]} all attachments that were announced, in this order: with null as their
   *   bytes until they are uploaded; do not change
   */
  attachments() {
    return this.#attachments.all();
  }

  /** @returns {Trace[]} all traces, finished or not, in the order of their first row */
  traces() {
    return this.#store.traceIds().map((id) => this.#trace(id));
  }

  /** @returns {Trace[]} traces that changed since they were last reported: running or just done */
  pendingTraces() {
    const traces = this.#finish.pending().map((id) => this.#trace(id));
    return traces.filter((trace) => trace.spans.length > 0);
  }

  /**
   * Waits until something is true. The predicate is called now, whenever a request has been read,
   * whenever one has been answered, and whenever a trace was reported.
   *
   * @param {(collector: Collector) => boolean} predicate
   * @param {number} [timeoutMs] default 10 s
   * @returns {Promise<void>} rejects when time is up, saying what arrived so far
   */
  waitFor(predicate, timeoutMs = 10_000) {
    return this.#waiters.wait(predicate, timeoutMs);
  }

  /** Drops all rows, requests and problems so far, and from now on all rows of the traces that it drops. */
  clear() {
    const traceIds = this.#store.clear();
    this.#intake.refuse(traceIds);
    for (const traceId of traceIds) this.#finish.forget(traceId);
    this.requests = [];
    this.#problems.clear();
    this.#viewer.changed(traceIds);
  }

  /** Stops listening and cuts every connection, including those that hang. Never reports traces. */
  async close() {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#finish.close();
    this.#feedback.close();
    this.#viewer.close();
    this.#waiters.close();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    await this.#intake.close();
  }

  /** @param {string} id @returns {Trace} */
  #trace(id) {
    return buildTrace(id, this.#store.rowsOfTrace(id), this.#store.isPartial(id));
  }

  /** @param {string} rowId @returns {Row | undefined} */
  #spanOf(rowId) {
    const row = this.#store.row(rowId);
    return typeof row?.span_id === 'string' ? row : undefined;
  }

  /** @param {import('./types').Logs} logs */
  async #ingest(logs) {
    const { rows, changed, changedSpans } = await this.#intake.take(logs);
    this.#feedback.arrived(rows);
    for (const traceId of changedSpans) this.#finish.changed(traceId);
    // Memory stays within its bound.
    const dropped = this.#store.dropExcess();
    for (const traceId of dropped) this.#finish.forget(traceId);
    if (changed.size + dropped.length === 0) return;
    this.#viewer.changed([...changed, ...dropped]);
    if (changed.size > 0) this.emit('change', [...changed]);
  }

  /**
   * @param {Problem} problem
   * @param {boolean} [isOfRow] whether it is one of a row: then it counts, and an event is emitted; default true
   */
  #addProblem(problem, isOfRow = true) {
    if (this.#problems.add(problem, isOfRow) && isOfRow) this.emit('problem', problem);
  }

  /**
   * @param {Trace} trace
   * @param {boolean} updated
   */
  #reportTrace(trace, updated) {
    // A root that is elsewhere may still arrive.
    if (trace.finished) for (const problem of trace.problems) this.#addProblem(problem, false);
    this.emit('trace', trace, updated);
    this.#waiters.check();
  }
}

module.exports = { Collector };
