/**
 * A Worker that uses every name of the package at the top level of its module, where Cloudflare allows no random values,
 * no timers and no requests. Its response states what has thrown or rejected.
 */
import * as bt from '../../../../js/edge/index.mjs';

/** What has thrown or rejected, by the name of the use. */
const failures = {};
const fails = (name) => (error) => void (failures[name] = String(error));
let unhandled = 0;
globalThis.addEventListener('unhandledrejection', () => unhandled++);

/** A storage that is not bound to a request, as an application may have it. */
const storage = {
  list: async () => new Map(),
  get: async () => undefined,
  put: async () => {},
  delete: async () => true,
};

const settling = [];
/** Uses a name, and notes how that fails, now or later. */
function use(name, run) {
  try {
    const result = run();
    if (result instanceof Promise) settling.push(result.catch(fails(name)));
    return result;
  } catch (error) {
    fails(name)(error);
    return undefined;
  }
}

const options = { projectName: 'edge', attachments: true, onReady() {}, onError() {} };
const loggers = [
  use('initLogger', () => bt.initLogger({ ...options, tags: ['edge'], sampleRate: 0.5 })),
  use('initLogger, storage', () => bt.initLogger({ ...options, storage, environment: 'one' })),
];
const ids = { submissionId: 'sub_1' };
const bytes = new Uint8Array([1, 2, 3]);
const fileOf = (data) => new bt.Attachment({ data, filename: 'f', contentType: 'image/png' });
const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

/** What the methods of a span do. */
function useSpan(name, span) {
  const event = { input: fileOf(new Blob([bytes])), scores: { good: 1 }, metrics: { tokens: 1 } };
  use(`${name}.log`, () => span.log(event));
  use(`${name}.logFeedback`, () => span.logFeedback({ scores: { good: 1 }, comment: 'good' }));
  use(`${name}.setAttributes`, () => span.setAttributes({ name: 'other' }));
  use(`${name}.traced`, () => span.traced(() => 1));
  use(`${name}.startSpan`, () => span.startSpan({ name: 'child' }).end());
  use(`${name}.adopt`, () => span.adopt(ids));
  use(`${name}.inject`, () => span.inject());
  use(`${name}.export`, () => span.export());
  use(`${name}.link`, () => span.link());
  use(`${name}.permalink`, () => span.permalink());
  use(`${name}.end`, () => span.end());
  use(`${name}.close`, () => span.close());
  use(`${name}.flush`, () => span.flush());
}

/** Each name of the package, and of a logger. */
const USES = {
  currentSpan: ({ currentSpan }) => useSpan('currentSpan', currentSpan()),
  flueSpan: ({ flueSpan }) => useSpan('flueSpan', flueSpan(ids)),
  startSpan: ({ startSpan }) =>
    useSpan('startSpan', startSpan({ name: 'early', event: { id: '1' } })),
  traced: ({ traced }) => traced(async () => 1, { name: 'early' }),
  wrapTraced: ({ wrapTraced }) => wrapTraced((n) => n)(1),
  traceable: ({ traceable }) => [
    ...traceable(function* generate() {
      yield 1;
    })(),
  ],
  withCurrent: ({ withCurrent }) => withCurrent(bt.flueSpan(ids), () => bt.startSpan()),
  withParent: ({ withParent }) => withParent(headers, () => bt.traced(() => 1)),
  withLogger: ({ withLogger }) => withLogger(loggers[0], () => bt.log({ input: 'in' })),
  currentLogger: ({ currentLogger }) => currentLogger(),
  injectTraceContext: ({ injectTraceContext }) => injectTraceContext(new Headers()),
  extractTraceContextFromHeaders: (of) => of.extractTraceContextFromHeaders(headers),
  logError: ({ logError }) => logError(bt.flueSpan(ids), new Error('failed')),
  logFeedback: ({ logFeedback }) => logFeedback({ ...ids, comment: 'good', scores: { a: 1 } }),
  logScores: ({ logScores }) => logScores({ id: 'row', scores: { a: 1 } }),
  log: ({ log }) => log({ input: fileOf(bytes) }),
  updateSpan: ({ updateSpan }) => updateSpan({ exported: 'nothing', output: 'out' }),
  permalink: ({ permalink }) => permalink(ids),
  braintrustFlueObserver: ({ braintrustFlueObserver: observe }) =>
    observe({ type: 'run_start', runId: 'run_1', workflowName: 'w' }),
  braintrustFlueInstrumentation(of) {
    const { observe, interceptor, dispose } = of.braintrustFlueInstrumentation();
    observe({ type: 'operation_start', operationId: 'op_1', operationKind: 'prompt' });
    interceptor({ type: 'agent' }, {}, () => 1);
    return dispose();
  },
  observer: ({ observer }) => observer()({ type: 'run_end', runId: 'run_1' }),
  setMaskingFunction: ({ setMaskingFunction: mask }) => (mask((value) => value), mask(null)),
  export: (of) => of.export(),
  id: (of) => of.id,
  project: (of) => of.project,
  flush: ({ flush }) => flush(),
  stats: ({ stats }) => stats(),
  Attachment({ Attachment }) {
    const files = [bytes, bytes.buffer, new Blob([bytes]), '/no/such/file', undefined].map(fileOf);
    for (const file of files) use('JSON.stringify of a file', () => JSON.stringify(file));
    use('the reference of a file', () => JSON.stringify(files[0].reference));
    return new Attachment().data();
  },
  initLogger() {},
  kind() {},
  asyncFlush() {},
  ERR_PERMALINK() {},
  NOOP_SPAN: ({ NOOP_SPAN }) => useSpan('NOOP_SPAN', NOOP_SPAN),
  NOOP_SPAN_PERMALINK() {},
  // The last: nothing is recorded after it.
  close: ({ close }) => close(),
};

const isClose = (name) => name === 'close';
const untried = [];
for (const of of [...loggers, bt]) {
  const names = Object.keys(of ?? {});
  untried.push(...names.filter((name) => !Object.hasOwn(USES, name)));
  for (const name of [...names.filter((name) => !isClose(name)), ...(of === bt ? ['close'] : [])]) {
    if (Object.hasOwn(USES, name)) use(name, () => USES[name](of));
  }
}
/** Made early, used in a request. */
const early = fileOf(bytes);

export default {
  async fetch() {
    await Promise.all(settling);
    const logger = bt.initLogger({ ...options, environment: 'two' });
    logger.log({ input: early });
    const { complete } = await logger.flush();
    return Response.json({ untried, failures, unhandled, complete, key: early.reference.key });
  },
};
