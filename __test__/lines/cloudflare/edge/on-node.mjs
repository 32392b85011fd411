/**
 * Runs a scenario with the host of a Worker on Node, where requests can be counted, time passes at will, and what is not
 * in use can be collected. Prints what it has seen as JSON in one line.
 *
 *     node --expose-gc --conditions=workerd __test__/lines/cloudflare/edge/on-node.mjs NAME
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { advance, readBy } from './clock.mjs';
import { apiOf } from '../../../../js/api/api.js';
import { CoreModule } from '../../../../js/edge/core-module.mjs';
import { Delivery } from '../../../../js/edge/delivery.mjs';
import { edgeHost } from '../../../../js/edge/host.mjs';
import { StorageFiles } from '../../../../js/edge/storage.mjs';
import { Exporter } from '../../../../js/exporter.js';
import { runningMs } from '../../../../js/running-clock.js';
import { writeSlug } from '../../../../js/spans/slug.js';

const { startCollector } = createRequire(import.meta.url)('../../../../tools/collector');

const CORE = new URL('../../../../js/edge/core.wasm', import.meta.url);
const QUEUED = { v: 3, type: 'submission_queued', submissionId: 'sub_1', agentName: 'a' };
const UUID = '11111111-2222-4333-8444-555555555555';

let isDown = false;
let isRejecting = false;
let isRefusing = false;
/** How often each path was asked for. */
const asked = {};
/** How long the server takes to take rows. */
let delayMs = 0;
const collector = await startCollector({
  intercept: ({ path }) => {
    asked[path] = (asked[path] ?? 0) + 1;
    if (isRefusing) return { status: 401 };
    if (path !== '/logs3') return {};
    if (isRejecting) return { status: 400 };
    return isDown ? { status: 503 } : { delayMs };
  },
});
const { url } = collector;

/** What `console.warn` writes. */
const lines = [];
console.warn = (line) => lines.push(line);

/** What keeps the request alive. */
const works = [];
const entry = apiOf(
  new Exporter(
    edgeHost(new WebAssembly.Module(readFileSync(CORE)), (work) => void works.push(work)),
  ),
);
const delivered = async () => {
  await Promise.all(works);
};
const init = (options = {}) =>
  entry.initLogger({ apiKey: 'key', appUrl: url, apiUrl: url, projectName: 'edge', ...options });

/** Lets time pass in which the isolate runs. @param {number} ms */
function pass(ms) {
  advance(ms);
  runningMs();
}

/** Lets time pass in which it stands still. When it runs on, the timers come first, as in workerd. @param {number} ms */
const standStill = (ms) =>
  new Promise((resolve) => {
    setImmediate(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      advance(ms);
      resolve();
    });
  });

/** A storage in memory: its values, how often it was listed and changed, and how long it takes. */
function storage({ values = new Map(), takesMs = 0, refuses = [] } = {}) {
  const operation = (name, run) => async (key, value) => {
    await sleep(takesMs);
    if (refuses.includes(name)) throw new Error('no room');
    return run(key, value);
  };
  const one = {
    values,
    lists: 0,
    changes: 0,
    list: operation('list', () => {
      one.lists++;
      return new Map(values);
    }),
    get: operation('get', (key) => values.get(key)),
    put: operation('put', (key, value) => {
      one.changes++;
      values.set(key, value);
    }),
    delete: operation('delete', (key) => {
      one.changes++;
      return values.delete(key);
    }),
  };
  return one;
}

/** Whether a storage has more values than before, now or in a while: a busy machine takes long. */
async function grows({ values }, size) {
  for (let n = 0; n < 3000 && values.size === size; n++) await sleep(10);
  return values.size > size;
}

/** How long a promise takes, in milliseconds. */
async function timeOf(promise) {
  const began = performance.now();
  await promise;
  return performance.now() - began;
}

/** What an instance leaves in its storage while the server is down: rows in several files. */
async function left() {
  const values = new Map();
  isDown = true;
  const logger = init({ storage: storage({ values }) });
  for (let files = 0; files < 5; files = values.size) {
    logger.log({ input: 'kept' });
    while (values.size === files) await sleep(10);
  }
  isDown = false;
  return new Map(values);
}

/** What an instance sends and loses whose storage returns what an earlier one has left, in another form. */
async function fromStorage(formOf) {
  const values = await left();
  const get = async (key) => formOf(values.get(key));
  const list = async () => [...values.keys()];
  // Other settings: the earlier instance runs on.
  const release = String(formOf);
  const { sent, lost } = await init({ release, storage: { ...storage(), get, list } }).flush();
  return { isSent: sent > 0, lost: Object.keys(lost) };
}

/** Collects what is not in use, also what waits for a finalizer. */
async function collect() {
  for (let n = 0; n < 5; n++) {
    await sleep(20);
    globalThis.gc();
  }
}

const SCENARIOS = {
  async 'project by its id'() {
    const infos = [];
    const logger = init({
      apiUrl: undefined,
      projectId: UUID,
      storage: storage(),
      onReady: (info) => infos.push(info),
    });
    logger.log({ input: 'in' });
    await logger.flush();
    await delivered();
    return infos.map(({ projectId, orgName, spool }) => ({ projectId, orgName, spool }));
  },
  /** Of two loggers that differ in one option, the second begins while the first has a file and an open span. */
  async 'two loggers in one storage'() {
    const one = storage();
    isDown = true;
    const first = init({ storage: one });
    const span = first.startSpan({ name: 'open' });
    while (one.values.size < 2) await sleep(10);
    const second = init({ storage: one, release: 'next' });
    second.log({ input: 'in' });
    await grows(one, 2);
    isDown = false;
    const { accepted } = await second.flush();
    const before = collector.rows().filter(({ metrics }) => metrics.end !== undefined).length;
    span.end();
    const { sent, lost } = await first.flush();
    await delivered();
    // What a logger leaves that is closed belongs to the next one, also before it has ended.
    isDown = true;
    const { size } = one.values;
    first.log({ input: 'left' });
    await grows(one, size);
    void first.close({ timeoutMs: 60_000 });
    const { lists } = one;
    const flushed = init({ storage: one, release: 'last' }).flush({ timeoutMs: 60_000 });
    while (one.lists === lists) await sleep(1);
    isDown = false;
    const { sent: taken } = await flushed;
    return { accepted, before, sent, lost, taken };
  },
  /** What loggers count that read at the same time what an ended isolate has left: one of another project, and two. */
  async 'two loggers that adopt'() {
    const values = await left();
    const { size } = values;
    const one = storage({ values, takesMs: 20 });
    const other = init({ storage: one, projectName: 'other' });
    const loggers = ['a', 'b'].map((release) => init({ storage: one, release }));
    const reports = await Promise.all([other, ...loggers].map((logger) => logger.flush()));
    await delivered();
    const [{ accepted }, ...ours] = reports;
    const sent = ours.reduce((sum, report) => sum + report.sent, 0);
    const lost = ours.flatMap((report) => Object.keys(report.lost));
    return { accepted, twice: sent - size, lost, left: values.size };
  },
  /** What the next logger counts that opens while one ends that has rows in the storage, and what that one counts. */
  async 'logger that opens while another one closes'() {
    const values = new Map();
    const one = storage({ values, takesMs: 100 });
    isDown = true;
    const first = init({ storage: one });
    for (let n = 0; n < 3; n++) {
      const { size } = values;
      first.log({ input: `kept ${n}` });
      await grows(one, size);
    }
    isDown = false;
    delayMs = 50;
    const closed = first.close({ timeoutMs: 600_000 });
    const next = init({ storage: one, release: 'next' });
    next.log({ input: 'next' });
    const reports = await Promise.all([closed, next.flush({ timeoutMs: 600_000 })]);
    await delivered();
    const sent = reports.map((report) => report.sent);
    const lost = reports.flatMap((report) => Object.keys(report.lost));
    return { sent, lost, left: values.size };
  },
  /** The server does not respond to one that closes: how many rows the next one sends, and what is lost. */
  async 'logger that closes for long'(stops = []) {
    const one = storage();
    isDown = true;
    const first = init({ storage: one, requestTimeoutMs: 600_000 });
    first.log({ input: 'in' });
    await grows(one, 0);
    isDown = false;
    delayMs = 600_000;
    asked['/logs3'] = 0;
    const closed = first.close({ timeoutMs: 600_000 });
    while (asked['/logs3'] === 0) await sleep(10);
    const { lists } = one;
    const next = init({ storage: one, release: 'next', requestTimeoutMs: 1000 });
    const flushed = next.flush({ timeoutMs: 600_000 });
    for (const ms of stops) {
      await sleep(200);
      await standStill(ms);
    }
    while (one.lists === lists) await sleep(10);
    delayMs = 0;
    const [{ complete, lost }, { sent }] = await Promise.all([closed, flushed]);
    return { complete, sent, lost };
  },
  /** As above, in an isolate that stands still for longer than the next one waits. */
  async 'logger that closes for long while the isolate stands still'() {
    return await this['logger that closes for long']([11_000, 11_000]);
  },
  /** An isolate stands still while loggers flush and close, for longer than they wait: while they log in, or store. */
  async 'loggers that end while the isolate stands still'() {
    const seen = {};
    for (const name of ['login', 'storage']) {
      for (const end of ['flush', 'close']) {
        const one = name === 'storage' ? storage({ takesMs: 900 }) : undefined;
        const logger = init({ storage: one, projectName: `${name} ${end}` });
        logger.log({ input: 'in' });
        const ended = logger[end]({ timeoutMs: 10_000 });
        await sleep(one === undefined ? 0 : 200);
        await standStill(11_000);
        const { complete, sent, pending, lost } = await ended;
        seen[`${name}, ${end}`] = { complete, sent, pending, lost };
      }
    }
    return { seen, lines };
  },
  /** Nothing is recorded before: with a storage, and without. */
  async 'id without a row'() {
    const stored = init({ storage: storage({ takesMs: 50 }) });
    const project = await stored.project;
    const plain = init({ projectName: 'other' });
    const link = new URL(await plain.permalink({ submissionId: 'sub_1' }));
    await delivered();
    const { requests } = collector;
    const rows = requests.filter(({ path }) => path === '/logs3').length;
    return { project, isKnown: (await plain.id) !== '', link: link.pathname, rows };
  },
  /** The storage takes its time to list its files, and the server to take rows. */
  async 'flush in time'() {
    const values = await left();
    delayMs = 60_000;
    const options = { requestTimeoutMs: delayMs, storage: storage({ values, takesMs: 1500 }) };
    return { flushMs: await timeOf(init(options).flush({ timeoutMs: 2000 })) };
  },
  /** An instance only flushes, as in an alarm. */
  async 'flush in an alarm'() {
    const values = await left();
    const kept = values.size;
    works.length = 0;
    const options = { release: 'next', storage: storage({ values, takesMs: 50 }) };
    const { complete } = await init(options).flush();
    await delivered();
    return { isKept: kept > 0, complete, left: values.size };
  },
  /** What a storage has when a logger is closed, and a while later: a submission waits, and a span is open. */
  async 'close with a slow storage'() {
    const stored = [];
    for (isDown of [false, true]) {
      const one = storage({ takesMs: 300 });
      const logger = init({ storage: one, projectName: `closed ${isDown}` });
      entry.braintrustFlueObserver(QUEUED);
      logger.startSpan({ name: 'open' });
      // A server that answers has the rows, however busy the machine is.
      await logger.close({ timeoutMs: isDown ? 3000 : 600_000 });
      const changes = one.changes;
      const isSpan = [...one.values.keys()].map((key) => key.includes('.open'));
      await delivered();
      await sleep(1000);
      stored.push({ isSpan, later: one.changes - changes });
    }
    return stored;
  },
  /** The core fails, and each new instance as well: nothing can be shut down. */
  async 'close while the core fails'() {
    const ends = [];
    for (const one of [undefined, storage()]) {
      const { enter } = CoreModule.prototype;
      const logger = init({ storage: one, projectName: `closed ${one}` });
      logger.log({ input: 'in' });
      await logger.flush();
      CoreModule.prototype.enter = () => {
        throw new Error('no room');
      };
      const closed = logger.close({ timeoutMs: 600_000 }).then(({ complete }) => complete);
      ends.push(await Promise.race([closed, sleep(10_000, 'waits')]));
      CoreModule.prototype.enter = enter;
    }
    return ends;
  },
  /** The rows that it has are sent while nothing can be deleted; then nothing is recorded. */
  async 'storage that cannot delete what is sent'() {
    const refuses = [];
    const one = storage({ refuses });
    const logger = init({ storage: one });
    isDown = true;
    logger.log({ input: 'in' });
    await grows(one, 0);
    refuses.push('delete');
    isDown = false;
    const { sent } = await logger.flush();
    while (lines.every((line) => !line.includes('cannot be removed'))) await sleep(10);
    refuses.length = 0;
    await delivered();
    return { sent, left: one.values.size };
  },
  /** While nothing can be deleted, a snapshot of many spans becomes one of a single span; then another instance begins. */
  async 'storage that cannot delete for a while'() {
    isDown = true;
    const refuses = [];
    const one = storage({ refuses });
    const sizes = () =>
      [...one.values].flatMap(([key, { length }]) => (/open/.test(key) ? length : []));
    const isSnapshot = async (is) => {
      for (let n = 0; n < 3000 && !is(sizes()); n++) await sleep(10);
    };
    const logger = init({ storage: one });
    const spans = Array.from({ length: 1000 }, () =>
      logger.startSpan({ name: 'name '.repeat(30) }),
    );
    await isSnapshot(({ length }) => length > 1);
    const { length } = sizes();
    refuses.push('delete');
    for (const span of spans.slice(1)) span.end();
    await isSnapshot(([size]) => size < 10_000);
    refuses.pop();
    await isSnapshot((left) => left.length === 1);
    isDown = false;
    const { openSpans } = await init({
      storage: storage({ values: one.values }),
      tags: ['next'],
    }).flush();
    return { isLarge: length > 1, values: sizes().length, openSpans };
  },
  /** Sizes of a file: while its last change ends after the next one, a large write, and after a small one. */
  async 'storage that answers late'() {
    const found = {};
    for (const kind of ['put', 'delete']) {
      const one = storage();
      const files = new StorageFiles(one, one);
      await files.put('a.open', new Uint8Array(kind === 'put' ? 400_000 : 10));
      const run = one[kind];
      let answer;
      const answered = new Promise((resolve) => (answer = resolve));
      one[kind] = async (...change) => {
        await run(...change);
        await answered;
      };
      const late = files[kind]('a.open', new Uint8Array(10));
      one[kind] = run;
      await sleep(50);
      await files.put('a.open', new Uint8Array(400_000));
      answer();
      await late;
      const { length } = await files.get('a.open');
      await files.put('a.open', new Uint8Array(10));
      const listed = await new StorageFiles(one, one).list();
      found[kind] = [length, listed.get('a.open').length];
    }
    return found;
  },
  /** What the next instance has of a storage that returns bytes in another form than it was given, and of none. */
  async 'storages of other types'() {
    const json = await fromStorage((value) => JSON.parse(JSON.stringify(value)));
    const list = await fromStorage((value) => [...value]);
    const options = { ...storage(), list() {} };
    const { complete } = await init({ release: 'none', storage: options }).flush();
    return { json, list, none: complete, lines: lines.filter((line) => line.includes('SPOOL:')) };
  },
  /** Nothing is recorded between two flushes. */
  async 'repeated flush'() {
    const one = storage({ takesMs: 300 });
    const logger = init({ storage: one });
    logger.startSpan({ name: 'open' });
    await logger.flush();
    // Confirmed rows leave the storage afterwards.
    await delivered();
    const { changes } = one;
    const { complete } = await logger.flush();
    await delivered();
    return { isStored: changes > 0, complete, changes: one.changes - changes };
  },
  /** The server takes no rows after the first: their request is repeated again and again. */
  async 'repeated request'() {
    const { fetch } = globalThis;
    const requests = { begun: 0, running: 0 };
    globalThis.fetch = async (...request) => {
      requests.begun++;
      requests.running++;
      return await fetch(...request).finally(() => requests.running--);
    };
    const logger = init();
    logger.log({ input: 'first' });
    await logger.flush();
    delayMs = 60_000;
    requests.begun = 0;
    logger.log({ input: 'second' });
    while (requests.begun < 4) await sleep(10);
    await sleep(100);
    return requests.running;
  },
  /** Its storage takes nothing, and the server no rows, for a while or for ever. Other objects go on. */
  async 'object that has ended'() {
    const seen = [];
    for (const isBack of [true, false]) {
      let current = storage({ refuses: ['put'] });
      const logger = init({ storage: () => current, release: String(isBack) });
      isDown = true;
      logger.log({ input: 'in' });
      await sleep(500);
      const { pending } = logger.stats();
      pass(31_000);
      await delivered();
      isDown = !isBack;
      for (let n = 0; n < 2; n++) {
        pass(600_000);
        current = storage();
        logger.log({ input: 'in' });
        await sleep(500);
        if (isBack) await delivered();
        pass(31_000);
        await delivered();
      }
      const { sent, lost } = logger.stats();
      seen.push({ pending, sent, lost });
    }
    return { seen, lines: lines.filter((line) => line.includes('LOST')) };
  },
  /** Its storage has taken one row, and takes no other; the server is back once it has ended. */
  async 'object that ends with rows in its storage and in memory'() {
    const refuses = [];
    let current = storage({ refuses });
    const logger = init({ storage: () => current });
    isDown = true;
    logger.log({ input: 'stored' });
    if (!(await grows(current, 0))) throw new Error('nothing is stored');
    refuses.push('list', 'get', 'put', 'delete');
    logger.log({ input: 'in memory' });
    await sleep(500);
    pass(31_000);
    await delivered();
    isDown = false;
    for (let n = 0; n < 2; n++) {
      pass(600_000);
      current = storage();
      logger.log({ input: 'other' });
      await sleep(500);
      pass(31_000);
      await delivered();
    }
    const inputs = [...new Set(collector.rows().map(({ input }) => input))];
    const { pending, spooled, lost } = logger.stats();
    return { inputs, pending, spooled, lost, lines };
  },
  /** The same, and once the server is back, more objects begin than recorders are kept. */
  async 'object that has ended, among many'() {
    let current = storage({ refuses: ['put'] });
    const logger = init({ storage: () => current });
    isDown = true;
    logger.log({ input: 'in' });
    await sleep(500);
    pass(31_000);
    await delivered();
    isDown = false;
    for (let objects = 1; objects <= 64; objects++) {
      if (objects === 64) pass(30_000);
      current = storage();
      logger.log({ input: 'in' });
      await sleep(5);
      if (objects >= 63) await delivered();
    }
    const { sent, lost } = logger.stats();
    return { sent, lost };
  },
  /** In one turn, the application records without a storage and in two. */
  async 'several storages in a turn'() {
    let current;
    const logger = init({ storage: () => current });
    for (current of [undefined, storage(), storage()]) logger.log({ input: 'in' });
    await delivered();
    return { sent: logger.stats().sent };
  },
  /** How often the core is asked for counters while an event is delivered beside many objects. */
  async 'event beside many objects'() {
    const { call } = CoreModule.prototype;
    let current;
    const logger = init({ storage: () => current });
    for (let objects = 0; objects < 30; objects++) {
      current = storage();
      logger.log({ input: 'in' });
      await sleep(5);
    }
    await delivered();
    let asked = 0;
    CoreModule.prototype.call = function (name, ...values) {
      asked += name === 'stats' ? 1 : 0;
      return call.call(this, name, ...values);
    };
    logger.log({ input: 'in' });
    await delivered();
    CoreModule.prototype.call = call;
    return { asked, sent: logger.stats().sent };
  },
  async 'experiment by a slug'() {
    const one = storage();
    const logger = init({ storage: one });
    isDown = true;
    const parent = writeSlug({ object_id: UUID, isExperiment: true });
    entry.withParent(parent, () => entry.traced(() => {}, { name: 'in' }));
    await sleep(1000);
    return { pending: logger.stats().pending, kept: one.values.size };
  },
  async 'storage by another name for each event'() {
    const one = storage();
    const logger = init({ storage: () => ({ ...one }) });
    for (let n = 0; n < 20; n++) {
      logger.log({ input: n });
      await sleep(1);
    }
    await delivered();
    const named = new Set(collector.rows().map(({ input }) => input));
    return { sent: named.size, lines: lines.filter((line) => line.includes('BAD_OPTION')) };
  },
  /** A body is read for as long as its request runs; the request of another one has ended. */
  async 'files that are read late'() {
    const logger = init();
    const fileOf = (arrayBuffer) => new entry.Attachment({ data: { arrayBuffer }, filename: 'f' });
    let isRead = () => {};
    const reading = new Promise((resolve) => (isRead = () => resolve(new ArrayBuffer(3))));
    logger.log({ input: fileOf(() => reading) });
    const { complete: isEarly } = await logger.flush({ timeoutMs: 1000 });
    const ended = delivered().then(() => 'ended');
    const first = await Promise.race([ended, sleep(1000, 'runs')]);
    isRead();
    await ended;
    await logger.flush();
    const [{ input }] = collector.rows();
    logger.log({ input: fileOf(() => new Promise(() => {})) });
    pass(61_000);
    const { complete } = await logger.flush();
    return { isEarly, first, input, complete, lines };
  },
  /** What the application has put in the place of `fetch` never ends; the event after that comes half a minute later. */
  async 'fetch that ignores its signal'() {
    globalThis.fetch = () => new Promise(() => {});
    const logger = init({ requestTimeoutMs: 200 });
    logger.log({ input: 'in' });
    await logger.flush({ timeoutMs: 300 });
    pass(31_000);
    const end = await Promise.race([delivered().then(() => 'ended'), sleep(10_000, 'runs')]);
    return { end, lastError: logger.stats().lastError };
  },
  /** How long the request of an event is kept alive while the key is refused, and what arrives once it is not. */
  async 'key that is refused'() {
    isRefusing = true;
    const logger = init();
    logger.log({ input: 'first' });
    const ms = await timeOf(delivered());
    const { pending } = logger.stats();
    isRefusing = false;
    pass(61_000);
    logger.log({ input: 'second' });
    await delivered();
    return { ms, pending, sent: logger.stats().sent };
  },
  /** The first of many requests, while others record without a pause and the server takes its time. */
  async 'requests without a pause'() {
    delayMs = 200;
    const logger = init();
    logger.log({ input: 'first' });
    let hasEnded = false;
    void delivered().then(() => (hasEnded = true));
    const until = performance.now() + 20_000;
    while (performance.now() < until) {
      if (hasEnded) break;
      logger.log({ input: 'later' });
      await sleep(20);
    }
    const isEarly = hasEnded;
    const { complete } = await logger.flush();
    return { isEarly, complete, lost: logger.stats().lost };
  },
  /** How many deliveries the request of an event carries out while those of many loggers are under way. */
  async 'many loggers'() {
    isDown = true;
    for (let n = 0; n < 30; n++) init({ projectName: `tenant ${n}` }).log({ input: n });
    await sleep(500);
    let carried = 0;
    const { settle } = Delivery.prototype;
    Delivery.prototype.settle = function (...values) {
      carried++;
      return settle.apply(this, values);
    };
    init().log({ input: 'in' });
    await sleep(50);
    isDown = false;
    const sent = () => collector.rows().length;
    for (let n = 0; n < 3000 && sent() < 31; n++) await sleep(10);
    return { carried, sent: sent() };
  },
  /** A value of more than the most characters that an event may have. */
  async 'large event'() {
    const one = storage({ takesMs: 50 });
    const codes = [];
    const logger = init({ storage: () => one, onError: ({ code }) => codes.push(code) });
    for (let n = 0; n < 2; n++)
      logger.log({ input: 'in ', output: ['x'.repeat(9_000_000), 'y'.repeat(9_000_000)] });
    await logger.flush();
    return { cut: logger.stats().cut, codes };
  },
  /** How much is read of a response without an end, which takes no time to arrive. */
  async 'response without an end'() {
    const chunk = new Uint8Array(64 * 1024).fill(32);
    const read = { bytes: 0, isCancelled: false };
    globalThis.fetch = async () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            // The clock goes on.
            await sleep(0);
            read.bytes += chunk.length;
            controller.enqueue(chunk);
          },
          cancel: () => void (read.isCancelled = true),
        }),
      );
    const logger = init();
    logger.log({ input: 'in' });
    while (!read.isCancelled && read.bytes < 16 * 1024 * 1024) await sleep(1);
    await logger.flush({ timeoutMs: 100 });
    return { isBounded: read.bytes < 4 * 1024 * 1024, lastError: logger.stats().lastError };
  },
  /** A test of the application has put a mock in the place of `fetch`: what is sent by each. */
  async 'mocks of fetch'() {
    const { fetch } = globalThis;
    const bodies = {
      none: () => ({}),
      string: (text) => ({ body: text }),
      bytes: (text) => ({ body: new TextEncoder().encode(text) }),
      blob: (text) => ({ body: new Blob([text]) }),
      object: () => ({ body: {} }),
      readable: (text) => ({ body: Readable.from([text]) }),
      stream: (text) => ({ body: new Blob([text]).stream() }),
    };
    const mocks = Object.entries(bodies).map(([name, bodyOf]) => {
      const mock = (response, text) => {
        const { status, headers } = response;
        return { status, headers, text: async () => text, ...bodyOf(text) };
      };
      return [name, mock];
    });
    // One that has read the body for a log of its own.
    mocks.push(['read', (response, text) => Object.assign(response, { text: async () => text })]);
    const found = {};
    for (const [name, mock] of mocks) {
      globalThis.fetch = async (...request) => {
        const response = await fetch(...request);
        return mock(response, await response.text());
      };
      const logger = init({ projectName: name });
      logger.log({ input: 'in' });
      const { complete, sent } = await logger.flush();
      found[name] = complete ? sent : logger.stats().lastError;
    }
    return found;
  },
  /** What is reported of each, and whether the row is sent once the mock is gone. */
  async 'mocks of fetch that return no response'() {
    const { fetch } = globalThis;
    const evil = new Proxy(new Error('in'), {
      get() {
        throw new Error('no member');
      },
    });
    const headers = new Headers();
    const text = async () => ({});
    const mocks = {
      undefined: () => undefined,
      'a text as the status': () => ({ status: '200', headers, text }),
      'no status of HTTP': () => ({ status: 70_000, headers, text }),
      'no text': () => ({ status: 200, headers, text }),
      'headers that are no texts': () => ({ status: 503, headers: { get: () => 5 }, text }),
      'a body that is never cancelled': () => {
        const body = Object.assign(new ReadableStream(), { cancel: () => new Promise(() => {}) });
        return { status: 503, headers, body };
      },
      'an error that throws': () => {
        throw evil;
      },
    };
    const found = {};
    for (const [name, mock] of Object.entries(mocks)) {
      globalThis.fetch = async () => mock();
      const logger = init({ apiKey: `key-${name.length}`, projectName: name });
      logger.log({ input: 'in' });
      for (let n = 0; n < 3000 && logger.stats().lastError === null; n++) await sleep(10);
      globalThis.fetch = fetch;
      const { lastError } = logger.stats();
      const { complete, sent } = await logger.flush();
      found[name] = [lastError?.replace(/.* failed: /, ''), complete && sent];
    }
    return { found, others: lines.filter((line) => !line.includes('UNREACHABLE')) };
  },
  /** A test of the application has replaced the global timers, clocks and randomness, as `useFakeTimers` does. */
  async 'fake timers and clocks'() {
    globalThis.setTimeout = () => ({ ref() {}, unref() {} });
    globalThis.clearTimeout = () => {};
    Date.now = () => 0;
    performance.now = () => 0;
    crypto.randomUUID = () => UUID;
    const logger = init({ storage: storage() });
    for (const input of ['one', 'two']) logger.log({ input });
    const flushed = logger.flush({ timeoutMs: 20_000 });
    const { complete } = (await Promise.race([flushed, sleep(30_000)])) ?? {};
    return { complete, inputs: collector.rows().map(({ input }) => input) };
  },
  /** A test of the application has put mocks in the place of the functions of `JSON`, for what this package calls. */
  async 'mocks of JSON'() {
    const { pathname } = new URL('../../../../js/', import.meta.url);
    let calls = 0;
    for (const [name, real] of Object.entries({ parse: JSON.parse, stringify: JSON.stringify })) {
      JSON[name] = (...values) => {
        const [, , caller] = new Error('mocked').stack.split('\n');
        if (!caller.includes(pathname)) return real(...values);
        calls++;
        throw new Error('mocked');
      };
    }
    entry.setMaskingFunction((value) => value);
    let current;
    const logger = init({ storage: () => current });
    for (current of [undefined, storage()]) logger.log({ input: 'in' });
    const { complete } = await logger.flush();
    await delivered();
    await logger.close();
    return { calls, complete, sent: logger.stats().sent, lines };
  },
  /** The most requests at once to a server that does not respond: those of rows, of files, and repeated ones. */
  async 'server that does not respond'() {
    const logger = init({ attachments: true, maxRequestBytes: 20_000 });
    logger.log({ input: 'in' });
    await logger.flush();
    const requests = { open: 0, most: 0 };
    globalThis.fetch = (_, { signal }) =>
      new Promise((_, reject) => {
        requests.most = Math.max(requests.most, ++requests.open);
        signal.addEventListener('abort', () => {
          requests.open--;
          reject(signal.reason);
        });
      });
    for (let n = 0; n < 4; n++) {
      const data = new Uint8Array(5000).fill(n);
      logger.log({
        input: new entry.Attachment({ data, filename: 'f', contentType: 'image/png' }),
      });
    }
    for (let n = 0; n < 900; n++) logger.log({ input: n });
    while (requests.open < 3) await sleep(10);
    for (let n = 0; n < 10; n++) {
      pass(1000);
      await sleep(200);
    }
    return { most: requests.most };
  },
  /** An isolate stands still for so long that one request takes another one for ended. How many requests hang then. */
  async 'request that is repeated'() {
    const logger = init();
    logger.log({ input: 'in' });
    await logger.flush();
    const requests = { begun: 0, open: 0 };
    globalThis.fetch = (_, { signal }) =>
      new Promise((_, reject) => {
        requests.begun++;
        requests.open++;
        signal.addEventListener('abort', () => {
          requests.open--;
          reject(signal.reason);
        });
      });
    logger.log({ input: 'in' });
    void logger.flush({ timeoutMs: 600_000 });
    while (requests.begun === 0) await sleep(10);
    while (requests.begun === 1) {
      pass(2500);
      await sleep(40 + Math.random() * 250);
    }
    for (let n = 0; n < 500 && requests.open > 1; n++) await sleep(10);
    return { open: requests.open };
  },
  /** The requests of the application have used up what an invocation may send. */
  async 'limit of subrequests'() {
    globalThis.fetch = () => Promise.reject(new Error('Too many subrequests.'));
    const logger = init();
    logger.log({ input: 'in' });
    while (lines.length === 0) await sleep(10);
    return lines;
  },
  /** Other modules ask for the same logger, which is closed and asked for again. The server is down. */
  async 'storage that one module names'() {
    isDown = true;
    const values = [];
    const record = async (logger) => {
      const { size } = one.values;
      logger.log({ input: 'in' });
      values.push(await grows(one, size));
    };
    let one = storage();
    const logger = init({ storage: () => one });
    await record(init());
    await logger.close({ timeoutMs: 100 });
    one = storage();
    await record(init());
    one = storage();
    await record(init({ storage: null }));
    const isSame = init() === logger;
    return { values, isSame };
  },
  /** A logger that nothing refers to has rows in the storage; then one with the same settings. */
  async 'logger out of use'() {
    const one = storage();
    isDown = true;
    init({ storage: one, projectName: 'other' }).log({ input: 'in' });
    init();
    if (!(await grows(one, 0))) throw new Error('nothing is stored');
    await collect();
    init({ storage: one, projectName: 'other' }).log({ input: 'in' });
    await sleep(500);
    return { lists: one.lists };
  },
  /** A closed logger has rows in the storage; then another one records. */
  async 'closed logger'() {
    isDown = true;
    const reference = await (async () => {
      const one = storage();
      const logger = init({ storage: one, projectName: 'other' });
      logger.log({ input: 'in' });
      if (!(await grows(one, 0))) throw new Error('nothing is stored');
      await logger.close({ timeoutMs: 200 });
      return new WeakRef(logger);
    })();
    isDown = false;
    const other = init();
    other.log({ input: 'in' });
    await other.flush();
    await sleep(300);
    await collect();
    return { isKept: reference.deref() !== undefined };
  },
  async 'storage that is never listed'() {
    const logger = init({ storage: storage({ refuses: ['list'] }) });
    logger.log({ input: 'in' });
    const { complete, sent, pending } = await logger.flush();
    return { complete, sent, pending };
  },
  /** Objects of two projects connect, one after the other. */
  async 'connections of many objects'() {
    let current;
    for (const projectName of ['one', 'two']) {
      init({ storage: () => current, projectName });
      for (let n = 0; n < 5; n++) {
        current = storage();
        entry.log({ input: n });
        await entry.flush();
      }
    }
    return { connecting: asked, sent: entry.stats().sent };
  },
  /** Objects connect before a key is refused, while it is, after that, and a while later. */
  async 'key that is restored'() {
    let current;
    const logger = init({ storage: () => current });
    const logins = [];
    const deliver = async () => {
      current = storage();
      logger.log({ input: 'in' });
      // One that is refused waits for no longer.
      const { complete } = await logger.flush({ timeoutMs: isRefusing ? 2000 : 60_000 });
      logins.push([asked['/api/apikey/login'], complete]);
    };
    await deliver();
    isRefusing = true;
    await deliver();
    isRefusing = false;
    asked['/api/apikey/login'] = 0;
    await deliver();
    await deliver();
    const restored = logins.slice(2);
    pass(600_000);
    await deliver();
    const [later] = logins.at(-1);
    return { refused: logins[1][1], restored, isAskedAgain: later > restored[1][0] };
  },
  /** An outage of many objects. */
  async 'warnings of many objects'() {
    const codes = [];
    let current;
    isDown = true;
    init({ storage: () => current, onError: ({ code }) => codes.push(code) });
    for (let n = 0; n < 10; n++) {
      current = storage();
      entry.log({ input: n });
      await entry.flush({ timeoutMs: 200 });
    }
    return { codes, lines };
  },
  /** Each object loses a row; the last one, and the first one again, a minute later. */
  async 'losses of many objects'() {
    const losses = [];
    const storages = Array.from({ length: 4 }, () => storage());
    let current;
    isRejecting = true;
    init({
      storage: () => current,
      onError: ({ reason, rows, message }) => reason && losses.push([rows, message.split(':')[0]]),
    });
    const lose = async (one) => {
      current = one;
      entry.log({ input: 'in' });
      await entry.flush();
    };
    for (const one of storages) await lose(one);
    pass(61_000);
    await lose(storage());
    await lose(storages[0]);
    return { losses, printed: lines.filter((line) => line.includes('_LOST')).length };
  },
  /** More rows than the memory takes wait in a storage, from which the application deletes everything. */
  async 'storage that is emptied'() {
    const one = storage();
    isDown = true;
    const logger = init({ storage: one, maxQueueBytes: 1024 * 1024 });
    const isOnlyStored = () => logger.stats().spooled > 10;
    while (!isOnlyStored()) {
      logger.log({ input: 'some words '.repeat(2000) });
      await logger.flush({ timeoutMs: 50 });
    }
    one.values.clear();
    isDown = false;
    const { lost } = await logger.flush();
    return { reasons: Object.keys(lost), lines: lines.filter((line) => !/UNREACHABLE/.test(line)) };
  },
  /** A traced function calls itself without an end while rows of others wait. */
  async 'runaway recursion'() {
    const logger = init();
    for (let n = 0; n < 20; n++) logger.log({ input: `other ${n}` });
    const tool = entry.wrapTraced((n) => tool(n + 1), { name: 'tool' });
    const thrown = await (async () => tool(1))().catch((error) => error.name);
    const { complete, accepted, sent, lost } = await logger.flush();
    const others = collector.traces().filter(({ spans }) => /other/.test(spans[0].row.input));
    const balance = accepted - sent - Object.values(lost).reduce((sum, count) => sum + count, 0);
    return { thrown, complete, others: others.length, reasons: Object.keys(lost), balance };
  },
  /** The most rows that are masked in a turn of the event loop: while the clock stands still, and by a slow function. */
  async 'rows that are masked in a turn'() {
    const now = performance.now.bind(performance);
    let [at, rows, most, takesMs] = [now(), 0, 0, 0];
    readBy(() => at);
    const turn = () => {
      [at, rows] = [Math.max(at, now()), 0];
      setImmediate(turn);
    };
    turn();
    entry.setMaskingFunction((value) => {
      at += takesMs;
      if (String(value).startsWith('in ')) most = Math.max(most, ++rows);
      return value;
    });
    const logger = init();
    const found = [];
    for (takesMs of [0, 20]) {
      most = 0;
      for (let n = 0; n < 100; n++) logger.log({ input: `in ${n}` });
      const { complete } = await logger.flush({ timeoutMs: 600_000 });
      found.push({ complete, most });
    }
    return { found, sent: logger.stats().sent };
  },
  /** The core fails while rows are masked, and others are recorded. */
  async 'failure while rows are masked'() {
    const { call } = CoreModule.prototype;
    const state = { masked: 0, hasFailed: false };
    CoreModule.prototype.call = function (name, ...values) {
      const fails = !state.hasFailed && name === 'poll' && state.masked > 0;
      state.hasFailed ||= fails;
      return call.call(this, fails ? 'no function' : name, ...values);
    };
    entry.setMaskingFunction((value) => {
      state.masked++;
      pass(11);
      return value;
    });
    const logger = init();
    for (let n = 0; n < 100; n++) logger.log({ input: 'before' });
    void logger.flush();
    while (!state.hasFailed) await sleep(1);
    for (let n = 0; n < 100; n++) logger.log({ input: 'after' });
    await logger.flush({ timeoutMs: 600_000 });
    return [...new Set(collector.rows().map(({ input }) => input))];
  },
  async 'console that throws'() {
    process.env.FLUE_BRAINTRUST_DEBUG = '1';
    console.warn = () => {
      throw new Error('closed');
    };
    const logger = init();
    logger.log({ input: 'in' });
    const { complete } = await logger.flush();
    return { complete };
  },
};

/** What a storage returns in place of bytes. Each in a process of its own: a warning is printed once. */
const NO_BYTES = {
  text: (value) => String(value),
  'wrapped bytes': (value) => ({ data: value }),
  'the JSON of a buffer': (value) => Buffer.from(value).toJSON(),
  'large numbers': (value) => [...value, 256],
  'a blob': (value) => new Blob([value]),
  'an empty object': () => ({}),
};
for (const [what, of] of Object.entries(NO_BYTES)) {
  SCENARIOS[`storage that returns ${what}`] = async () => {
    const { lost } = await fromStorage(of);
    return { lost, lines: lines.filter((line) => line.includes('SPOOL:')) };
  };
}

const result = await SCENARIOS[process.argv[2]]();
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
