/** The server of a run: the package's collector behind a TCP proxy, with the faults of a scenario. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { startFront } from './front.mjs';
import { TcpProxy } from './tcp-proxy.mjs';

const { startCollector } = createRequire(import.meta.url)('../tools/collector/index.js');

/** @typedef {import('../tools/collector/types').InterceptedRequest} Request */
/** @typedef {import('../tools/collector/types').Fault} Fault */

/** What a request over a network takes. */
const NETWORK_MS = 60;

/**
 * @typedef {object} ServerPlan
 * @property {() => (request: Request) => Fault | undefined} [faults] makes the faults of one run
 * @property {{ at: number, proxy: import('./tcp-proxy.mjs').Mode }[]} [timeline] what becomes of the
 *   connections, milliseconds after the application has begun to work; before that it is the first mode
 * @property {import('./front.mjs').Kind} [front] what stands before the server; default: nothing
 * @property {number | null} [limit] the advertised limit of a body, bytes; null for none
 */

/** @param {ServerPlan} plan */
export async function startServer({ faults, timeline = [], front: kind, limit }) {
  const fault = faults?.();
  const acknowledged = new Acknowledged();
  const collector = await startCollector({
    payloadMaxBytes: limit,
    // Its traces are not used: do not build them.
    quietMs: 2 ** 31 - 1,
    intercept: (request) => {
      const played = fault?.(request) ?? { processFirst: true };
      // A success without a whole answer of Braintrust confirms nothing.
      const isConfirmed = !played.half && played.dripMs === undefined && !(played.status < 300);
      if (isConfirmed) acknowledged.note(request);
      return { delayMs: NETWORK_MS, ...played };
    },
  });
  collector.on('request', ({ index, status, rowIds }) => {
    if (status !== null && status < 300) acknowledged.settle(index, rowIds);
    else acknowledged.fail(index, status);
  });
  const proxy = new TcpProxy(collector.port);
  await proxy.start();
  proxy.onBreak = () => acknowledged.doubtLatest();
  const front = kind && (await startFront(kind, collector.port));
  const [first, ...later] = timeline;
  if (first !== undefined) await proxy.turn(first.proxy);
  const timers = new Set();
  return {
    url: front?.url ?? proxy.url,
    /** The variables that name what stands before it. */
    env: front?.env ?? {},
    acknowledged,
    rows: () => collector.rows(),
    /** What breaks the protocol. */
    problems: () => collector.problems,
    /** The application works: the timeline begins. */
    begin: () => {
      for (const { at, proxy: mode } of later) timers.add(setTimeout(() => proxy.turn(mode), at));
    },
    /** Ends all faults, whatever was planned. */
    heal: () => {
      timers.forEach(clearTimeout);
      return proxy.turn('open');
    },
    stop: async () => {
      timers.forEach(clearTimeout);
      await front?.close();
      await proxy.close();
      await collector.close();
    },
  };
}

/**
 * How long a response may take to reach its client, in milliseconds: a connection that breaks meanwhile may lose it.
 */
const ANSWER_MS = 1000;
/**
 * How long, in milliseconds, a client that has waited in vain may not know of the response that is on its way while it
 * sends the rows again.
 */
const CROSSING_MS = 250;

/** The rows that the server has confirmed. */
class Acknowledged {
  /** The number of rows; one that was sent again although its client knew of its confirmation counts each time. */
  rows = 0;
  /** The number of identical rows that were sent again after they had been confirmed. */
  repeated = 0;
  /** The rows that were rejected permanently. @type {any[]} */
  rejected = [];
  /**
   * The rows of requests that are not answered yet, each with its hash, and with whether its client knew, as it sent the
   * request, that the row was confirmed. A client that got no response in time sends a row again: the first request may
   * be answered all the same, and then both are.
   * @type {Map<number, { row: any, hash: string, isKnown: boolean }[]>}
   */
  #asked = new Map();
  /** The hashes of all rows that were confirmed. @type {Set<string>} */
  #confirmed = new Set();
  /**
   * The rows that the client knows to be confirmed: when each was, in milliseconds since the epoch, by its hash.
   * @type {Map<string, number>}
   */
  #known = new Map();
  /** The requests whose connection broke before the response. @type {Set<number>} */
  #doubtful = new Set();

  /** @param {Request} request */
  note({ index, path, bodyText }) {
    if (path !== '/logs3') return;
    const { rows } = JSON.parse(bodyText);
    // Of rows in overflow uploads, only the number is known.
    const asked = (Array.isArray(rows) ? rows : []).map((row) => {
      const hash = createHash('sha1').update(JSON.stringify(row)).digest('base64');
      const since = this.#known.get(hash);
      return { row, hash, isKnown: since !== undefined && Date.now() - since > CROSSING_MS };
    });
    this.#asked.set(index, asked);
  }

  /** @param {number} index of a request that was answered with success @param {string[]} [rowIds] */
  settle(index, rowIds = []) {
    if (!this.#asked.has(index)) return;
    const isDoubtful = this.#doubtful.has(index);
    const asked = this.#take(index);
    if (asked.length === 0) this.rows += rowIds.length;
    for (const { hash, isKnown } of asked) {
      if (isKnown) this.repeated += 1;
      if (isKnown || !this.#confirmed.has(hash)) this.rows += 1;
      this.#confirmed.add(hash);
      if (!isDoubtful) this.#known.set(hash, Date.now());
    }
  }

  /** Connections break: the client may have missed the latest responses, and sends their rows again. */
  doubtLatest() {
    for (const index of this.#asked.keys()) this.#doubtful.add(index);
    const since = Date.now() - ANSWER_MS;
    for (const [hash, at] of this.#known) if (at >= since) this.#known.delete(hash);
  }

  /** @param {number} index of a request that was not @param {number | null} status */
  fail(index, status) {
    const [only, ...others] = this.#take(index);
    // One of several rows may be the cause: the client sends them again in parts.
    if (status === 400 && only !== undefined && others.length === 0) this.rejected.push(only.row);
  }

  #take(index) {
    const asked = this.#asked.get(index) ?? [];
    this.#asked.delete(index);
    this.#doubtful.delete(index);
    return asked;
  }
}
