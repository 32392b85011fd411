/** A server that flaps: now healthy, now failing in some way, now gone. It keeps of rows what is counted. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { TcpProxy } from './tcp-proxy.mjs';

const require = createRequire(import.meta.url);
const { createHttpServer } = require('../tools/collector/http.js');
const { Routes } = require('../tools/collector/routes.js');

const NETWORK_MS = 60;
const LIMIT = 512 * 1024;

/** The ids by which a span is found again; see `expectation.mjs`. */
const IDS = ['operation_id', 'turn_id', 'tool_call_id', 'task_id'].map((id) => `flue.${id}`);

/** What it may be like for a while, each with what it does to a request. */
const moods = {
  healthy: () => undefined,
  slow: (random) => ({ processFirst: true, delayMs: 300 + random() * 1500 }),
  failing: (random) => (random() < 0.5 ? { status: random() < 0.5 ? 500 : 503 } : undefined),
  resetting: (random) =>
    random() < 0.5 ? { reset: true, processFirst: random() < 0.5 } : undefined,
  busy: () => ({ status: 429, headers: { 'retry-after': '1' } }),
  /** What is uploaded apart may be larger. */
  narrow: (_, { path, bytes }) =>
    path === '/logs3' && bytes > 64 * 1024 ? { status: 413 } : undefined,
  dead: () => undefined,
};

export class FlappingServer {
  mood = 'healthy';
  /** How often each mood came. @type {Record<string, number>} */
  moods = {};
  requests = 0;
  #random;
  #closing = new AbortController();
  #isHealed = false;
  /** Rows by their ids, with what is looked at. @type {Map<string, any>} */
  #rows = new Map();
  #timer;
  #proxy;
  #server;

  /** @param {number} seed the same seed, the same moods */
  constructor(seed) {
    this.#random = generator(seed);
    const routes = new Routes({
      url: () => this.#proxy.url,
      apiKey: undefined,
      orgName: 'local',
      payloadMaxBytes: LIMIT,
      overflowMethod: 'PUT',
      ingest: async ({ rows }) => rows.forEach((row) => this.#keep(row)),
    });
    this.#server = createHttpServer({
      serveFirst: () => false,
      admit: (head) => routes.admit(head),
      answer: (request) => routes.answer(request),
      rowIds: () => undefined,
      intercept: (request) => {
        const fault = moods[this.mood](this.#random, request);
        return { delayMs: NETWORK_MS, ...(fault ?? { processFirst: true }) };
      },
      onRequest: () => (this.requests += 1),
      onRead: () => {},
      onDone: () => {},
      onBug: (problem) => process.stderr.write(`${problem}\n`),
      closing: this.#closing.signal,
    });
  }

  /** Listens, and begins to flap. @returns {Promise<string>} its URL */
  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#proxy = new TcpProxy(this.#server.address().port);
    await this.#proxy.start();
    this.#flap();
    return this.#proxy.url;
  }

  /** It is healthy from now on. */
  async heal() {
    this.#isHealed = true;
    clearTimeout(this.#timer);
    this.mood = 'healthy';
    await this.#proxy.turn('open');
  }

  rows() {
    return [...this.#rows.values()];
  }

  async stop() {
    await this.heal();
    this.#closing.abort();
    await this.#proxy.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Healthy and something else in turn, a few seconds each. */
  async #flap() {
    const others = Object.keys(moods).slice(1);
    const wasHealthy = this.mood === 'healthy';
    this.mood = wasHealthy ? others[Math.floor(this.#random() * others.length)] : 'healthy';
    this.moods[this.mood] = (this.moods[this.mood] ?? 0) + 1;
    await this.#proxy.turn(this.mood === 'dead' ? 'refuse' : 'open');
    if (this.#isHealed) await this.heal();
    else this.#timer = setTimeout(() => this.#flap(), 1000 + this.#random() * 3000);
  }

  #keep({ id, span_attributes: attributes, metadata, metrics }) {
    const row = this.#rows.get(id) ?? { span_attributes: {}, metadata: {}, metrics: {} };
    const { name, type } = attributes ?? {};
    if (name !== undefined) row.span_attributes.name = name;
    if (type !== undefined) row.span_attributes.type = type;
    for (const id of IDS) if (metadata?.[id] !== undefined) row.metadata[id] = metadata[id];
    for (const time of ['start', 'end']) {
      if (metrics?.[time] !== undefined) row.metrics[time] = metrics[time];
    }
    this.#rows.set(id, row);
  }
}

/** A small generator of numbers below 1 (mulberry32). @param {number} seed */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
