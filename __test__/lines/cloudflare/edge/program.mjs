/** A program that uses what the package exports: what a Worker and Node share. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 1));
const startTime = 1_700_000_000;
const times = { start: { startTime }, end: { endTime: startTime + 1 } };

const circle = { name: 'circle' };
circle.self = circle;

/** Values of content, by a name. In a Worker, some are made within a request only. */
const valuesOf = () => ({
  numbers: [Number.NaN, -Infinity, -0, 12345678901234567890n],
  texts: ['\ud800x', 'a\u0000b', '😀', 'long '.repeat(5000), 'data:image/png;base64,iVBORw0KGgo='],
  nothing: [undefined, null, Symbol('s'), () => 1, Map],
  dates: [new Date(0), new Date(Number.NaN), /a/gi],
  collections: [new Map([['a', { k: 1 }]]), new Set([1]), new WeakMap(), [1][Symbol.iterator]()],
  bytes: [new Uint8Array([1, 2]), new Float32Array([1.5]), new ArrayBuffer(4), new Blob(['abc'])],
  web: [new URL('https://e.com/a?b'), new Headers({ a: 'b' }), new Response('hi'), new FormData()],
  objects: [circle, Object.create(null), new Proxy({ a: 1 }, {}), new Number(1)],
  error: Object.assign(new TypeError('boom'), { stack: 'TypeError: boom', code: 'E1' }),
});

/**
 * @param {typeof import('../../../../index.d.ts')} entry
 * @param {object[]} events of Flue
 */
export async function program(entry, events) {
  const seen = {};
  const options = {
    projectName: 'program',
    attachments: true,
    tags: ['t'],
    metadata: { m: 1 },
    environment: 'test',
    enrich: (event) => ({ user: 'u', tags: [event.type] }),
  };
  const logger = entry.initLogger(options);
  seen.same = entry.initLogger(options) === logger;
  const other = entry.initLogger({ projectName: 'other', setCurrent: false });
  for (const event of events) entry.braintrustFlueObserver(event);
  for (const [name, value] of Object.entries(valuesOf())) {
    const span = entry.startSpan({
      name,
      ...times.start,
      event: { input: value, metadata: { name: value } },
    });
    entry.logError(span, value);
    span.end(times.end);
  }
  await spans(entry, seen);
  attachments(entry);
  afterwards(entry, logger, other);
  // The masking function changes what still waits.
  await Promise.all([logger.flush({ timeoutMs: 60_000 }), other.flush({ timeoutMs: 60_000 })]);
  await masks(entry);
  seen.link = (await entry.permalink({ submissionId: 'sub_1' })).replace(/^https?:\/\/[^/]+/, '');
  seen.project = (await logger.project).name;
  const { complete, lost, cut, openSpans } = await entry.flush({ timeoutMs: 60_000 });
  const closed = await entry.close({ timeoutMs: 60_000 });
  entry.log({ input: 'late' });
  seen.reports = [complete, lost, cut, openSpans, closed.complete, entry.stats().lost];
  return seen;
}

async function spans(entry, seen) {
  const propagatedEvent = { metadata: { p: 1 } };
  const root = entry.startSpan({ name: 'root', type: 'task', ...times.start, propagatedEvent });
  await entry.withCurrent(root, async () => {
    await pause();
    seen.isCurrent = entry.currentSpan().id === root.id;
    const child = entry.startSpan({ name: 'child' });
    child.log({
      input: 1,
      metrics: { tokens: 5, bad: 'x' },
      scores: { s: 0.5, b: 2 },
      tags: ['a'],
    });
    child.setAttributes({ name: 'renamed', type: 'tool' });
    child.log({ metadata: { a: { b: 1 } } });
    child.log({ metadata: { a: { c: 2 } }, tags: ['b'] });
    child.end(times.end);
    entry.traced((span) => span.log({ output: 'r' }), { name: 'sync' });
    const failing = Object.assign(new RangeError('bad'), { stack: 'RangeError: bad' });
    const rejected = entry.traced(() => pause().then(() => Promise.reject(failing)), {
      name: 'throws',
    });
    seen.thrown = await rejected.catch((error) => error.name);
    const add = async function added(a, b) {
      await pause();
      return a + b;
    };
    seen.sum = await entry.wrapTraced(add)(1, 2);
    const step = function* stepped(a) {
      yield a;
      yield 2;
    };
    seen.steps = [...entry.traceable(step)(1)];
    entry.wrapTraced((x) => x, { name: 'without arguments', noTraceIO: true })('secret');
    const headers = entry.injectTraceContext(new Headers({ baggage: 'x=1' }));
    seen.headers = [...headers.keys()];
    const parent = entry.extractTraceContextFromHeaders(headers);
    entry.startSpan({ name: 'by headers', parent }).end();
    entry.startSpan({ name: 'by a slug', parent: await root.export() }).end();
    entry.startSpan({ name: 'by nothing', parent: 'nonsense' }).end();
    entry.withParent(root, () => entry.traced(() => {}, { name: 'with parent' }));
    entry.withCurrent(entry.NOOP_SPAN, () => entry.traced(() => {}, { name: 'alone' }));
    root.logFeedback({ scores: { up: true }, comment: 'c', tags: ['ft'], source: 'app' });
  });
  root.end(times.end);
  entry.updateSpan({ exported: await root.export(), metadata: { late: true } });
  entry.startSpan({ name: 'left open' });
}

function attachments(entry) {
  const data = new Uint8Array([1, 2, 3]);
  const contentType = 'application/octet-stream';
  const file = new entry.Attachment({ data, filename: 'a', contentType });
  const text = new entry.Attachment({ data: new Blob(['hello']), filename: 'b', contentType });
  entry.log({ input: { file, text, again: file } });
}

function afterwards(entry, logger, other) {
  const ids = { submissionId: 'sub_1' };
  entry.logFeedback({ ...ids, scores: { thumb: 1 }, comment: 'good' });
  entry.logFeedback({ ...ids, scores: { thumb: 5 } });
  entry.logScores({ ...ids, scores: { auto: 0.25 } });
  entry.flueSpan(ids).log({ metadata: { fromApp: 1 } });
  entry
    .flueSpan(ids)
    .startSpan({ name: 'below', ...times.start })
    .end(times.end);
  entry.withLogger(other, () => entry.traced(() => {}, { name: 'in another logger' }));
  logger.log({ input: 'by the logger' });
}

async function masks(entry) {
  const functions = [
    (value) => (typeof value === 'string' ? value.replace('secret', '***') : value),
    () => {
      throw new Error('no mask');
    },
    async (value) => value,
    () => undefined,
    'none',
    null,
  ];
  for (const [n, mask] of functions.entries()) {
    entry.setMaskingFunction(mask);
    entry.log({ input: `secret ${n}`, metadata: { n } });
    await entry.flush({ timeoutMs: 60_000 });
  }
}
