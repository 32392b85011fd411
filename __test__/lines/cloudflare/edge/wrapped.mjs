/**
 * A Worker that traces whatever the package calls: its delivery must record nothing, and all must work. Its response
 * states what the wrapped `fetch` returns to the application.
 */
import * as bt from '../../../../js/edge/index.mjs';

const open = [];
/** A function that records all it can, and calls another one. */
const tracing = (name, fn) => {
  const traced = bt.wrapTraced(fn, { name, noTraceIO: true });
  return function record(...values) {
    open[0]?.log({ metadata: { [name]: 1 } });
    open[0]?.startSpan({ name }).end();
    bt.currentSpan().log({ output: name });
    bt.log({ input: name });
    bt.logFeedback({ id: 'f'.repeat(32), scores: { good: 1 } });
    const within = () => traced.apply(this, values);
    const inLogger = () => bt.withLogger(bt.currentLogger(), within);
    return open[0] === undefined ? within() : bt.withParent(open[0], inLogger);
  };
};

const values = new Map();
const storage = Object.fromEntries(
  Object.entries({
    list: async () => new Map(values),
    get: async (key) => values.get(key),
    put: async (key, value) => void values.set(key, value),
    delete: async (key) => values.delete(key),
  }).map(([name, fn]) => [name, tracing(name, fn)]),
);

/** What is wrapped only after the application has recorded. */
function wrapGlobals() {
  globalThis.fetch = tracing('fetch', globalThis.fetch);
  globalThis.setTimeout = tracing('setTimeout', globalThis.setTimeout);
  console.warn = tracing('warn', console.warn);
}

export default {
  async fetch(_request, env) {
    // Lines for the console.
    process.env.FLUE_BRAINTRUST_DEBUG = '1';
    bt.setMaskingFunction(tracing('mask', (value) => value));
    const seen = [];
    bt.initLogger({
      projectName: 'edge',
      storage: tracing('storage', () => storage),
      enrich: bt.wrapTraced(() => ({ user: 'u1' }), { name: 'enrich' }),
      sample: bt.wrapTraced(() => true, { name: 'sample' }),
      onReady: bt.wrapTraced(() => void seen.push('onReady'), { name: 'onReady' }),
      onError: bt.wrapTraced(() => void seen.push('onError'), { name: 'onError' }),
    });
    bt.traced(() => {}, { name: 'before' });
    wrapGlobals();
    await bt.traced(
      async (span) => {
        open.push(span);
        await bt.flush();
        open.pop();
      },
      { name: 'request' },
    );
    const response = await bt.wrapTraced(globalThis.fetch, { name: 'own' })(
      `${env.BRAINTRUST_API_URL}/version`,
    );
    const reports = [];
    // Each delivery would leave more to deliver.
    for (let n = 0; n < 3; n++) reports.push(await bt.flush());
    const rows = reports.map(({ accepted }) => accepted - reports[0].accepted);
    return Response.json({ status: response.status, seen, rows, complete: reports[2].complete });
  },
};
