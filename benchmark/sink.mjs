import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { Routes } = createRequire(import.meta.url)('../tools/collector/routes.js');

const PAYLOAD_MAX_BYTES = 5 * 1024 * 1024;

/** A server that answers as the collector does, but for uploads; see `server.mjs`. */
export class Sink {
  /** @type {{ at: number, bytes: number }[]} */
  requests = [];
  changedAt = 0n;
  /** @type {Buffer[]} */
  #uploads = [];
  #mode;
  #delayMs;
  #url = '';
  #server;
  #routes = new Routes({
    url: () => this.#url,
    apiKey: undefined,
    orgName: 'local',
    payloadMaxBytes: PAYLOAD_MAX_BYTES,
    overflowMethod: 'PUT',
    ingest: async () => {},
  });

  /** @param {string} mode @param {number} [delayMs] how long an answer takes */
  constructor(mode, delayMs = 0) {
    this.#mode = mode;
    this.#delayMs = delayMs;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  /** @returns {Promise<string>} its URL */
  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#url = `http://127.0.0.1:${this.#server.address().port}`;
    return this.#url;
  }

  /** The rows that were uploaded, merged no further than to know which spans have ended. */
  rows() {
    const rows = new Map();
    for (const body of this.#uploads) {
      for (const { id, metrics } of JSON.parse(body.toString()).rows) {
        rows.set(id, { metrics: { ...rows.get(id)?.metrics, ...metrics } });
      }
    }
    return rows.values();
  }

  async #serve(request, response) {
    const record = { at: Date.now(), bytes: 0 };
    this.requests.push(record);
    const chunks = [];
    for await (const chunk of request) {
      record.bytes += chunk.length;
      chunks.push(chunk);
    }
    const [path, query = ''] = request.url.split('?');
    const isUpload = path === '/logs3';
    if (this.#mode === 'hole' || (this.#mode === 'deaf' && isUpload)) return;

    const body = Buffer.concat(chunks);
    if (this.#delayMs > 0) await sleep(this.#delayMs);
    if (isUpload) {
      if (this.#mode === 'sink') this.#uploads.push(body);
      this.changedAt = process.hrtime.bigint();
      answer(response, { status: 200, body: { ok: true } });
      return;
    }
    const { method, headers } = request;
    const searchParams = new URLSearchParams(query);
    answer(response, await this.#routes.answer({ method, path, searchParams, headers, body }));
  }
}

function answer(response, { status, body }) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
