/** A Worker and a Durable Object for the scenarios: each request runs the step that its path names. */
import { DurableObject } from 'cloudflare:workers';
import { AsyncLocalStorage } from 'node:async_hooks';

/** The storage of the object that runs now. */
const running = new AsyncLocalStorage();

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

const entry = await import('../../../js/edge/index.mjs');

const failing = {
  list: async () => new Map(),
  get: async () => undefined,
  put: () => Promise.reject(new Error('no room')),
  delete: async () => true,
};

const STEPS = {
  init({ options, storage }) {
    const places = { object: () => running.getStore(), failing };
    entry.setMaskingFunction(
      options.mask
        ? (value) => JSON.parse(JSON.stringify(value).replaceAll('Saltpan', 'MASKED'))
        : null,
    );
    entry.initLogger({ ...options, storage: places[storage] });
  },
  observe({ events }) {
    for (const event of events) entry.braintrustFlueObserver(event);
  },
  async own() {
    const outer = entry.wrapTraced(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return await entry.traced((span) => span.log({ output: 'in' }), { name: 'inner' });
      },
      { name: 'outer' },
    );
    await Promise.all([outer(), outer()]);
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
    return running.run(this.ctx.storage, () => answer(request));
  }
}

export default {
  fetch(request, env) {
    const [, place, name] = new URL(request.url).pathname.split('/');
    if (place !== 'object') return answer(request);
    return env.HOUSES.get(env.HOUSES.idFromName(name)).fetch(request);
  },
};
