'use strict';

// The viewer's server side: the page and its data. Reads the collector's rows, and changes none.

const { SECURITY, readAsset } = require('./assets');
const { served } = require('./attachment');
const { contains, summarizeSpans, summarizeTrace } = require('./summaries');
const { cookie, hasToken, refusal } = require('./guard');
const { LiveFeed } = require('./live-feed');
const { describeTurn } = require('./turns');

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */
/** @typedef {import('../collector/types').Trace} Trace */
/** @typedef {import('./types').TraceSummary} TraceSummary */

/**
 * The source of the viewer's rows.
 *
 * @typedef {object} Source
 * @property {string} host the address that the server listens on
 * @property {string | undefined} token what a browser needs to see anything; undefined: nothing
 * @property {() => string[]} traceIds
 * @property {(id: string) => Trace} trace without spans when there is none of this id
 * @property {(id: string) => import('../collector/types').Row | undefined} row
 * @property {(key: string) => import('../collector/types').Attachment | undefined} attachment
 */

const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 500;
const JSON_TYPE = 'application/json; charset=utf-8';

/** Shows the collected traces in a browser: the page, its data, and news of what changes. */
class Viewer {
  #source;
  #feed = new LiveFeed();
  /**
   * Built when first asked for, dropped when the trace changes.
   *
   * @type {Map<string, { trace: Trace, summary: TraceSummary }>}
   */
  #known = new Map();

  /** @param {Source} source */
  constructor(source) {
    this.#source = source;
  }

  /** @param {string[]} traceIds traces whose rows changed */
  changed(traceIds) {
    for (const id of traceIds) this.#known.delete(id);
    this.#feed.changed(traceIds);
  }

  /** Ends the feeds. */
  close() {
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
    const refused = refusal(request.headers, this.#source.host);
    if (refused !== null) {
      send(response, refused.status, JSON_TYPE, JSON.stringify({ error: refused.message }));
      return true;
    }
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const isOurs = path === '/' || /^\/(viewer|app)\//.test(path);
    if (request.method !== 'GET' || !isOurs) return false;
    const params = new URLSearchParams(query);
    const { token } = this.#source;
    if (token !== undefined && !hasToken(request.headers, params, token)) {
      const error = 'open the address with the token that `flue-braintrust dev` has printed';
      sendJson(response, 401, { error });
      return true;
    }
    if (token !== undefined) response.setHeader('set-cookie', cookie(token));
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
        return sendJson(response, 200, this.#list(params));
      case '/viewer/api/trace':
        return orMissing(response, this.#trace(params));
      case '/viewer/api/span':
        return orMissing(response, this.#span(params));
      case '/viewer/api/export':
        return this.#export(params, response);
      case '/viewer/api/attachment':
        return this.#attachment(params, response);
      case '/viewer/api/live':
        return this.#feed.join(response);
    }
    const asset = await readAsset(path);
    if (asset === undefined) return sendJson(response, 404, { error: 'no such page' });
    return send(response, 200, asset.type, asset.body);
  }

  /**
   * @param {string} id
   * @returns {{ trace: Trace, summary: TraceSummary }}
   */
  #look(id) {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const trace = this.#source.trace(id);
    const looked = { trace, summary: summarizeTrace(trace) };
    if (trace.spans.length > 0) this.#known.set(id, looked);
    return looked;
  }

  /**
   * @param {URLSearchParams} params `q`, `status`, `offset`, `limit`
   * @returns {import('./types').TracePage}
   */
  #list(params) {
    const needle = (params.get('q') ?? '').trim().toLowerCase();
    const status = params.get('status') ?? '';
    const looked = this.#source.traceIds().map((id) => this.#look(id));
    const found = looked
      .filter(({ trace, summary }) => trace.spans.length > 0 && hasStatus(summary, status))
      .filter(({ trace }) => needle === '' || trace.spans.some(({ row }) => contains(row, needle)))
      .map(({ summary }) => summary)
      .toSorted((a, b) => (b.start ?? Infinity) - (a.start ?? Infinity));
    const offset = countOr(params.get('offset'), 0);
    const limit = Math.min(countOr(params.get('limit'), PAGE_SIZE), MAX_PAGE_SIZE);
    return {
      traces: found.slice(offset, offset + limit),
      total: found.length,
      all: looked.length,
    };
  }

  /**
   * @param {URLSearchParams} params `id`, `q`
   * @returns {import('./types').TraceView | undefined}
   */
  #trace(params) {
    const id = params.get('id') ?? '';
    const needle = (params.get('q') ?? '').trim().toLowerCase();
    const { trace, summary } = this.#look(id);
    if (trace.spans.length === 0) return undefined;
    const matching = () => trace.spans.filter(({ row }) => contains(row, needle));
    return {
      trace: summary,
      spans: summarizeSpans(trace),
      matches: needle === '' ? null : matching().map(({ rowId }) => rowId),
    };
  }

  /**
   * @param {URLSearchParams} params `trace`, `row`
   * @returns {import('./types').SpanView | undefined}
   */
  #span(params) {
    const { trace } = this.#look(params.get('trace') ?? '');
    const span = trace.spans.find(({ rowId }) => rowId === params.get('row'));
    const others = () => this.#source.traceIds().map((id) => this.#look(id).trace);
    return (
      span && {
        row: span.row,
        problems: span.problems,
        turn: describeTurn(trace, span, others),
      }
    );
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
   * @param {URLSearchParams} params `id`; without it all traces
   * @param {Response} response
   */
  #export(params, response) {
    const id = params.get('id');
    const ids = id === null ? this.#source.traceIds() : [id];
    const rows = ids.flatMap((id) => this.#look(id).trace.spans.map(({ row }) => row));
    const name = id === null ? 'traces' : `trace-${id.replaceAll(/[^\w-]/g, '_')}`;
    send(
      response,
      200,
      'application/x-ndjson',
      rows.map((r) => `${JSON.stringify(r)}\n`).join(''),
      {
        'content-disposition': `attachment; filename="${name}.ndjson"`,
      },
    );
  }

  /**
   * The links that the `braintrust` package prints name the row (`id`), or the trace and span.
   *
   * @param {URLSearchParams} params
   * @param {Response} response
   */
  #followPermalink(params, response) {
    const row = this.#source.row(params.get('id') ?? params.get('s') ?? '');
    const traceId = row?.root_span_id ?? params.get('r');
    const spanId = row?.span_id ?? params.get('s');
    const trace = typeof traceId === 'string' ? `trace/${encodeURIComponent(traceId)}` : '';
    const span = trace && typeof spanId === 'string' ? `/span/${encodeURIComponent(spanId)}` : '';
    response.writeHead(302, { ...SECURITY, location: `/#/${trace}${span}` }).end();
  }
}

/**
 * @param {TraceSummary} summary
 * @param {string} status
 */
function hasStatus(summary, status) {
  if (status === 'failed') return summary.errors > 0;
  return status !== 'running' || summary.running;
}

/**
 * @param {string | null} text
 * @param {number} otherwise
 */
function countOr(text, otherwise) {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
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
