/**
 * Runs scenarios, each with a Worker of its own in the real `workerd` and a collector of its own. Reads their names, one
 * in a line, from stdin; prints what each has seen as JSON in one line, or the text of its error.
 *
 *     echo NAME | node __test__/lines/cloudflare/edge/scenarios.mjs
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { copyOf, recordedRun, spansOf } from '../recorded.mjs';
import { startWorker } from './bundle.mjs';

const { startCollector } = createRequire(import.meta.url)('../../../../tools/collector');

const run = recordedRun();
/** How long what must arrive is waited for: a busy machine may take minutes for hundreds of objects. */
const WAITS_MS = 300_000;
/** What a scenario returns where the machine was too slow to show anything: it runs again. */
const TOO_SLOW = Symbol('too slow');
const MOST_RUNS = 5;
/** Those of the scenario that runs. */
let state;
let isDown;
let collector;
let worker;

async function start() {
  worker = await startWorker(
    fileURLToPath(new URL('worker.mjs', import.meta.url)),
    { durableObjects: { HOUSES: { className: 'House', useSQLite: true } } },
    state,
  );
}

async function step(path, body = {}, options = {}) {
  const request = { method: 'POST', body: JSON.stringify(body), ...options };
  const response = await fetch(`${worker.origin}/${path}`, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text);
}

const init = (options = {}, storage = undefined) => {
  const { url } = collector;
  const destination = { apiKey: 'key', appUrl: url, apiUrl: url, projectName: 'edge' };
  return step('init', { options: { ...destination, ...options }, storage });
};

const isEnded = ({ end }) => end !== null;
const ended = () => collector.traces().flatMap((trace) => trace.spans.filter(isEnded)).length;
const recorded = (runs) => runs * spansOf(run);
/** What the Worker has printed, which may arrive after its response: at least one line. */
async function printed() {
  const until = Date.now() + WAITS_MS;
  while (worker.lines.length === 0 && Date.now() < until) await sleep(10);
  return worker.lines;
}

const arrived = (spans) => collector.waitFor(() => ended() >= spans, WAITS_MS).catch(() => {});

/** Runs of one object, each with ids of its own. */
const observe = (path, n) => step(path, { events: copyOf(run, n) });

/** The events of one operation, with ids of its own. */
const operationOf = (n) => copyOf(run, n).filter(({ type }) => type.startsWith('operation'));

/** One operation in each of many objects, at the same time. */
const observeOperations = (place, from, to) =>
  Promise.all(
    Array.from({ length: to - from }, (_, n) =>
      step(`${place}/${from + n}/observe`, { events: operationOf(from + n) }),
    ),
  );

/** Replaces the Worker by another program, and gives what that responds. */
async function runProgram(name, options = {}, body = {}) {
  await worker.stop();
  // If the other one does not start.
  worker = undefined;
  const { url } = collector;
  const bindings = { BRAINTRUST_API_KEY: 'key', BRAINTRUST_APP_URL: url, BRAINTRUST_API_URL: url };
  const program = fileURLToPath(new URL(name, import.meta.url));
  worker = await startWorker(program, { bindings, ...options }, state);
  return await step('', body);
}

/** Runs a program on Node, with a collector of its own; gives what it prints, and its rows. */
async function runOnNode(name, body) {
  const other = await startCollector({});
  const { url } = other;
  const variables = { BRAINTRUST_API_KEY: 'key', BRAINTRUST_APP_URL: url, BRAINTRUST_API_URL: url };
  const node = spawn(process.execPath, [fileURLToPath(new URL(name, import.meta.url))], {
    env: { ...process.env, ...variables },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  node.stdin.end(JSON.stringify(body));
  try {
    return { result: await json(node.stdout), rows: other.rows() };
  } finally {
    await other.close();
  }
}

/** Members that the server or the clock gives a row. */
const OF_RUN = new Set(['_xact_id', 'created', 'project_id', 'duration_ms']);

/** The text of a row without what differs from run to run: times, random ids, the order in which members have come. */
function comparable(row) {
  const text = JSON.stringify(row, (name, value) => {
    if (OF_RUN.has(name)) return undefined;
    if (typeof value === 'number' && value > 1_750_000_000) return 'now';
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
  return text
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b/g, '#')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) => (time > '2026-01-01' ? 'now' : time))
    .replaceAll(/127\.0\.0\.1:\d+/g, 'host');
}

const SCENARIOS = {
  /** Recorded at the top level of a module, and what calls other objects within a span. */
  async 'top level, and stubs'() {
    const durableObjects = { HOUSES: { className: 'House', useSQLite: true } };
    const result = await runProgram('top-level.mjs', { durableObjects });
    const [{ input, output }] = collector.rows();
    return { ...result, input, output, lines: await printed() };
  },
  async 'every name at the top level'() {
    const result = await runProgram('module-level.mjs');
    return { ...result, lines: await printed() };
  },
  /** What the same program has seen and recorded in a Worker and on Node. */
  async 'one program on both'() {
    const events = copyOf(run, 0);
    const result = await runProgram('program-worker.mjs', {}, events);
    const node = await runOnNode('program-node.mjs', events);
    const [here, there] = [collector.rows(), node.rows].map((rows) => rows.map(comparable));
    const differing = [
      ...here.filter((row) => !there.includes(row)),
      ...there.filter((row) => !here.includes(row)),
    ];
    return { rows: [here.length, there.length], differing, results: [result, node.result] };
  },
  async 'early compatibility date'() {
    const result = await runProgram('early-date.mjs', { compatibilityDate: '2025-04-01' });
    return { ...result, input: collector.rows()[0].input };
  },
  async 'application that is evaluated again'() {
    return await runProgram('evaluated-again.mjs');
  },
  /** Whether the span of each call lasts as long as that. */
  async 'calls of another object'() {
    const durableObjects = { HOUSES: { className: 'House', useSQLite: true } };
    const result = await runProgram('rpc.mjs', { durableObjects });
    const spans = collector.rows().map(({ span_attributes, metrics, output, error }) => {
      const isWhole = metrics.end - metrics.start >= 0.25;
      return { name: span_attributes.name, isWhole, output, error };
    });
    return { ...result, spans };
  },
  /** The names of the spans, but for those of functions that are called for each trace. */
  async 'delivery that is traced'() {
    const result = await runProgram('wrapped.mjs');
    const names = collector.traces().flatMap(({ spans }) => spans.map(({ name }) => name));
    return { ...result, names: names.filter((name) => !/enrich|sample/.test(name)).toSorted() };
  },
  /** The server is down during the first requests, and healthy in the next. */
  async 'storage, the same isolate'() {
    await init({}, 'object');
    isDown = true;
    for (let n = 0; n < 5; n++) await observe('object/one/observe', n);
    await sleep(1500);
    const kept = await step('object/one/kept');
    isDown = false;
    await observe('object/one/observe', 5);
    await arrived(recorded(6));
    const { lost } = await step('stats');
    // Rows that are confirmed leave the storage.
    await step('object/one/flush');
    await sleep(1000);
    const left = await step('object/one/kept');
    return { isKept: kept > 0, left, recorded: recorded(6), ended: ended(), lost };
  },
  /** What another object records after one has aborted itself in the turn of its event. */
  async 'object that aborts itself'() {
    await init({}, 'object');
    await step('object/one/abort', { input: 'aborted' }).catch(() => {});
    await step('object/two/log', { input: 'next' });
    const inputs = () => collector.rows().map(({ input }) => input);
    await collector.waitFor(() => inputs().includes('next'), WAITS_MS).catch(() => {});
    return inputs();
  },
  /** What functions of the application see after objects have ended within them. */
  async 'object that aborts itself in a function'() {
    const { url } = collector;
    const options = { apiKey: 'key', appUrl: url, apiUrl: url };
    for (const name of ['enrich', 'onError']) {
      await step(`object/${name}/abortWithin`, { options, name }).catch(() => {});
      await sleep(1100);
    }
    return await step('object/last/abortWithin', { options, name: 'none' });
  },
  /** The server is down, and the isolate ends; another one flushes, as an alarm would. */
  async 'storage, another isolate'() {
    await init({}, 'object');
    isDown = true;
    for (let n = 0; n < 3; n++) await observe('object/one/observe', n);
    await observe('object/two/observe', 3);
    await sleep(1500);
    await worker.stop();
    isDown = false;
    const before = ended();
    await start();
    await init({}, 'object');
    const { complete, lost } = await step('object/one/flush');
    await step('object/two/flush');
    await arrived(recorded(4));
    return { before, complete, recorded: recorded(4), ended: ended(), lost };
  },
  async 'storage that fails'() {
    await init({}, 'failing');
    await observe('observe', 0);
    await arrived(recorded(1));
    const { lost } = await step('stats');
    return { recorded: recorded(1), ended: ended(), lost, lines: await printed() };
  },
  /** The values of a file fail, the second one by an exception. */
  async 'storage that throws'() {
    await init({}, 'throwing');
    const events = copyOf(run, 0);
    const large = { ...events[0], payload: `${'some words '.repeat(30_000)}` };
    await step('observe', { events: [large, ...events] });
    await step('own', { output: 'some words '.repeat(30_000) });
    await arrived(recorded(1));
    const { lost } = await step('stats');
    return { unhandled: await step('unhandled'), lost, lines: await printed() };
  },
  async 'storage that is a promise'() {
    await init({}, 'rejecting');
    await observe('observe', 0);
    await arrived(recorded(1));
    const unhandled = await step('unhandled');
    return { unhandled, recorded: recorded(1), ended: ended(), lines: await printed() };
  },
  /** The files cannot be listed at first, and the server is down. */
  async 'storage that cannot be listed'() {
    await init({}, 'object');
    isDown = true;
    await step('listing', { works: false });
    await observe('slow/one/observe', 0);
    await sleep(1000);
    const before = await step('values');
    await step('listing', { works: true });
    await sleep(500);
    await observe('slow/one/observe', 1);
    let after = 0;
    const until = Date.now() + WAITS_MS;
    while (after === 0 && Date.now() < until) {
      await sleep(100);
      after = await step('values');
    }
    isDown = false;
    await observe('slow/one/observe', 2);
    await arrived(recorded(3));
    const { lost } = await step('stats');
    const isStored = before === 0 && after > 0;
    return { isStored, recorded: recorded(3), ended: ended(), lost, lines: await printed() };
  },
  /** A storage like KV has more files than a page. */
  async 'storage by pages'() {
    await init({}, 'object');
    isDown = true;
    for (let n = 0; n < 4; n++) {
      await observe('kv/one/observe', n);
      await sleep(300);
    }
    await sleep(700);
    const kept = await step('values');
    // What is in memory is gone: only the storage has the rows.
    await step('trap');
    await step('kv/one/own');
    isDown = false;
    const turns = 4 * run.filter(({ type }) => type === 'turn_request').length;
    const isTurn = ({ span_attributes, metrics }) =>
      span_attributes?.type === 'llm' && metrics?.end !== undefined;
    const delivered = () => collector.rows().filter(isTurn).length;
    await step('kv/one/flush');
    await collector.waitFor(() => delivered() >= turns, WAITS_MS).catch(() => {});
    return { isMore: kept > 2, turns, delivered: delivered() };
  },
  /** More objects than recorders are kept for, all while their storages are listed. */
  async 'many objects'() {
    await init({}, 'object');
    const objects = 280;
    const count = objects * spansOf(operationOf(0));
    await step('listAfter', { observations: objects });
    await observeOperations('slow', 0, objects);
    await arrived(count);
    const { lost, accepted } = await step('stats');
    return { count, ended: ended(), accepted, lost, lines: await printed() };
  },
  /** Objects that begin at the same time: their requests to connect are under way together. */
  async 'many objects that connect'() {
    await init({}, 'object');
    const objects = 20;
    await observeOperations('object', 0, objects);
    const count = objects * spansOf(operationOf(0));
    await arrived(count);
    const asked = (path) => collector.requests.filter((request) => request.path === path).length;
    const paths = ['/api/apikey/login', '/api/project/register', '/version'];
    return { objects, count, ended: ended(), asked: paths.map(asked) };
  },
  /** More objects than recorders are kept for without need, while the server is down and their requests wait for it. */
  async 'many objects in an outage'() {
    await init({}, 'object');
    isDown = true;
    const begin = Date.now();
    await observeOperations('object', 0, 64);
    await sleep(1500);
    await observeOperations('object', 64, 80);
    isDown = false;
    // A request waits for its rows for 30 s.
    if (Date.now() - begin > 15_000) return TOO_SLOW;
    const count = 80 * spansOf(operationOf(0));
    await arrived(count);
    const { lost, accepted } = await step('stats');
    return { count, ended: ended(), accepted, lost };
  },
  /** A turn runs in one object while another one begins, and a conversation goes on in another object. */
  async neighbours() {
    await init({}, 'object');
    const events = copyOf(run, 0);
    const turns = events.flatMap(({ type }, at) => (type === 'turn_request' ? [at] : []));
    await step('observe', { events: events.slice(0, turns[0] + 1) });
    await observe('object/two/observe', 1);
    await step('observe', { events: events.slice(turns[0] + 1, turns[1]) });
    await step('object/one/observe', { events: events.slice(turns[1]) });
    await arrived(recorded(2));
    const rows = collector.rows().filter(({ span_attributes: { type } }) => type === 'llm');
    return {
      turns: rows.length,
      timed: rows.filter(({ metrics }) => metrics.time_to_first_token !== undefined).length,
      isWhole: !JSON.stringify(rows).includes('is missing'),
    };
  },
  /** The core fails during a flush; the next instance gives the same tickets. */
  async 'trap during a flush'() {
    await init();
    isDown = true;
    await observe('observe', 0);
    const first = step('flush');
    await sleep(500);
    await step('trap');
    await observe('observe', 1);
    isDown = false;
    await observe('observe', 2);
    const second = await step('flush');
    return { first: (await first).complete, second: second.complete };
  },
  async trap() {
    await init();
    await observe('observe', 0);
    await arrived(recorded(1));
    await sleep(300);
    const before = await step('stats');
    await step('trap');
    await observe('observe', 1);
    await step('trap');
    await observe('observe', 2);
    await observe('observe', 3);
    const { complete, ...after } = await step('flush');
    const { accepted, sent, pending, spooled, lost, events } = after;
    const sum = sent + pending + spooled + Object.values(lost).reduce((a, b) => a + b, 0);
    return {
      complete,
      keeps: sent > before.sent && events > before.events,
      balance: accepted - sum,
      lost: Object.keys(lost),
      lines: await printed(),
      last: collector.traces().filter((trace) => trace.finished).length >= 2,
    };
  },
  /** The request that leads the delivery is aborted by its client. */
  async takeover() {
    await init();
    const controller = new AbortController();
    const { signal } = controller;
    const hanging = step('hang', { events: copyOf(run, 0).slice(0, 4) }, { signal }).catch(
      () => {},
    );
    await sleep(100);
    controller.abort();
    await hanging;
    await observe('observe', 1);
    await arrived(recorded(1));
    return { recorded: recorded(1), ended: ended() };
  },
  async privacy() {
    await init({ mask: true, content: { systemPrompt: false }, redact: { patterns: ['Narrows'] } });
    await observe('observe', 0);
    await arrived(recorded(1));
    const text = JSON.stringify(collector.rows());
    return {
      ended: ended() === recorded(1),
      unmasked: text.includes('Saltpan'),
      unredacted: text.includes('Narrows'),
      masked: text.includes('MASKED'),
    };
  },
  async slug() {
    await init({ content: { output: false }, redact: { patterns: ['Narrows'] } });
    const slug = await step('slug', { propagatedEvent: { input: 'the Narrows', output: 'calm' } });
    return JSON.parse(/{.*/.exec(Buffer.from(slug, 'base64').toString('latin1'))).propagated_event;
  },
  async loggers() {
    const other = await startCollector();
    try {
      const [a, b] = [collector, other].map(({ url }, n) => {
        return { apiKey: `key-${n}`, appUrl: url, apiUrl: url, projectName: `edge ${n}` };
      });
      const identities = await step('loggers', { a, b, events: copyOf(run, 0) });
      const custom = ({ name, end }) => (end !== null && !/[:.]/.test(name) ? name : []);
      const namesOf = (one) => one.traces().flatMap(({ spans }) => spans.flatMap(custom));
      const [inA, inB] = [collector, other].map((one) => one.rows());
      const traces = new Set(inB.map((row) => row.root_span_id));
      const shared = inA.filter((row) => traces.has(row.root_span_id)).length;
      const flue = inA.length + inB.length - 5 === recorded(1);
      return { ...identities, flue, shared, a: namesOf(collector), b: namesOf(other) };
    } finally {
      await other.close();
    }
  },
  /** About a submission that another isolate has recorded. */
  async feedback() {
    await init();
    await observe('observe', 0);
    await arrived(recorded(1));
    await worker.stop();
    await start();
    await init();
    const { submissionId } = copyOf(run, 0).find((event) => event.submissionId !== undefined);
    const { id, link, lost } = await step('feedback', { submissionId });
    const [{ roots }] = collector.traces();
    const [root] = roots;
    const comments = collector.rows().filter((row) => row.comment && row.origin.id === id).length;
    return {
      isRoot: root.rowId === id,
      scores: root.row.scores,
      comments,
      isLinked: new URL(link).searchParams.get('id') === id,
      lost,
      problems: collector.problems,
    };
  },
  /** Each run is two traces. */
  async sampling() {
    await init({ sampleRate: 0.5 });
    for (let n = 0; n < 20; n++) await observe('observe', n);
    const { lost, sampled } = await step('flush');
    await sleep(300);
    const traces = collector.traces();
    const isWhole = traces.every(({ finished, problems }) => finished && problems.length === 0);
    const isPart = traces.length > 0 && traces.length < 40;
    return { lost, isPart, isWhole, isCounted: ended() + sampled === recorded(20) };
  },
  async 'trace fields'() {
    await init({ tags: ['edge'], release: 'v1', enriches: true });
    await observe('observe', 0);
    await step('own');
    await collector.waitFor(() => ended() === recorded(1) + 4, WAITS_MS);
    return collector.traces().map(({ roots: [root], spans }) => {
      const { tags, metadata } = root.row;
      const others = spans.filter(({ row }) => row !== root.row && row.tags !== undefined).length;
      return { tags, user: metadata.user, release: metadata.release, others };
    });
  },
  async callers() {
    await init();
    const runs = [0, 1, 2, 3, 4].map((n) => copyOf(run, n));
    const { spanId, rootSpanId } = await step('callers', { runs });
    await collector.waitFor(() => ended() >= recorded(5) + 1, WAITS_MS);
    const spans = collector.traces().flatMap(({ spans }) => spans);
    const below = spans.filter(({ row }) => row.span_parents?.[0] === spanId);
    const inTrace = spans.filter(({ row }) => row.root_span_id === rootSpanId);
    return {
      traces: collector.traces().length,
      below: below.length,
      isWhole: inTrace.length === recorded(4) + 1,
      problems: collector.problems,
    };
  },
  async ready() {
    const { url } = collector;
    const options = { apiKey: 'key', appUrl: url, projectName: 'edge', sampleRate: 1 };
    return { url, ...(await step('ready', { options })) };
  },
  async 'own spans'() {
    await init();
    await step('own');
    await collector.waitFor(() => ended() === 4, WAITS_MS);
    return collector
      .traces()
      .flatMap(({ roots }) =>
        roots.map(({ name, children }) => [name, children.map((one) => one.name)]),
      );
  },
};

for await (const name of createInterface(process.stdin)) {
  const result = await seenInTime(name).catch((error) => String(error.stack));
  console.log(JSON.stringify(result));
}

/** @param {string} name of a scenario */
async function seenInTime(name) {
  for (let run = 0; run < MOST_RUNS; run++) {
    const result = await seen(name);
    if (result !== TOO_SLOW) return result;
  }
  throw new Error('the machine is too slow');
}

/** @param {string} name of a scenario */
async function seen(name) {
  isDown = false;
  worker = undefined;
  state = mkdtempSync(join(tmpdir(), 'flue-braintrust-state-'));
  collector = await startCollector({
    intercept: ({ path }) => (isDown && path === '/logs3' ? { status: 503 } : { delayMs: 50 }),
  });
  try {
    await start();
    return await SCENARIOS[name]();
  } finally {
    await worker?.stop();
    await collector.close();
    rmSync(state, { recursive: true, force: true });
  }
}
