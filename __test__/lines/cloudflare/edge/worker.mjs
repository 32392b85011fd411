/** A Worker and a Durable Object for the scenarios: each request runs the step that its path names. */
import { DurableObject } from 'cloudflare:workers';
import { AsyncLocalStorage } from 'node:async_hooks';

/** The storage of the object that runs now. */
const running = new AsyncLocalStorage();

/** The state of each object, by its storage. */
const states = new WeakMap();

/** Lets the scenarios end the instance of the core in the middle of a call. */
let trapsNext = false;
const { Instance } = WebAssembly;
WebAssembly.Instance = function instantiate(module, imports) {
  const { exports } = new Instance(module, imports);
  const record = (...values) => {
    if (!trapsNext) return exports.record(...values);
    trapsNext = false;
    return exports.trap();
  };
  return { exports: { ...exports, record } };
};

const entry = await import('../../../../js/edge/index.mjs');

const failing = {
  list: async () => new Map(),
  get: async () => undefined,
  put: () => Promise.reject(new Error('no room')),
  delete: async () => true,
};

/** The first value of a file is rejected, the second throws. */
const throwing = {
  ...failing,
  put(key) {
    if (!key.endsWith('/0000')) throw new Error('no room');
    return Promise.reject(new Error('no room'));
  },
};
let unhandled = 0;
globalThis.addEventListener('unhandledrejection', () => unhandled++);

/** What the storages of the application have, by their names. */
const values = new Map();
/** Whether they can be listed. */
let isListed = true;
/** How many times events were observed, and how often they must have been before storages are listed. */
const listing = { observed: 0, awaited: 0 };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A storage in memory, which takes its time to list. */
function slowStorage(name) {
  const kept = values.get(name) ?? new Map();
  values.set(name, kept);
  return {
    async list() {
      do await pause(300);
      while (listing.observed < listing.awaited);
      if (!isListed) throw new Error('no connection');
      return new Map(kept);
    },
    get: async (key) => kept.get(key),
    put: async (key, value) => void kept.set(key, value),
    delete: async (key) => kept.delete(key),
  };
}

/** The same as KV has it: names by pages of two, values as buffers. */
function kvStorage(name) {
  const { get, put, ...others } = slowStorage(name);
  return {
    ...others,
    async list({ prefix, cursor = '0' }) {
      const names = [...values.get(name).keys()].filter((key) => key.startsWith(prefix));
      const at = Number(cursor);
      const keys = names.slice(at, at + 2).map((name) => ({ name }));
      const isLast = at + 2 >= names.length;
      return { keys, list_complete: isLast, ...(!isLast && { cursor: String(at + 2) }) };
    },
    get: async (key) => (await get(key))?.buffer ?? null,
    put: (key, value) => put(key, value.slice()),
  };
}
const storages = new Map();
function storageOf(kind, name) {
  if (!storages.has(name)) storages.set(name, kind(name));
  return storages.get(name);
}

const deepFreeze = (value) => {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
};

/** The functions of the application that were called, and the one in which an object ends. */
const calls = new Set();
let aborts = {};
function called(name) {
  calls.add(`${name} with ${aborts.name}`);
  if (aborts.name === name) aborts.object.abort();
  return {};
}

const STEPS = {
  init({ options, storage }) {
    // Another instance of the application has other objects for the same storages.
    storages.clear();
    const rejecting = () => Promise.reject(new Error('no storage'));
    const places = { object: () => running.getStore(), failing, throwing, rejecting };
    entry.setMaskingFunction(
      options.mask
        ? (value) => JSON.parse(JSON.stringify(value).replaceAll('Saltpan', 'MASKED'))
        : null,
    );
    const enrich = (event) => ({ tags: [event.type], user: 'u1' });
    entry.initLogger({ ...options, storage: places[storage], ...(options.enriches && { enrich }) });
  },
  /** The facts that `onReady` gets, before and after the first delivery. */
  async ready({ options }) {
    const seen = [];
    const logger = entry.initLogger({
      ...options,
      storage: () => running.getStore(),
      onReady: (info) => seen.push(info),
    });
    await pause(50);
    const before = seen.length;
    logger.log({ input: 'in' });
    await logger.flush();
    logger.log({ input: 'in' });
    await logger.flush();
    await pause(50);
    return { before, seen };
  },
  observe({ events }) {
    for (const event of deepFreeze(events)) entry.braintrustFlueObserver(event);
    listing.observed++;
  },
  listAfter({ observations }) {
    listing.awaited = observations;
  },
  listing({ works }) {
    isListed = works;
  },
  unhandled: () => unhandled,
  /** How many values the storages of the application have. */
  values: () => [...values.values()].reduce((sum, { size }) => sum + size, 0),
  async own({ output = 'in' }) {
    const outer = entry.wrapTraced(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return await entry.traced((span) => span.log({ output }), { name: 'inner' });
      },
      { name: 'outer' },
    );
    await Promise.all([outer(), outer()]);
  },
  /** Feedback about the root of a submission, which another Worker or process may have recorded. */
  async feedback(ids) {
    entry.logFeedback({ ...ids, scores: { thumb: true }, comment: 'good', source: 'app' });
    entry.logFeedback({ ...ids, scores: { thumb: 2 } });
    const { lost } = await entry.flush();
    return { lost, id: entry.flueSpan(ids).id, link: await entry.permalink(ids) };
  },
  slug: ({ propagatedEvent }) => entry.startSpan({ name: 'outer', propagatedEvent }).export(),
  /** Runs work under a span: by the async context, by its id before and after it has begun, and by a slug. */
  async callers({ runs }) {
    const span = entry.startSpan({ name: 'caller' });
    const [within, before, begun, bySlug, alone] = runs;
    const play = (events) => events.forEach((event) => entry.braintrustFlueObserver(event));
    const adopt = (events) => {
      for (const { type, submissionId } of events) {
        if (type === 'submission_queued') span.adopt({ submissionId });
      }
    };
    await entry.withParent(span, async () => {
      await pause(1);
      play(within);
    });
    adopt(before);
    play(before);
    const at = begun.findIndex(({ type }) => type === 'operation_start') + 1;
    play(begun.slice(0, at));
    adopt(begun);
    play(begun.slice(at));
    entry.withParent(await span.export(), () => play(bySlug));
    play(alone);
    span.end();
    await entry.flush();
    return { spanId: span.spanId, rootSpanId: span.rootSpanId };
  },
  /** The second logger becomes the current one in the middle of a run and of a span. */
  async loggers({ a, b, events }) {
    const one = entry.initLogger(a);
    const open = entry.startSpan({ name: 'open' });
    const middle = events.length / 2;
    for (const event of events.slice(0, middle)) entry.braintrustFlueObserver(event);
    const two = entry.initLogger(b);
    for (const event of events.slice(middle)) entry.braintrustFlueObserver(event);
    await entry.withLogger(one, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      entry.traced(() => {}, { name: 'within' });
    });
    entry.traced(() => {}, { name: 'current' });
    open.startSpan({ name: 'child' }).end();
    open.end();
    two.log({ input: 'logged' });
    await Promise.all([one.flush(), two.flush()]);
    return { isCurrent: entry.currentLogger() === two, isSame: entry.initLogger(a) === one };
  },
  async hang({ events }) {
    for (const event of events) entry.braintrustFlueObserver(event);
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  },
  log: ({ input }) => entry.currentLogger().log({ input }),
  /** The object ends in the turn of its event: no promise is continued. */
  abort({ input }) {
    entry.currentLogger().log({ input });
    states.get(running.getStore()).abort();
  },
  /** What functions of the application have seen. The one that is named ends the object, and never returns. */
  async abortWithin({ options, name }) {
    aborts = { name, object: states.get(running.getStore()) };
    const traced = entry.initLogger({ ...options, enrich: () => called('enrich') });
    traced.log({ input: 'in' });
    // A loss is reported once in a while: each time by another logger.
    const failing = entry.initLogger({
      ...options,
      release: name,
      onError: () => called('onError'),
    });
    failing.logFeedback({ submissionId: 'sub_1', scores: { thumb: 2 } });
    await failing.flush();
    return [...calls];
  },
  trap() {
    trapsNext = true;
  },
  flush: async () => await entry.flush({ timeoutMs: 10_000 }),
  stats: () => entry.stats(),
  /** How many values the storage has. */
  kept: async () => (await running.getStore().list({ prefix: 'flue-braintrust/' })).size,
};

const answer = async (request) => {
  const step = STEPS[new URL(request.url).pathname.split('/').at(-1)];
  return Response.json((await step(await request.json())) ?? null);
};

export class House extends DurableObject {
  fetch(request) {
    states.set(this.ctx.storage, this.ctx);
    return running.run(this.ctx.storage, () => answer(request));
  }
}

export default {
  fetch(request, env) {
    const [, place, name] = new URL(request.url).pathname.split('/');
    const kinds = { slow: slowStorage, kv: kvStorage };
    if (place in kinds) return running.run(storageOf(kinds[place], name), () => answer(request));
    if (place !== 'object') return answer(request);
    return env.HOUSES.get(env.HOUSES.idFromName(name)).fetch(request);
  },
};
