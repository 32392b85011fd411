'use strict';

// The collector: wires its parts together.

const { EventEmitter, once } = require('node:events');

const { Attachments } = require('./attachments');
const { commentedId } = require('./comments');
const { cutDepth } = require('./depth');
const { FeedbackWatch } = require('./feedback');
const { FinishWatch } = require('./finish');
const { createHttpServer } = require('./http');
const { Journal } = require('./journal');
const { Routes } = require('./routes');
const { uuidOf } = require('./projects');
const { RowStore } = require('./store');
const { Totals } = require('./totals');
const { counted } = require('../support/format');
const { buildTrace } = require('./trace');
const { checkIncomingRow, checkStoredRow, isStorable } = require('./validate');
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

  /**
   * Everything so far that breaks the protocol, each once: in requests and rows as they arrive, in
   * a trace's tree when the trace is finished. With `keep`, the last thousands.
   *
   * @type {Problem[]}
   */
  problems = [];

  /** How many problems of single rows there were. */
  problemCount = 0;

  /** The traces and spans of which rows have arrived, whether they are kept or not. */
  collected = new Totals();

  #options;
  #store;
  /** @type {InstanceType<typeof Journal> | undefined} */
  #journal;
  /** @type {Set<string>} */
  #knownProblems = new Set();
  /** The traces that `clear` has dropped. @type {Set<unknown>} */
  #cleared = new Set();
  #closing = new AbortController();
  #waiters = new Waiters(/** @type {Collector} */ (this), () => this.#describe());
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
        if (this.#isFull(this.requests)) this.requests.splice(0, KEPT_RECORDS);
      },
      onRead: () => this.#waiters.check(),
      onDone: (record) => {
        this.emit('request', record);
        this.#waiters.check();
      },
      onBug: (problem) => this.#addProblem({ rowId: null, problem }),
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
   * @returns {Promise<void>} rejects with the system's error when one of them cannot be had
   */
  async start() {
    const { host = '127.0.0.1', port = 0, file, clear } = this.#options;
    if (file !== undefined) {
      this.#journal = await Journal.open(file);
      if (clear !== true) await this.#reopen(this.#journal);
    }
    try {
      this.#server.listen(port, host);
      await once(this.#server, 'listening');
      // Not before: without the port, the file may be that of a collector that runs.
      if (clear === true) await this.#journal?.clear();
    } catch (error) {
      this.#server.close();
      await this.#journal?.close();
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
    for (const traceId of traceIds) {
      this.#cleared.add(traceId);
      this.#finish.forget(traceId);
    }
    this.requests = [];
    this.problems = [];
    this.#knownProblems.clear();
    this.#viewer.changed(traceIds);
  }

  /** Stops listening and cuts every connection, also those that hang. Never reports traces. */
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
    await this.#journal?.close();
  }

  /**
   * @param {string} id
   * @returns {Trace}
   */
  #trace(id) {
    return buildTrace(id, this.#store.rowsOfTrace(id), this.#store.isPartial(id));
  }

  /**
   * @param {string} rowId
   * @returns {Row | undefined}
   */
  #spanOf(rowId) {
    const row = this.#store.row(rowId);
    return typeof row?.span_id === 'string' ? row : undefined;
  }

  /** @param {import('./types').Logs} logs */
  async #ingest(logs) {
    if (logs.api_version !== 2) {
      this.#addProblem({ rowId: null, problem: 'api_version of /logs3 must be 2' });
    }
    const storable = logs.rows.filter(isStorable);
    let rows = storable.filter((row) => !this.#cleared.has(row.root_span_id));
    for (const row of rows) {
      if (cutDepth(row)) this.#addProblem({ rowId: row.id, problem: 'it is nested too deeply' });
    }
    if (storable.length < logs.rows.length) {
      this.#addProblem({
        rowId: null,
        problem: 'a row is no object with an id; it was not stored',
      });
    }
    // Rows are in the file before they count, so that its order is the order of the merges.
    if (this.#journal !== undefined) {
      await this.#journal.append(rows);
      rows = rows.filter((row) => !this.#cleared.has(row.root_span_id));
    }
    const changed = new Set();
    const changedSpans = new Set();
    for (const row of rows) {
      // A comment is reported as feedback alone, and not as a change of its trace.
      const isComment = commentedId(row) !== undefined;
      for (const traceId of this.#apply(row)) {
        changed.add(traceId);
        if (!isComment) changedSpans.add(traceId);
      }
    }
    this.#feedback.arrived(rows);
    for (const traceId of changedSpans) this.#finish.changed(traceId);
    const dropped = this.#dropExcess();
    if (changed.size + dropped.length === 0) return;
    this.#viewer.changed([...changed, ...dropped]);
    if (changed.size > 0) this.emit('change', [...changed]);
  }

  /** @returns {string[]} the traces that were dropped, to keep memory within its bound */
  #dropExcess() {
    const traceIds = this.#store.dropExcess();
    for (const traceId of traceIds) this.#finish.forget(traceId);
    return traceIds;
  }

  /** @param {unknown[]} records whether they are more than is kept */
  #isFull(records) {
    return this.#options.keep !== undefined && records.length >= 2 * KEPT_RECORDS;
  }

  /**
   * Takes the rows of earlier runs. They were checked and reported when they arrived.
   *
   * @param {InstanceType<typeof Journal>} journal
   */
  async #reopen(journal) {
    let unreadable = 0;
    let first = '';
    for await (const line of journal.read()) {
      const row = 'value' in line ? line.value : undefined;
      cutDepth(row);
      if (isStorable(row)) {
        this.#store.apply(row);
        this.#store.dropExcess();
        continue;
      }
      unreadable += 1;
      first ||= `line ${line.number} ${'why' in line ? line.why : 'has no id'}`;
    }
    if (unreadable === 0) return;
    const problem = `the file has ${counted(unreadable, 'line')} without a row, left out: ${first}`;
    this.#addProblem({ rowId: null, problem });
  }

  /**
   * @param {Row} incoming
   * @returns {string[]} the traces it changed
   */
  #apply(incoming) {
    const { before, after, traceIds } = this.#store.apply(incoming);
    this.collected.count(before, after);
    const problems = [
      ...checkIncomingRow(incoming),
      ...(after === undefined ? [] : checkStoredRow(before, after, incoming._is_merge === true)),
    ];
    for (const problem of problems) this.#addProblem({ rowId: incoming.id, problem });
    return traceIds;
  }

  /**
   * @param {Problem} problem
   * @param {boolean} [announce] whether it is one of a row: then it counts, and an event is emitted; default true
   */
  #addProblem(problem, announce = true) {
    const key = keyOfProblem(problem);
    if (this.#knownProblems.has(key)) return;
    this.#knownProblems.add(key);
    if (announce) this.problemCount += 1;
    this.problems.push(problem);
    if (this.#isFull(this.problems)) {
      this.problems.splice(0, KEPT_RECORDS);
      this.#knownProblems = new Set(this.problems.map(keyOfProblem));
    }
    if (announce) this.emit('problem', problem);
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

  /** @returns {string} what arrived so far, for messages */
  #describe() {
    const requests = this.requests
      .slice(-20)
      .map(({ method, path, status }) => `${method} ${path} → ${status ?? 'no answer'}`);
    const problems = this.problems.slice(-10).map(({ problem }) => problem);
    return [
      `${counted(this.requests.length, 'request')}, ${counted(this.rows().length, 'row')}`,
      `last requests: ${requests.join(', ') || 'none'}`,
      `last problems: ${problems.join('; ') || 'none'}`,
    ].join('; ');
  }
}

/** @param {Problem} problem */
function keyOfProblem({ rowId, problem }) {
  return JSON.stringify([rowId, problem]);
}

module.exports = { Collector };
