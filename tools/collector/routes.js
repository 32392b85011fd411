'use strict';

// Braintrust's addresses, and what each answers.

const attachments = require('./attachments');
const { RequestError, ok } = require('./responses');
const { isObject } = require('../support/json');
const { OverflowUploads, UPLOAD_PATH } = require('./overflow');
const { Projects, uuidOf } = require('./projects');
const { isStorable } = require('./validate');

/** @typedef {import('./types').Answer} Answer */
/** @typedef {import('./types').Logs} Logs */
/** @typedef {import('./types').RoutedRequest} RoutedRequest */

/**
 * @typedef {object} RouteOptions
 * @property {string | undefined} apiKey
 * @property {string} orgName
 * @property {number | null} payloadMaxBytes
 * @property {'PUT' | 'POST'} overflowMethod
 * @property {(logs: Logs) => Promise<void>} ingest takes the rows of a `/logs3` request
 * @property {InstanceType<typeof attachments.Attachments>} attachments
 */

/** A request without its body. @typedef {Omit<RoutedRequest, 'body'>} RequestHead */

/** The most bytes of a body where no other limit is set: what a string of Node can hold. */
const MAX_BODY_BYTES = 512 * 1024 * 1024;

/** What Braintrust's app host and API host answer, on one port. Knows nothing of sockets. */
class Routes {
  #options;
  #projects = new Projects();
  #uploads;
  /** @type {Map<string, (request: RoutedRequest) => Answer | Promise<Answer>>} */
  #handlers = new Map();
  /** @type {WeakMap<Buffer, Logs>} */
  #logsOfBody = new WeakMap();

  /** @param {RouteOptions} options */
  constructor(options) {
    this.#options = options;
    this.#uploads = new OverflowUploads(options.overflowMethod);
    this.#handlers
      .set('POST /api/apikey/login', (request) => this.#login(request))
      .set('POST /api/project/register', (request) => this.#registerProject(request))
      .set('GET /api/project', (request) => this.#getProject(request))
      .set('POST /api/experiment/register', (request) => this.#registerExperiment(request))
      .set('POST /api/base_experiment/get_id', () => ok({ base_exp_id: null }))
      .set('GET /experiment-comparison2', () => ok({ scores: {}, metrics: {} }))
      .set('GET /version', () => ok({ logs3_payload_max_bytes: options.payloadMaxBytes }))
      .set('POST /logs3', (request) => this.#logs(request))
      .set('POST /logs3/overflow', (request) => this.#announceOverflow(request))
      .set('POST /attachment', (request) =>
        ok(options.attachments.announce(parseObject(request.body), urlOf(request))),
      )
      .set('POST /attachment/status', ({ body }) => {
        options.attachments.setStatus(parseObject(body));
        return ok({ ok: true });
      });
  }

  /**
   * Whether a request may send its body, which would take memory.
   *
   * @param {RequestHead} head
   * @returns {number} the most bytes that its body may have
   * @throws {RequestError} when the request cannot be served, whatever its body is
   */
  admit({ method, path, headers }) {
    if (path.startsWith(UPLOAD_PATH)) return this.#uploads.admit({ method, path });
    if (path.startsWith(attachments.UPLOAD_PATH)) {
      return this.#options.attachments.admit({ method, path, headers });
    }
    if (!this.#handlers.has(`${method} ${path}`)) {
      throw new RequestError(404, `no such route: ${method} ${path}`);
    }
    this.#authorize(headers.authorization);
    const limit = this.#options.payloadMaxBytes ?? MAX_BODY_BYTES;
    const announced = Number(headers['content-length'] ?? 0);
    if (announced > limit) throw tooLarge(announced, limit);
    return limit;
  }

  /**
   * @param {RoutedRequest} request
   * @returns {Promise<Answer>} rejects with a `RequestError` when the request cannot be served
   */
  async answer(request) {
    const { method, path, body } = request;
    const limit = this.admit(request);
    if (body.length > limit) throw tooLarge(body.length, limit);
    if (path.startsWith(UPLOAD_PATH)) {
      await this.#uploads.receive(request);
      return ok({ ok: true });
    }
    if (path.startsWith(attachments.UPLOAD_PATH)) {
      this.#options.attachments.receive(request);
      return ok('');
    }
    const handler = this.#handlers.get(`${method} ${path}`);
    if (handler === undefined) throw new RequestError(404, `no such route: ${method} ${path}`);
    return handler(request);
  }

  /**
   * Reads the body of a `/logs3` request, fetching its rows from an overflow upload where it refers
   * to one.
   *
   * @param {Buffer} body
   * @returns {Logs}
   */
  #readLogs(body) {
    const known = this.#logsOfBody.get(body);
    if (known !== undefined) return known;
    const logs = this.#resolveLogs(parseObject(body));
    this.#logsOfBody.set(body, logs);
    return logs;
  }

  /**
   * @param {import('./types').JsonObject} logs
   * @returns {Logs}
   */
  #resolveLogs(logs) {
    if (Array.isArray(logs.rows)) return { ...logs, rows: logs.rows };
    if (!isObject(logs.rows) || logs.rows.type !== 'logs3_overflow') {
      throw new RequestError(400, 'rows must be an array or a logs3_overflow reference');
    }
    const { key } = logs.rows;
    const bytes = typeof key === 'string' ? this.#uploads.read(key) : undefined;
    if (bytes === undefined) throw new RequestError(400, 'nothing was uploaded under this key');
    const uploaded = parseObject(bytes);
    if (!Array.isArray(uploaded.rows)) throw new RequestError(400, 'the upload holds no rows');
    return { ...uploaded, rows: uploaded.rows };
  }

  /**
   * @param {RoutedRequest} request
   * @returns {string[] | undefined} the ids of the rows it carries; undefined for anything but a
   *   readable `/logs3` request
   */
  rowIds({ method, path, body }) {
    if (method !== 'POST' || path !== '/logs3') return undefined;
    try {
      return this.#readLogs(body)
        .rows.filter(isStorable)
        .map(({ id }) => id);
    } catch (error) {
      // The client learns of it from the answer.
      if (error instanceof RequestError) return undefined;
      throw error;
    }
  }

  /** @param {string | undefined} authorization */
  #authorize(authorization) {
    const key = /^Bearer +(\S.*)$/.exec(authorization ?? '')?.[1]?.trim();
    if (key === undefined) throw new RequestError(401, 'an API key is needed');
    const { apiKey } = this.#options;
    if (apiKey !== undefined && key !== apiKey) throw new RequestError(401, 'invalid API key');
  }

  /**
   * @param {RoutedRequest} request
   * @returns {Answer}
   */
  #login(request) {
    const { orgName } = this.#options;
    const org = { id: uuidOf(`org:${orgName}`), name: orgName, git_metadata: null };
    return ok({ org_info: [{ ...org, api_url: urlOf(request), proxy_url: urlOf(request) }] });
  }

  /**
   * @param {RoutedRequest} request
   * @returns {Answer}
   */
  #registerProject({ body }) {
    const { project_name: name = 'Global' } = parseObject(body);
    if (typeof name !== 'string' || name === '') {
      throw new RequestError(400, 'project_name must be a non-empty string');
    }
    return ok({ project: this.#projects.register(name) });
  }

  /**
   * Creates an experiment, as `Eval` of the `braintrust` package asks for it.
   *
   * @param {RoutedRequest} request
   * @returns {Answer}
   */
  #registerExperiment({ body }) {
    const { project_name: name = 'Global', experiment_name: wanted } = parseObject(body);
    if (typeof name !== 'string' || name === '') {
      throw new RequestError(400, 'project_name must be a non-empty string');
    }
    const project = this.#projects.register(name);
    return ok({ project, experiment: this.#projects.createExperiment(project, wanted) });
  }

  /**
   * @param {RoutedRequest} request
   * @returns {Answer}
   */
  #getProject({ searchParams }) {
    const project = this.#projects.find(searchParams.get('id') ?? '');
    if (project === undefined) throw new RequestError(404, 'no such project');
    return ok(project);
  }

  /**
   * @param {RoutedRequest} request
   * @returns {Promise<Answer>}
   */
  async #logs({ body }) {
    await this.#options.ingest(this.#readLogs(body));
    return ok({ ok: true });
  }

  /**
   * @param {RoutedRequest} request
   * @returns {Answer}
   */
  #announceOverflow(request) {
    return ok(this.#uploads.announce(parseObject(request.body), urlOf(request)));
  }
}

/**
 * The collector's base URL as the client knows it: other machines know this one by other names.
 *
 * @param {RequestHead} request
 */
function urlOf({ headers }) {
  return `http://${headers.host}`;
}

/**
 * @param {number} bytes
 * @param {number} limit
 */
function tooLarge(bytes, limit) {
  return new RequestError(413, `the body has ${bytes} bytes, the limit is ${limit}`);
}

/**
 * @param {Buffer} body
 * @returns {import('./types').JsonObject}
 */
function parseObject(body) {
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new RequestError(400, `the body is not JSON: ${String(error)}`);
  }
  if (!isObject(value)) throw new RequestError(400, 'the body must be a JSON object');
  return value;
}

module.exports = { Routes };
