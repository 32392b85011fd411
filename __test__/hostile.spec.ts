import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import {
  braintrustFlueObserver,
  close,
  flush,
  initLogger,
  log,
  logError,
  logFeedback,
  logScores,
  startSpan,
  traced,
  updateSpan,
} from '..';
import { NO_LOSS, PATIENT, destination, run } from './support/run';

/**
 * The longest that one call may take, in milliseconds. Far more than any does on a quiet machine: the
 * machines that run this are not.
 */
const LONGEST = 1000;

const MARK = '[flue-braintrust: ';
const at = { timestamp: '2026-11-23T07:02:44.000Z' };
const MiB = 1024 * 1024;

/** An object with a member for each number, as bytes are when Flue 2.x has copied them. */
function numbered(length: number, value = (n: number) => n % 256) {
  const object: Record<number, number> = {};
  for (let n = 0; n < length; n++) object[n] = value(n);
  return object;
}

function nested(depth: number) {
  let value: object = {};
  for (let level = 0; level < depth; level++) value = { deeper: value };
  return value;
}

/** Few objects that are many when each is written wherever it is referred to. */
function laughs() {
  let list: unknown[] = ['ha'];
  for (let level = 0; level < 30; level++) list = [list, list, list, list];
  return list;
}

function endless(): object {
  return new Proxy(
    {},
    {
      get: (_, name) => (name === 'toJSON' ? undefined : endless()),
      ownKeys: () => ['a', 'b'],
      getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
    },
  );
}

function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function sparse() {
  const list = ['kept'];
  list.length = 2 ** 32 - 1;
  return list;
}

const keys = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`key ${n}`, n]));
const long = 'tide '.repeat((64 * MiB) / 5);

/** What may be found in an event, made anew each time, and what the span must show of it. */
const VALUES: [name: string, make: () => unknown, ...shows: string[]][] = [
  [
    'a cycle',
    () => {
      const value: Record<string, unknown> = { kept: 'cyc' };
      value.self = value;
      return value;
    },
    'cyc',
    `${MARK}cycle]`,
  ],
  ['a BigInt', () => ({ kept: 123_456_789_012_345_678_901n }), '123456789012345678901'],
  ['a BigInt without end', () => ({ kept: 7n ** 100_000n }), `${MARK}bigint]`],
  [
    'a getter that throws',
    () => ({
      get broken() {
        throw new RangeError('secret');
      },
      kept: 'getter',
    }),
    'getter',
    `${MARK}unreadable, RangeError]`,
  ],
  [
    'a getter that throws what cannot be read',
    () => ({
      get broken() {
        throw revoked();
      },
    }),
    `${MARK}unreadable, object]`,
  ],
  ['a revoked proxy', () => ({ kept: 'rev', gone: revoked() }), 'rev', `${MARK}unreadable, `],
  ['a proxy without end', endless, `${MARK}too much]`],
  [
    'a toJSON that throws',
    () => ({
      kept: 'to',
      part: {
        toJSON() {
          throw new Error('secret');
        },
      },
    }),
    'to',
    `${MARK}unreadable, Error]`,
  ],
  ['NaN', () => ({ kept: [Number.NaN] }), `${MARK}NaN]`],
  ['Infinity', () => ({ kept: -Infinity }), `${MARK}-Infinity]`],
  ['a Date', () => ({ when: new Date(0) }), '1970-01-01T00:00:00.000Z'],
  ['a Date that is none', () => ({ when: new Date('yesterday') }), `${MARK}Invalid Date]`],
  ['a Map', () => ({ map: new Map([['kept', 'mapped']]) }), '{"kept":"mapped"}'],
  [
    'a Map with keys that are no strings',
    () => ({
      map: new Map<unknown, string>([
        [7, 'seven'],
        ['kept', 'mapped'],
      ]),
    }),
    '{"7":"seven","kept":"mapped"}',
  ],
  ['a Map of objects', () => ({ map: new Map([[{ a: 1 }, 'mapped']]) }), '[[{"a":1},"mapped"]]'],
  ['a Set', () => ({ set: new Set(['kept', 'set']) }), '["kept","set"]'],
  ['a RegExp', () => ({ pattern: /ti+de/u }), '/ti+de/u'],
  ['a URL', () => ({ url: new URL('https://flue.example/x') }), 'https://flue.example/x'],
  ['an Error', () => ({ error: new TypeError('kept') }), 'TypeError', 'kept', 'hostile.spec'],
  ['a Promise', () => ({ kept: 'pro', later: Promise.resolve() }), 'pro', `${MARK}Promise]`],
  ['a symbol', () => ({ kept: Symbol('secret') }), `${MARK}symbol]`],
  ['a function', () => ({ kept: () => 'secret' }), `${MARK}function]`],
  ['half a character', () => ({ kept: 'half \ud83c!' }), 'half \ufffd!'],
  ['__proto__', () => JSON.parse('{"__proto__":{"kept":1},"n":null}'), '{"kept":1}'],
  ['nesting without end', () => nested(10_000), `${MARK}too deep]`],
  ['a text of 64 MiB', () => ({ kept: long }), 'tide', `${MARK}cut, ${long.length} characters`],
  ['many texts of 1 MiB', () => Array(64).fill(long.slice(0, MiB)), `${MARK}cut, ${MiB} char`],
  ['a name of 64 MiB', () => ({ [long]: 'kept' }), `${MARK}cut]`, 'kept'],
  ['a typed array', () => ({ bytes: new Uint8Array(MiB) }), `${MARK}${MiB} bytes]`],
  ['a Buffer', () => ({ bytes: Buffer.alloc(300) }), `${MARK}300 bytes]`],
  ['an ArrayBuffer', () => ({ bytes: new ArrayBuffer(8) }), `${MARK}8 bytes]`],
  ['copied bytes', () => ({ bytes: numbered(MiB) }), `${MARK}${MiB} bytes]`],
  ['few copied bytes', () => ({ bytes: numbered(100) }), `${MARK}100 bytes]`],
  ['copied numbers', () => numbered(20_000, (n) => n / 2), '"7":3.5', `${MARK}10000 more]`],
  ['200,000 members', () => keys, '"key 9":9', `${MARK}190000 more]`],
  ['a million elements', () => Array(1_000_000).fill(7), '[7,7,', `${MARK}990000 more]`],
  ['a sparse list', sparse, 'kept', `${MARK}9999 empty]`, `${MARK}4294957295 more]`],
  ['laughs by the billion', laughs, '"ha"', 'more]'],
];

/** Where it may be found. Each returns the events of one activity, identified by the id. */
const PLACES: [name: string, events: (value: any, id: string) => object[]][] = [
  ['2.x tool_start.args', (args, id) => [tool('tool_start', id, { v: 3, args })]],
  ['2.x tool.effectiveResult', (effectiveResult, id) => [tool('tool', id, { effectiveResult })]],
  [
    '0.x tool_call.result',
    (result, id) => [tool('tool_call', id, { result: { content: result } })],
  ],
  ['0.x run_start.payload', (payload, id) => [{ ...at, type: 'run_start', runId: id, payload }]],
  ['beta run_end.result', (result, id) => [{ ...at, v: 3, type: 'run_end', runId: id, result }]],
  ['0.x operation.result', (result, id) => [operation('operation', id, { result })]],
  [
    '2.x log.attributes',
    (attributes, id) => [
      operation('operation_start', id, { v: 3 }),
      { ...at, v: 3, type: 'log', operationId: id, message: 'kept', attributes },
      operation('operation', id, { v: 3 }),
    ],
  ],
  ['0.x turn_request.input', (value, id) => [turn('turn_request', id, { input: input(value) })]],
  [
    '2.x turn_request.request',
    (value, id) => {
      const request = { requestedModel: 'm', input: Object.freeze(input(value)) };
      const fields = { v: 3, conversationId: `conv_${id}`, purpose: 'agent', request };
      return [turn('turn_request', id, fields)];
    },
  ],
  [
    '2.x turn.response',
    (value, id) => [turn('turn', id, { v: 3, response: { output: assistant(value) } })],
  ],
  ['2.x task_start.agentInput', (agentInput, id) => [task('task_start', id, { agentInput })]],
  ['0.x task.result', (result, id) => [task('task_start', id, {}), task('task', id, { result })]],
];

const tool = (type: string, id: string, fields: object) => ({
  ...at,
  type,
  operationId: id,
  toolCallId: 'call',
  toolName: 'look',
  ...fields,
});
const operation = (type: string, id: string, fields: object) => ({
  ...at,
  type,
  operationId: id,
  operationKind: 'prompt',
  ...fields,
});
const turn = (type: string, id: string, fields: object) => ({
  ...at,
  type,
  operationId: id,
  turnId: `turn_${id}`,
  ...fields,
});
const task = (type: string, id: string, fields: object) => ({
  ...at,
  type,
  operationId: id,
  taskId: `task_${id}`,
  ...fields,
});
const assistant = (value: unknown) => ({
  role: 'assistant',
  content: [{ type: 'toolCall', id: 'call', name: 'look', arguments: value }],
});
const input = (value: unknown) => ({ messages: Object.freeze([assistant(value)]) });

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector({ payloadMaxBytes: 64 * MiB });
  initLogger({ apiKey: 'k', appUrl: collector.url, apiUrl: collector.url });
});
afterAll(async () => {
  await close();
  await collector.close();
});

/** What arrived of the activity. */
function shown(id: string) {
  const rows = collector.rows().filter(({ metadata }) => {
    const ids = (metadata ?? {}) as Record<string, unknown>;
    return ids['flue.operation_id'] === id || ids['flue.run_id'] === id;
  });
  if (rows.length === 0) return undefined;
  // Arguments of a call are a text in the text.
  return JSON.stringify(rows).replaceAll('\\"', '"').replaceAll('\\\\ufffd', '\ufffd');
}

let activities = 0;
const neighbour = (id: string) => ({ ...at, v: 3, type: 'run_end', runId: `next_to_${id}` });

let slowest: [ms: number, what: string][] = [];
afterAll(() => {
  const lines = slowest.toSorted(([one], [other]) => other - one).slice(0, 8);
  const fields = lines.map(([ms, what]) => `${ms.toFixed(0)} ms: ${what}`);
  process.stdout.write(`The longest calls: ${fields.join('; ')}\n`);
});

/** Observes events. What a call takes is its CPU time: others may want the processor, too. */
function observe(what: string, events: unknown[]) {
  for (const event of events) {
    const before = process.cpuUsage();
    braintrustFlueObserver(event);
    const { user, system } = process.cpuUsage(before);
    const took = (user + system) / 1000;
    slowest.push([took, what]);
    expect(took).toBeLessThan(LONGEST);
  }
}

/** What stands where Flue has an id or a time. */
const GARBAGE: [name: string, value: unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['a huge number', 9e99],
  ['NaN', Number.NaN],
  ['a flag', false],
  ['an object', { a: 1 }],
  ['a list', [1]],
  ['a function', () => 1],
  ['an empty text', ''],
  ['a Date', new Date(0)],
  ['a revoked proxy', revoked()],
  ['bytes', new Uint8Array(MiB)],
];

const ENDS: Record<string, (fields: object) => object> = {
  runId: (fields) => ({ ...at, type: 'run_end', ...fields }),
  operationId: (fields) => ({ ...at, type: 'operation', ...fields }),
  turnId: (fields) => ({ ...at, type: 'turn', ...fields }),
  toolCallId: (fields) => ({ ...at, type: 'tool', ...fields }),
  taskId: (fields) => ({ ...at, type: 'task', ...fields }),
};

// Before the large values: all rows so far are read.
test.each(GARBAGE)('%s instead of an id or a time still leaves a span', async (name, value) => {
  const n = activities++;
  const events = Object.entries(ENDS).flatMap(([id, end]) => [
    end({ [id]: value, result: `id of ${id} ${n}`, output: `id of ${id} ${n}`, eventIndex: n }),
    end({
      [id]: `${id}_${n}`,
      timestamp: value,
      result: `time of ${id} ${n}`,
      output: `time of ${id} ${n}`,
    }),
    end({
      [id]: `${id}_d${n}`,
      durationMs: value,
      result: `span of ${id} ${n}`,
      output: `span of ${id} ${n}`,
    }),
  ]);
  observe(name, events);
  expect(await flush(PATIENT)).toMatchObject({ complete: true, lost: NO_LOSS });
  const text = JSON.stringify(collector.rows());
  const missing = Object.keys(ENDS).flatMap((id) =>
    ['id', 'time', 'span']
      .map((what) => `${what} of ${id} ${n}`)
      .filter((fields) => !text.includes(fields)),
  );
  expect(missing).toEqual([]);
});

test.each(VALUES)(
  '%s is recorded wherever it is, and harms nothing beside it',
  async (name, make, ...shows) => {
    const ids: [id: string, place: string][] = [];
    for (const [place, events] of PLACES) {
      const id = `${activities++}`;
      ids.push([id, place]);
      observe(`${name} in ${place}`, [...events(make(), id), neighbour(id)]);
      // One at a time: a dozen texts of 8 MiB are more than may wait for delivery.
      expect(await flush(PATIENT)).toMatchObject({ complete: true, lost: NO_LOSS });
    }
    const wrong = ids.flatMap(([id, place]) => {
      const text = shown(id);
      if (text === undefined) return [`${place}: no span`];
      // Long attributes are left out of a span's lines of log.
      if (place === '2.x log.attributes' && text.includes(' bytes left out]')) return [];
      return shows.filter((part) => !text.includes(part)).map((part) => `${place}: no ${part}`);
    });
    expect(wrong).toEqual([]);
    expect(ids.filter(([id]) => shown(`next_to_${id}`) === undefined)).toEqual([]);
    expect(ids.filter(([id]) => shown(id)?.includes('secret'))).toEqual([]);
  },
);

test('ends without starts, repeated and reversed events, and unknown kinds leave one span each', async () => {
  const id = `${activities++}`;
  const start = operation('operation_start', id, { v: 3 });
  const end = operation('operation', id, { v: 3, durationMs: 5, result: { text: 'kept' } });
  observe('disorder', [end, start, end, start, { ...start, type: 'surprise' }]);
  expect(await flush(PATIENT)).toMatchObject({ complete: true, lost: NO_LOSS });
  const rows = collector
    .rows()
    .filter(({ metadata }: any) => metadata?.['flue.operation_id'] === id);
  expect(rows).toMatchObject([{ output: 'kept', metrics: { duration_ms: 5, end: 1_795_417_364 } }]);
});

test('what is not an event throws nothing and is counted, and those after it arrive', async () => {
  const { code, stdout, stderr } = await run(
    ['__test__/fixtures/no-events.mjs'],
    destination(collector),
  );
  const { threw, report } = JSON.parse(stdout);
  expect({ code, threw }).toEqual({ code: 0, threw: [] });
  expect(report).toMatchObject({ complete: true, sent: 1, lost: { unreadable_event: 3 } });
  expect(stderr).toContain('unreadable_event');
  expect(stderr).not.toContain('secret');
  expect(shown('after_all')).toBeDefined();
});

test.each(GARBAGE)('no call of a span throws that is given %s', async (_, value: any) => {
  const span = startSpan({ name: 'given' });
  for (const call of [span.log, span.setAttributes, span.logFeedback, span.end, span.close]) {
    call.call(span, value);
  }
  for (const call of [log, logFeedback, logScores, updateSpan, startSpan]) call(value);
  logError(span, value);
  logError(value, value);
  expect(traced(() => 'done', value)).toBe('done');
  expect(await flush(PATIENT)).toMatchObject({ complete: true });
});

test.each([
  ['the same UUID', `() => '00000000-0000-4000-8000-000000000000'`, '() => 0.5'],
  ['none', `() => 'an id'`, '() => -0.5'],
  ['an error', `() => { throw new Error('no id'); }`, '() => {}'],
])(
  'each span has ids of its own where a mock of `randomUUID` gives %s',
  async (_, mock, random) => {
    const collector = await startCollector();
    const program = `
    const { initLogger, traced } = require('flue-braintrust');
    require('node:crypto').randomUUID = ${mock};
    Math.random = ${random};
    initLogger();
    for (const name of ['one', 'two']) traced(() => traced(() => {}, { name: 'child of ' + name }), { name });`;
    try {
      const { code, stderr } = await run(['-e', program], destination(collector));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const rows = collector.rows() as any[];
      const names = rows.map(({ span_attributes: { name } }) => name);
      expect(names.toSorted()).toEqual(['child of one', 'child of two', 'one', 'two']);
      expect(new Set(rows.map(({ span_id }) => span_id)).size).toBe(4);
      expect(new Set(rows.map(({ root_span_id }) => root_span_id)).size).toBe(2);
    } finally {
      await collector.close();
    }
  },
);

test('setters on the prototype of all objects break no call of a span', async () => {
  const program = `
    const { initLogger, logError, startSpan, traced } = require('flue-braintrust');
    initLogger();
    for (const name of ['input', 'output', 'metadata', 'error', 'scores']) {
      Object.defineProperty(Object.prototype, name, { set() { throw new Error('set'); }, get() {} });
    }
    const span = startSpan({ name: 'span' });
    span.log({ output: 1 });
    logError(span, new Error('logged'));
    span.logFeedback({ scores: { good: 1 } });
    span.end({ output: 1 });
    console.log(traced(() => 'done', { name: 'traced', event: { input: 1 } }));`;
  const { code, stdout, stderr } = await run(['-e', program], destination(collector));
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
  expect(stderr).toContain(
    'FLUE_BRAINTRUST_BAD_SPAN: An update of a span cannot be written (Error)',
  );
});

test('members on the prototype of all objects that are those of property descriptors break no call', async () => {
  const program = `
    const { initLogger, wrapTraced } = require('flue-braintrust');
    Object.assign(Object.prototype, { get: 1, set: 2 });
    const logger = initLogger();
    const numbers = wrapTraced(function* () { yield 1; yield 2; });
    console.log([...numbers()].join(), logger.toJSON());`;
  const { code, stdout, stderr } = await run(['-e', program], destination(collector));
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '1,2 <logger>\n', stderr: '' });
});

test('functions of JSON that a test of the application replaces are called by the application alone', async () => {
  const collector = await startCollector();
  const program = `
    const { braintrustFlueObserver, close, flush, initLogger, logFeedback, setMaskingFunction, startSpan, stats, traced } = require('flue-braintrust');
    setMaskingFunction((value) => value);
    initLogger({ enrich: () => ({ metadata: { plan: 'gold' } }), onError() {}, onReady() {} });
    const { stringify } = JSON;
    let calls = 0;
    JSON.parse = JSON.stringify = () => { calls += 1; throw new Error('mocked'); };
    const { id } = traced((span) => (span.log({ input: { a: [1] }, error: { code: 1 } }), span), { name: 'span' });
    logFeedback({ id, scores: { good: 1 } });
    const run = { runId: 'run_1', timestamp: new Date().toISOString(), v: 3 };
    braintrustFlueObserver({ ...run, type: 'run_start', workflowName: 'w', input: 'x'.repeat(10_000) });
    braintrustFlueObserver({ ...run, type: 'run_end', result: { done: true }, durationMs: 1, isError: false });
    (async () => {
      startSpan({ parent: await startSpan({ name: 'exported' }).export(), name: 'child' });
      const { complete } = await flush();
      const { lost } = await close();
      const again = initLogger({ projectName: 'other' });
      again.traced(() => {}, { name: 'again' });
      await again.close();
      console.log(stringify({ calls, complete, lost, now: stats().lost }));
    })();`;
  try {
    const { stdout, stderr } = await run(['-e', program], destination(collector));
    expect({ stdout, stderr }).toEqual({
      stdout: '{"calls":0,"complete":true,"lost":{},"now":{}}\n',
      stderr: '',
    });
    const names = collector.rows().map(({ span_attributes }: any) => span_attributes?.name);
    expect(names).toEqual(expect.arrayContaining(['span', 'workflow:w', 'child', 'again']));
  } finally {
    await collector.close();
  }
});

test('what is cut before it reaches the native part is counted, once for each event', async () => {
  const collector = await startCollector();
  const program = `
    const { braintrustFlueObserver, flush, initLogger, stats, traced } = require('flue-braintrust');
    initLogger();
    const long = 'x'.repeat(20 * 1024 * 1024);
    const list = Array.from({ length: 60_000 }, (_, n) => n);
    const cut = [];
    const record = (update) => {
      traced((span) => span.log(update), { name: 'span' });
      cut.push(stats().cut);
    };
    record({ input: 'short' });
    record({ input: long, output: long });
    record({ output: list });
    record({ metadata: Object.fromEntries(list.map((n) => ['key ' + n, n])) });
    record({ input: new Map(list.map((n) => [n, n])) });
    record({ error: new Error(long) });
    record({ input: 'short' });
    const run = { type: 'run_start', runId: 'run_1', workflowName: 'w', timestamp: new Date().toISOString(), v: 3 };
    braintrustFlueObserver({ ...run, input: list });
    cut.push(stats().cut);
    flush().then(() => console.log(JSON.stringify([...cut, stats().cut])));`;
  try {
    const { stdout } = await run(['-e', program], destination(collector));
    expect(JSON.parse(stdout)).toEqual([0, 1, 2, 3, 4, 5, 5, 6, 6]);
  } finally {
    await collector.close();
  }
});
