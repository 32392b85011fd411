'use strict';

// The viewer's server side: the page and its data. Reads the collector's rows, and changes none.

const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');

const { encoded } = require('../support/encoded');
const { SECURITY, readAsset } = require('./assets');
const { served } = require('./attachment');
const { exportedChunks } = require('./export');
const { cookie, hasToken, refusal } = require('./guard');
const { LiveFeed } = require('./live-feed');
const { ViewerData } = require('./viewer-data');

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

/**
 * The source of what the viewer shows.
 *
 * @typedef {object} OwnSource
 * @property {string} host the address that the server listens on
 * @property {string | undefined} token what a browser needs to see anything; undefined: nothing
 * @property {(id: string) => import('../collector/types').Row | undefined} row
 * @property {() => import('../collector/types').Row[]} looseRows those of no trace
 * @property {(key: string) => import('../collector/types').Attachment | undefined} attachment
 */

/** @typedef {OwnSource & import('./viewer-data').RowSource} Source */

const JSON_TYPE = 'application/json; charset=utf-8';

/** The path of the news. */
const FEED = '/viewer/api/live';

/** Shows the collected traces in a browser: the page, its data, and news of what changes. */
class Viewer {
  #source;
  #feed = new LiveFeed();
  #data;

  /** @param {Source} source */
  constructor(source) {
    this.#source = source;
    this.#data = new ViewerData(source);
  }

  /** @param {string[]} traceIds traces whose rows changed, or that are gone */
  changed(traceIds) {
    this.#data.changed(traceIds);
    this.#feed.changed(traceIds);
  }

  /** @param {import('../collector/types').Trace} trace as it is now */
  built(trace) {
    this.#data.built(trace);
  }

  /** Ends the feeds and the search. */
  close() {
    this.#data.close();
    this.#feed.close();
  }

  /**
   * Serves the viewer's paths, and refuses requests of other web pages.
   *
   * @param {Request} request
   * @param {Response} response
   * @returns {boolean} whether the request was dealt with
   */
  serve(request, response) {
    const refused = refusal(request.headers, this.#source);
    if (refused !== null) {
      sendJson(response, refused.status, { error: refused.message });
      return true;
    }
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const isOurs = path === '/' || /^\/(viewer|app)\//.test(path);
    // Node sends no body to HEAD, but a feed would have no end.
    const isRead = request.method === 'GET' || (request.method === 'HEAD' && path !== FEED);
    if (!isRead || !isOurs) return false;
    // Links elsewhere may lead to the page, but no other page starts work.
    const site = request.headers['sec-fetch-site'] ?? 'none';
    if (path.startsWith('/viewer/api/') && site !== 'same-origin' && site !== 'none') {
      sendJson(response, 403, { error: 'requests of other web pages are refused' });
      return true;
    }
    const params = new URLSearchParams(query);
    const { token } = this.#source;
    if (token !== undefined && !hasToken(request.headers, params, token)) {
      const error = 'open the address with the token that `flue-braintrust dev` has printed';
      sendJson(response, 401, { error });
      return true;
    }
    if (token !== undefined) {
      response.setHeader('set-cookie', cookie(request.headers, token));
    }
    this.#answer(path, params, response).catch((error) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: String(error) });
    });
    return true;
  }

  /**
   * @param {string} path
   * @param {URLSearchParams} params
   * @param {Response} response
   */
  async #answer(path, params, response) {
    if (path.startsWith('/app/')) return this.#followPermalink(params, response);
    switch (path) {
      case '/viewer/api/traces':
        return sendJson(response, 200, await this.#data.list(params));
      case '/viewer/api/next-error':
        return sendJson(response, 200, (await this.#data.nextError(params)) ?? null);
      case '/viewer/api/trace':
        return orMissing(response, await this.#data.trace(params));
      case '/viewer/api/span':
        return orMissing(response, await this.#data.span(params));
      case '/viewer/api/conversation':
        return orMissing(response, await this.#data.conversation(params));
      case '/viewer/api/changes':
        return sendJson(response, 200, this.#feed.since(params.get('since')));
      case '/viewer/api/export':
        return this.#export(params, response);
      case '/viewer/api/attachment':
        return this.#attachment(params, response);
      case FEED:
        return this.#feed.join(response);
    }
    const asset = await readAsset(path);
    if (asset === undefined) return sendJson(response, 404, { error: 'no such page' });
    return send(response, 200, asset.type, asset.body);
  }

  /**
   * A file that rows refer to.
   *
   * @param {URLSearchParams} params `key`
   * @param {Response} response
   */
  #attachment(params, response) {
    const attachment = this.#source.attachment(params.get('key') ?? '');
    if (attachment === undefined) return orMissing(response, undefined);
    const { type, headers } = served(attachment);
    send(response, 200, type, attachment.bytes, headers);
  }

  /**
   * Rows as they are now, one per line: a file that `--file` opens again.
   *
   * @param {URLSearchParams} params `id`; without it all rows
   * @param {Response} response
   */
  async #export(params, response) {
    const id = params.get('id');
    const ids = id === null ? [...this.#source.traceIds(), null] : [id];
    /** @param {string | null} id */
    const rowsOf = (id) => (id === null ? this.#source.looseRows() : this.#source.rowsOfTrace(id));
    const name = id === null ? 'traces' : `trace-${id.replaceAll(/[^\w-]/g, '_')}`;
    response.writeHead(200, {
      ...SECURITY,
      'content-type': 'application/x-ndjson',
      'content-disposition': `attachment; filename="${name}.ndjson"`,
    });
    await pipeline(Readable.from(exportedChunks(ids, rowsOf)), response);
  }

  /**
   * The links that the `braintrust` package and this one print name the row (`id`; in the logs of a project, `oid`), or
   * the trace and span.
   *
   * @param {URLSearchParams} params
   * @param {Response} response
   */
  #followPermalink(params, response) {
    const row = this.#source.row(params.get('id') ?? params.get('oid') ?? params.get('s') ?? '');
    const traceId = row?.root_span_id ?? params.get('r');
    const spanId = row?.span_id ?? params.get('s');
    const trace = typeof traceId === 'string' ? `trace/${encoded(traceId)}` : '';
    const span = trace && typeof spanId === 'string' ? `/span/${encoded(spanId)}` : '';
    response.writeHead(302, { ...SECURITY, location: `/#/${trace}${span}` }).end();
  }
}

/**
 * @param {Response} response
 * @param {object | undefined} found
 */
function orMissing(response, found) {
  if (found === undefined) sendJson(response, 404, { error: 'not here' });
  else sendJson(response, 200, found);
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {unknown} body
 */
function sendJson(response, status, body) {
  send(response, status, JSON_TYPE, JSON.stringify(body));
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {string} type
 * @param {string | Buffer} body
 * @param {{ [name: string]: string }} [headers]
 */
function send(response, status, type, body, headers = {}) {
  response.writeHead(status, { ...SECURITY, 'content-type': type, ...headers }).end(body);
}

module.exports = { Viewer };
