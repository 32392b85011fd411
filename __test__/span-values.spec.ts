import type { SpanType } from '../index';
import { writeSlug } from '../js/spans/slug';
import { startCollector } from '../tools/collector';
import type { CollectorOptions } from '../tools/collector/types';
import { destination, run } from './support/run';

/** Runs a program that has the package as `bt` and `show`; gives the rows, what it shows, and stderr. */
async function program(code: string, options: CollectorOptions = {}) {
  const collector = await startCollector(options);
  const text = `
    import * as bt from 'flue-braintrust';
    const show = (value) => console.log(JSON.stringify(value));
    ${code}`;
  try {
    const {
      code: status,
      stdout,
      stderr,
    } = await run(['--input-type=module', '-e', text], destination(collector));
    expect({ status, problems: collector.problems }).toEqual({ status: 0, problems: [] });
    const shown = stdout.split('\n').filter(Boolean);
    return {
      rows: collector.rows() as any[],
      shown: shown.map((line) => JSON.parse(line)),
      stderr,
    };
  } finally {
    await collector.close();
  }
}

const named = (rows: any[], name: string) =>
  rows.find(({ span_attributes }) => span_attributes?.name === name);

/** How the lines of `stderr` about fields begin, with so many letters of each. */
function badFields(stderr: string, letters: number) {
  const beginning = new RegExp(`FLUE_BRAINTRUST_BAD_FIELD: (.{${letters}})`);
  const lines = stderr.trim().split('\n');
  return lines.map((line) => beginning.exec(line)?.[1]);
}

test('an error shows those behind it: causes, and those of an AggregateError', async () => {
  const { rows } = await program(`
    import { runInNewContext } from 'node:vm';
    bt.initLogger();
    const failing = (name, error) => { try { bt.traced(() => { throw error; }, { name }); } catch {} };
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    failing('fetch', new TypeError('fetch failed', { cause: refused }));
    failing('any', new AggregateError([new Error('first'), new RangeError('second', { cause: 'why' })], 'none'));
    const looped = new Error('looped'); looped.cause = looped;
    failing('looped', looped);
    failing('odd', new Error('odd', { cause: { code: 7 } }));
    failing('realm', runInNewContext('new TypeError("elsewhere")'));
    failing('unreadable', Object.defineProperty(new Error('x'), 'cause', { get() { throw new Error('no'); } }));`);
  const error = (name: string) => named(rows, name).error;
  expect(error('fetch')).toMatch(
    /^TypeError: fetch failed\n\n[^]*\n\nCaused by: Error: connect ECONNREFUSED\n/,
  );
  expect(error('any')).toMatch(
    /\n\nError 1 of 2: Error: first\n[^]*\n\nError 2 of 2: RangeError: second\n/,
  );
  expect(error('any')).toMatch(/\n\nCaused by: why$/);
  expect(error('looped').split('looped')).toHaveLength(3);
  expect(error('odd')).toMatch(/\n\nCaused by: {"code":7}$/);
  expect(error('realm')).toMatch(/^TypeError: elsewhere\n\n/);
  expect(error('unreadable')).toBe('failed with an error that cannot be read');
});

test('what is cut twice, as a value and within its event, states how much is missing in all', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const many = Array.from({ length: 25_000 }, (_, n) => n);
    const entries = many.map((n) => ['name ' + n, n]);
    const values = { list: many, set: new Set(many), object: Object.fromEntries(entries), map: new Map(entries) };
    for (const [name, output] of Object.entries(values)) bt.traced((span) => span.log({ output }), { name });
    const matrix = Array.from({ length: 200 }, () => many.slice(0, 400));
    bt.traced((span) => span.log({ output: matrix }), { name: 'matrix' });
    const text = 'x'.repeat(9_000_000);
    bt.traced((span) => span.log({ input: text, output: text }), { name: 'text' });`);
  for (const name of ['list', 'set', 'object', 'map']) {
    expect(JSON.stringify(named(rows, name).output)).toMatch(/: 15000 more\]"[\]}]$/);
  }
  const matrix = named(rows, 'matrix').output;
  expect(matrix.at(-1)).toBe(`[flue-braintrust: ${200 - (matrix.length - 1)} more]`);
  const { input, output } = named(rows, 'text');
  for (const text of [input, output]) expect(text).toMatch(/: cut, 9000000 characters in all\]$/);
});

test('a text that is cut ends with a whole word, also without blanks: rules find all that is left', async () => {
  const { rows } = await program(`
    bt.initLogger({ redact: { builtins: ['emails'] } });
    for (const [name, separator] of Object.entries({ comma: ',', tab: '\\t', stop: '\u3002' })) {
      const input = 'plum'.repeat(2) + separator + ('ada@example.com' + separator).repeat(6e5);
      bt.traced((span) => span.log({ input }), { name });
    }`);
  for (const name of ['comma', 'tab', 'stop']) {
    expect(named(rows, name).input).toMatch(
      /\[redacted\][^a]?\[flue-braintrust: cut, 9600009 char/,
    );
    expect(named(rows, name).input).not.toContain('ada');
  }
});

test.each([':', '=', '~', '%', '@', '.'])(
  'a text of words that only %s separates is cut between two of them',
  async (separator) => {
    const key = 'sk-proj-abcDEF0123456789-abcdefghijkl';
    // The limit is behind so much of a key that no rule would know it.
    const before = 'q'.repeat(2 ** 20 - 1 - 'sk-proj-ab'.length - 27_000 * (key.length + 1));
    const { rows } = await program(`
      bt.initLogger({ redact: { builtins: ['api-keys'] } });
      bt.traced((span) => span.log({ input: '${before}' + ('${separator}${key}').repeat(3e5) }), { name: 'long' });`);
    const { input } = named(rows, 'long');
    expect(input).toMatch(/.\[redacted\]\[flue-braintrust: cut, \d+ char/);
    expect(input).not.toContain('proj');
  },
);

test('a text is not cut at a blank of a number: rules find all that is left', async () => {
  const card = '4111 1111 1111 1111';
  // The limit is behind each of the numbers' groups, and behind the whole.
  const { rows } = await program(`
    bt.initLogger({ redact: { builtins: ['credit-cards'] } });
    for (const shown of [7, 12, 17, 19]) {
      const input = 'a'.repeat(2 ** 20 - shown - 1) + ' ${card} ' + 'b'.repeat(8 * 2 ** 20);
      bt.traced((span) => span.log({ input }), { name: 'shown ' + shown });
    }`);
  for (const shown of [7, 12, 17, 19]) {
    expect(named(rows, `shown ${shown}`).input).toMatch(/^a+\[flue-braintrust: cut, \d+ char/);
  }
});

test('why a file cannot be read is stated by a code of Node or a class, never by what the application states', async () => {
  const { stderr } = await program(`
    bt.initLogger();
    const fails = (code) => ({ arrayBuffer: async () => { throw Object.assign(new TypeError(), { code }); } });
    for (const data of ['/no/such/file', fails('a secret'), fails({ toString() { throw 'a secret'; } })]) {
      new bt.Attachment({ data, filename: 'f', contentType: 'text/plain' });
    }`);
  expect(stderr).toContain('(ENOENT)');
  expect(stderr).toContain('(TypeError)');
  expect(stderr).not.toContain('secret');
});

test('tags that rules make equal are one', async () => {
  const { rows } = await program(`
    bt.initLogger({ redact: { builtins: ['emails'] } });
    const tags = ['ada@example.com', 'plum', 'bob@example.com'];
    bt.log({ input: 'x', tags });
    bt.logFeedback({ id: '0123456789abcdef0123456789abcdef', tags });`);
  expect(rows).toHaveLength(2);
  for (const row of rows) expect(row.tags).toEqual(['[redacted]', 'plum']);
});

test('a text or a list in the place of arguments or attributes is not taken apart', async () => {
  const { rows, stderr } = await program(`
    bt.initLogger();
    let looked = 0;
    const counting = { get: (target, name) => (typeof name === 'string' && (looked += 1), Reflect.get(target, name)) };
    const text = 'x'.repeat(1e6);
    const list = new Proxy(Array.from({ length: 1e5 }, (_, at) => ['name ' + at, text]), counting);
    for (const given of [text, list]) {
      bt.startSpan(given).end();
      bt.traced(() => {}, given);
      bt.wrapTraced(() => {}, given)();
      bt.wrapTraced(() => {}, { event: given })();
      for (const name of ['spanAttributes', 'propagatedEvent', 'event', 'parent']) bt.startSpan({ name, [name]: given }).end();
      bt.startSpan({ name: 'late' }).setAttributes(given);
    }
    await bt.flush();
    if (looked > 50_000) throw new Error(looked + ' members were read');`);
  expect(rows).toHaveLength(18);
  for (const { span_attributes: attributes } of rows) {
    expect(['task', 'function', undefined]).toContain(attributes.type);
    expect(
      Object.keys(attributes).every((name) => ['name', 'type', 'exec_counter'].includes(name)),
    ).toBe(true);
  }
  expect(stderr).not.toContain('LOST');
});

test('what has a function for any name, as a stub of a remote object does, is not called', async () => {
  const { rows, shown } = await program(`
    bt.initLogger();
    const called = [];
    const get = (_, name) => (name === 'constructor' ? class Stub {} : () => called.push(name));
    bt.traced((span) => span.log({ input: { stub: new Proxy({}, { get }) } }), { name: 'with a stub' });
    show(called);`);
  expect(shown).toEqual([[]]);
  expect(named(rows, 'with a stub').input).toEqual({ stub: '[flue-braintrust: Stub]' });
});

test('an object of a class that lists no members is a mark with its class, and a plain one is itself', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const { port1, port2 } = new MessageChannel();
    class Own { #content = 1; }
    class Sub extends ReadableStream {}
    const marked = {
      ReadableStream: new ReadableStream(), WritableStream: new WritableStream(), Sub: new Sub(), Own: new Own(),
      Response: new Response('x'), Request: new Request('http://localhost'), Headers: new Headers({ a: 'b' }),
      Blob: new Blob(['x']), AbortSignal: new AbortController().signal, FormData: new FormData(), MessagePort: port1,
      Iterator: [1].values(), Promise: Promise.resolve(), Generator: (function* () {})(), AsyncGenerator: (async function* () {})(),
    };
    const shown = {
      plain: {}, bare: Object.create(null), inheriting: Object.create({ a: 1 }), proxy: new Proxy({}, {}),
      arguments: (function () { return arguments; })(), map: new Map(), set: new Set(), error: new Error('shown'),
      url: new URL('http://localhost/'), fields: new (class { a = 1; })(),
    };
    await bt.wrapTraced(async () => new Response('x'), { name: 'answer' })();
    bt.startSpan({ name: 'values', event: { input: marked, output: shown } }).end();
    port1.close(); port2.close();`);
  const { input, output } = named(rows, 'values');
  expect(named(rows, 'answer').output).toBe('[flue-braintrust: Response]');
  expect(Object.keys(input)).toHaveLength(15);
  for (const [name, value] of Object.entries(input))
    expect(value).toBe(`[flue-braintrust: ${name}]`);
  const { error, ...others } = output;
  expect(error).toMatchObject({ name: 'Error', message: 'shown' });
  expect(others).toEqual({
    plain: {},
    bare: {},
    inheriting: {},
    proxy: {},
    arguments: {},
    map: {},
    set: [],
    url: 'http://localhost/',
    fields: { a: 1 },
  });
});

test('a span and a logger in content are named as such, and asked for nothing', async () => {
  const { rows, shown } = await program(`
    const logger = bt.initLogger();
    for (const name of ['id', 'project']) Object.defineProperty(logger, name, { enumerable: true, get: () => show(name) });
    await bt.wrapTraced(async (...values) => values[0], { name: 'values' })(bt.currentSpan(), { logger }, bt.NOOP_SPAN);
    bt.traced((span) => {
      span.log({ output: bt.startSpan({ name: 'below' }), metadata: { span, logger } });
    }, { name: 'logged' });
    show(Object.keys(logger).includes('toJSON'));`);
  expect(named(rows, 'values')).toMatchObject({
    input: ['<span>', { logger: '<logger>' }, '<span>'],
    output: '<span>',
  });
  expect(named(rows, 'logged')).toMatchObject({
    output: '<span>',
    metadata: { span: '<span>', logger: '<logger>' },
  });
  expect(shown).toEqual([false]);
});

test('an error of null is none, and takes back an earlier one', async () => {
  const { rows } = await program(`
    bt.initLogger({ sampleRate: 0, keepErrors: true });
    bt.traced((span) => span.log({ output: 'fine', error: null }), { name: 'fine' });
    bt.traced((span) => span.log({ error: 'first' }), { name: 'failed' });
    bt.traced((span) => { span.log({ error: 'first' }); span.log({ error: null }); }, { name: 'recovered' });
    try { bt.traced(() => { throw null; }, { name: 'thrown' }); } catch {}`);
  expect(named(rows, 'fine')).toBeUndefined();
  expect(named(rows, 'failed').error).toBe('first');
  expect(named(rows, 'recovered').error).toBeNull();
  expect(named(rows, 'thrown').error).toEqual(expect.any(String));
});

test('an error is a text or an object, whatever is thrown, rejected or logged', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const thrown = { seven: 7, zero: 0, no: false, big: 10n, nan: NaN, list: ['a', { b: 1 }], set: new Set([1]),
      text: '404', object: { code: 404 }, symbol: Symbol('s'), nothing: undefined, empty: '',
      without: { toJSON() {} }, blank: { toJSON: () => '' }, never: { toJSON: () => null } };
    for (const [name, error] of Object.entries(thrown)) {
      try { bt.traced(() => { throw error; }, { name }); } catch {}
    }
    await bt.wrapTraced(async () => { throw 404; }, { name: 'rejected' })().catch(() => {});
    bt.logError(bt.startSpan({ name: 'logged' }), 42);
    bt.startSpan({ name: 'stated', event: { error: true } }).log({ error: ['a'] });
    bt.startSpan({ name: 'of all', propagatedEvent: { error: 7 } });
    bt.startSpan({ name: 'none' }).log({ error: '' });`);
  const errors = rows.map(({ span_attributes: { name }, error }) => [name, error]);
  expect(Object.fromEntries(errors)).toEqual({
    seven: '7',
    zero: '0',
    no: 'false',
    big: '10',
    nan: expect.any(String),
    list: '["a",{"b":1}]',
    set: '[1]',
    text: '404',
    object: { code: 404 },
    symbol: expect.any(String),
    nothing: 'failed without a message',
    empty: 'failed without a message',
    without: 'failed without a message',
    blank: 'failed without a message',
    never: 'failed without a message',
    rejected: '404',
    logged: '42',
    stated: '["a"]',
    'of all': '7',
    none: '',
  });
});

test('what is not a tag and what is not an object of scores is left out, and an error without a message has its class', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const span = bt.startSpan({ name: 'span' });
    span.log({ tags: ['a', false && 'beta', undefined, null, { tag: 1 }, 7], scores: [0.5] });
    span.end();
    for (const error of [new Error(''), new TypeError(), new RangeError('far')]) {
      error.stack = undefined;
      bt.traced(() => bt.currentSpan().log({ error }), { name: error.name });
    }`);
  expect(named(rows, 'span').tags).toEqual(['a', '7']);
  expect(named(rows, 'span').scores).toBeUndefined();
  expect(['Error', 'TypeError', 'RangeError'].map((name) => named(rows, name).error)).toEqual([
    'Error',
    'TypeError',
    'RangeError: far',
  ]);
});

test('null takes back a value and a score, and a result of null is one', async () => {
  const { rows, stderr } = await program(`
    bt.initLogger();
    const span = bt.startSpan({ name: 'span' });
    span.log({ input: 1, output: 'draft', expected: 'x', tags: ['a'], scores: { a: 0.5, b: true, c: 1 } });
    span.log({ output: null, expected: null, scores: { a: null, d: 2, e: 'high' } });
    span.end();
    await bt.wrapTraced(async () => null, { name: 'null' })();
    await bt.wrapTraced(async () => undefined, { name: 'undefined' })();`);
  expect(named(rows, 'span')).toMatchObject({
    input: 1,
    output: null,
    expected: null,
    tags: ['a'],
  });
  expect(named(rows, 'span').scores).toEqual({ a: null, b: 1, c: 1 });
  expect(named(rows, 'null').output).toBeNull();
  expect(named(rows, 'undefined')).not.toHaveProperty('output');
  expect(stderr.match(/FLUE_BRAINTRUST_\w+/g)).toEqual(['FLUE_BRAINTRUST_BAD_SCORE']);
});

test('a name and a type in spanAttributes win, and those that descendants get win over both', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const spanAttributes = { type: 'llm', purpose: 'scorer' };
    bt.wrapTraced(function wrapped() {}, { spanAttributes })();
    bt.traced(() => {}, { name: 'traced', type: 'task', spanAttributes });
    bt.traced(() => {}, { name: 'given', spanAttributes: { name: 'own' } });
    bt.startSpan({ name: 'late' }).setAttributes({ name: 'given', type: 'tool', spanAttributes: { name: 'later', type: 'eval' } });
    const propagatedEvent = { span_attributes: { name: 'propagated', type: 'score' } };
    const parent = bt.startSpan({ name: 'parent', type: 'task', spanAttributes: { name: 'own' }, propagatedEvent });
    parent.startSpan({ name: 'child' }).end();
    parent.end();`);
  expect(rows.map(({ span_attributes: { name, type, purpose } }) => [name, type, purpose])).toEqual(
    expect.arrayContaining([
      ['wrapped', 'llm', 'scorer'],
      ['traced', 'llm', 'scorer'],
      ['own', 'task', undefined],
      ['later', 'eval', undefined],
      ['propagated', 'score', undefined],
    ]),
  );
  expect(rows.filter(({ span_attributes: { name } }) => name === 'propagated')).toHaveLength(2);
});

test('a wrapped function without a name is named as another span without one', async () => {
  const { rows } = await program(`
    bt.initLogger();
    bt.wrapTraced(() => bt.wrapTraced(() => {})())();`);
  expect(rows.map(({ span_attributes }) => span_attributes)).toEqual(
    expect.arrayContaining([
      { name: 'root', type: 'function' },
      { name: 'subspan', type: 'function' },
    ]),
  );
});

test('a name or a type of null, or a type that does not exist, leaves the default', async () => {
  const types: SpanType[] = ['task', 'llm', 'tool', 'function', 'score', 'eval'];
  types.push('automation', 'facet', 'preprocessor', 'classifier', 'review');
  const { rows, stderr } = await program(`
    bt.initLogger();
    const labels = [null, undefined, ''].map((name) => ({ name, type: null, spanAttributes: { name, type: null } }));
    const odd = ['chain', 'LLM', 7, ''].map((type) => ({ type, spanAttributes: { type } }));
    for (const label of [...labels, ...odd]) {
      bt.startSpan(label).end();
      bt.wrapTraced(function wrapped() {}, label)();
      const span = bt.startSpan({ name: 'kept', type: 'eval', event: { span_attributes: label.spanAttributes } });
      span.setAttributes(label);
      span.log({ span_attributes: label.spanAttributes });
      span.end();
    }
    for (const type of ${JSON.stringify(types)}) bt.startSpan({ name: 'of type ' + type, type }).end();`);
  const count: Record<string, number> = {};
  for (const { span_attributes: label } of rows) {
    const key = `${label.name}: ${label.type}`;
    count[key] = (count[key] ?? 0) + 1;
  }
  expect(count).toEqual({
    'root: task': 7,
    'wrapped: function': 7,
    'kept: eval': 7,
    ...Object.fromEntries(types.map((type) => [`of type ${type}: ${type}`, 1])),
  });
  expect(stderr.match(/FLUE_BRAINTRUST_\w+/g)).toEqual(['FLUE_BRAINTRUST_BAD_TYPE']);
});

test('the attributes, the older input and the times of an event arrive, whichever function it is given to', async () => {
  const { rows, stderr } = await program(`
    const logger = bt.initLogger();
    const label = (name) => ({ span_attributes: { name, type: 'llm', purpose: 'scorer', deep: { a: 1 } } });
    bt.startSpan({ name: 'n', spanAttributes: { name: 'm', deep: { b: 2 } }, event: { ...label('started'), inputs: 1 } });
    const inner = (span) => span.log({ ...label('logged'), inputs: { a: 1 }, metrics: { start: 1795417364.0005 } });
    bt.traced(inner, { name: 'n' });
    logger.log({ ...label('alone'), input: 1, inputs: 2 });
    const [byRow, bySlug] = ['n', 'n'].map((name) => bt.startSpan({ name }));
    const metrics = { start: 1795417364, end: 1795417365.5 };
    for (const span of [byRow, bySlug]) span.end();
    bt.updateSpan({ id: byRow.id, ...label('by row'), metrics });
    bt.updateSpan({ exported: await bySlug.export(), ...label('by slug'), metrics });
    const open = bt.startSpan({ name: 'open' });
    open.log({ metrics: { start: 1795417364 } });
    const ended = bt.startSpan({ name: 'ended', startTime: 1795417364 });
    ended.end({ endTime: 1795417366 });
    ended.log({ metrics: { start: 1795417399 } });`);
  for (const name of ['started', 'logged', 'alone', 'by row', 'by slug']) {
    expect(named(rows, name).span_attributes).toMatchObject({
      type: 'llm',
      purpose: 'scorer',
      deep: { a: 1 },
    });
  }
  expect(named(rows, 'started').span_attributes.deep).toEqual({ a: 1, b: 2 });
  expect(['started', 'logged', 'alone'].map((name) => named(rows, name).input)).toEqual([
    1,
    { a: 1 },
    1,
  ]);
  expect(named(rows, 'logged').metrics.start).toBe(1795417364.0005);
  for (const name of ['by row', 'by slug']) {
    expect(named(rows, name).metrics).toEqual({ start: 1795417364, end: 1795417365.5 });
  }
  expect(named(rows, 'open').metrics.start).toBe(1795417364);
  expect(named(rows, 'ended').metrics).toEqual({ start: 1795417366, end: 1795417366 });
  expect(stderr).toBe('');
});

test('what no span here has is reported once by its name, and other names are not shown', async () => {
  const { rows, stderr } = await program(`
    bt.initLogger();
    const event = { output: 1, metadata: null, scores: null, metrics: null, tags: null, origin: { id: 'x' },
      classifications: {}, datasetRecordId: undefined, 'moss@example.com': 1, other: 2 };
    bt.traced((span) => (span.log(event), span.log(event)), { name: 'span' });
    const unlisted = new Proxy({ output: 2 }, { ownKeys() { throw new Error('no'); } });
    bt.traced((span) => span.log(unlisted), { name: 'unlisted' });
    bt.startSpan({ name: 'known', event: { id: '0'.repeat(32), input: 1 }, propagatedEvent: { output: 1 } }).end();
    const flue = bt.flueSpan({ runId: 'r' });
    flue.log({ metrics: { tokens: 1 } });
    flue.log({ metrics: { end: 1795417365 } });`);
  expect(named(rows, 'span')).toMatchObject({ output: 1 });
  expect(named(rows, 'unlisted').output).toBe(2);
  expect(stderr).not.toContain('moss');
  expect(badFields(stderr, 30)).toEqual([
    '`metadata: null` is ignored: `',
    '`metrics: null` is ignored: `n',
    '`scores: null` is ignored: `nu',
    '`tags: null` is ignored: `null',
    'Spans have no field `origin` h',
    'Spans have no field `classific',
    'A field that spans do not have',
    '`metrics.start` and `metrics.e',
  ]);
});

test('a field of another type is reported once by its name, and what it holds is not shown', async () => {
  const { rows, stderr } = await program(`
    bt.initLogger();
    for (const _ of [1, 2]) {
      const span = bt.startSpan({ name: 'odd', event: { scores: ['moss'], metrics: 'moss', tags: [{ moss: 1 }, true, 'a'] } });
      for (const text of ['moss', ['moss']]) span.log(text);
      span.log(undefined);
      span.end();
    }
    bt.startSpan({ name: 'sound', event: { scores: new Map([['a', 1]]), metrics: undefined, tags: [false, 'b', null] } }).end();`);
  expect(named(rows, 'odd').tags).toEqual(['a']);
  expect(named(rows, 'sound')).toMatchObject({ scores: { a: 1 }, tags: ['b'] });
  expect(stderr).not.toContain('moss');
  expect(badFields(stderr, 20)).toEqual([
    '`metrics` is not an ',
    '`scores` is not an o',
    'A tag is a text; any',
    'What a span logs is ',
  ]);
});

test('a field of the event that stands beside it is reported, and other names are not shown', async () => {
  const { rows, stderr } = await program(`
    bt.initLogger();
    for (const _ of [1, 2]) {
      bt.traced(() => {}, { name: 'odd', input: 'moss', metadata: undefined, 'moss@example.com': 1 });
      bt.startSpan('moss').end();
    }
    bt.wrapTraced(() => {}, { name: 'sound', noTraceIO: true, asyncFlush: true, setCurrent: true, event: { input: 1 } })();`);
  expect(named(rows, 'sound').input).toBe(1);
  expect(stderr).not.toContain('moss');
  expect(badFields(stderr, 24)).toEqual(['`input` is not an argume', 'An argument that spans d']);
});

test('a time that is none is reported once for each argument, and the span has the time of the call', async () => {
  const { rows, shown, stderr } = await program(`
    bt.initLogger();
    const now = Date.now() / 1000;
    const isNow = (time) => time >= now - 1 && time < now + 600;
    for (const time of [Date.now(), new Date(), '1795417364', -1, NaN]) {
      const span = bt.startSpan({ name: 'odd', startTime: time });
      show(isNow(span.end({ endTime: time })));
    }
    bt.startSpan({ name: 'unset', startTime: undefined, event: { metrics: { start: null } } }).end({ endTime: null });
    const logged = bt.startSpan({ name: 'logged' });
    logged.log({ metrics: { start: Date.now(), end: Date.now() } });
    logged.end();`);
  expect(shown).toEqual(Array(5).fill(true));
  for (const { metrics } of rows) {
    expect(metrics.start).toBeLessThan(1e11);
    expect(metrics.end).toBeGreaterThanOrEqual(metrics.start);
  }
  const lines = stderr.match(/FLUE_BRAINTRUST_BAD_TIME: \S+/g);
  expect(lines).toEqual(
    ['startTime', 'endTime', 'metrics.start', 'metrics.end'].map(
      (name) => `FLUE_BRAINTRUST_BAD_TIME: \`${name}\``,
    ),
  );
});

test('what an update takes back does not return with the object of a later one, whenever requests are sent', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const updates = [{ a: 1, b: { c: 1 } }, null, { a: { d: 1 } }, { a: 'text' }, { a: { e: 1 } }];
    for (const flushes of [[], [0], [0, 1], [2], [0, 2], [1, 3]]) {
      const span = bt.startSpan({ name: String(flushes) });
      for (const [n, value] of updates.entries()) {
        span.log({ output: value, metadata: { value }, expected: value });
        if (flushes.includes(n)) await bt.flush();
      }
      span.end();
    }`);
  const last = { a: { e: 1 } };
  for (const { output, metadata, expected } of rows) {
    expect([output, metadata.value, expected]).toEqual([last, last, last]);
  }
  expect(rows).toHaveLength(6);
});

test('what descendants get is merged with what a span itself has', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const own = { metadata: { own: 1, both: { a: 1, list: [1] } }, tags: ['own', 'both'], scores: { s: 1 } };
    const propagatedEvent = { metadata: { tenant: 't', both: { b: 2, list: [2] } }, tags: ['both', 'all'] };
    const parent = bt.startSpan({ name: 'parent', event: own, propagatedEvent });
    parent.startSpan({ name: 'child', event: { metadata: { request: 7 }, tags: ['child'] } }).end();
    const slug = await parent.export();
    bt.startSpan({ name: 'elsewhere', parent: slug, event: { metadata: { request: 8 } } }).end();
    parent.end();`);
  expect(named(rows, 'parent')).toMatchObject({
    metadata: { own: 1, tenant: 't', both: { a: 1, b: 2, list: [2] } },
    scores: { s: 1 },
  });
  expect(named(rows, 'parent').tags).toEqual(['own', 'both', 'all']);
  expect(named(rows, 'child').tags).toEqual(['child', 'both', 'all']);
  expect(named(rows, 'child').metadata).toMatchObject({ request: 7, tenant: 't' });
  expect(named(rows, 'elsewhere').metadata).toMatchObject({ request: 8, tenant: 't' });
});

test('a result that is awaited only later is not an output', async () => {
  const { rows, shown } = await program(`
    bt.initLogger();
    let begun = 0;
    const query = { then: (done) => { begun += 1; return Promise.resolve(7).then(done); } };
    const result = bt.wrapTraced(() => query, { name: 'query' })();
    show([result === query, begun, await result]);
    const odd = { get then() { throw new Error('odd'); }, value: 1 };
    bt.wrapTraced(() => odd, { name: 'odd' })();`);
  expect(shown).toEqual([[true, 0, 7]]);
  expect(named(rows, 'query')).not.toHaveProperty('output');
  expect(named(rows, 'odd')).toHaveProperty('output');
});

test.each([
  ['an experiment', 'experiment_id:11111111-2222-4333-8444-555555555555', 'experiment_id'],
  ['a project', 'project_id:11111111-2222-4333-8444-555555555555', 'project_id'],
])('headers lead to %s that they name, as a slug does', async (_, place, member) => {
  const headers = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    baggage: `other=1, braintrust.parent=${encodeURIComponent(place)};ttl=1`,
  };
  const { rows } = await program(`
    const logger = bt.initLogger();
    await logger.id;
    const headers = ${JSON.stringify(headers)};
    bt.startSpan({ name: 'by headers', parent: bt.extractTraceContextFromHeaders(headers) }).end();
    bt.withParent(headers, () => bt.traced(() => {}, { name: 'within' }));
    bt.startSpan({ name: 'beside', parent: { ...headers, baggage: 'braintrust.parent=%zz' } }).end();
    await bt.flush();`);
  for (const name of ['by headers', 'within']) {
    expect(named(rows, name)).toMatchObject({ [member]: '11111111-2222-4333-8444-555555555555' });
    expect(named(rows, name).root_span_id).toBe('0af7651916cd43dd8448eb211c80319c');
  }
  expect(named(rows, 'beside')[member]).not.toBe('11111111-2222-4333-8444-555555555555');
});

test('an input or an output that wrapTraced is given stays, and none takes the place of the arguments', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const wrap = (name, event, fn = async () => 'RESULT') => bt.wrapTraced(fn, { name, event });
    await wrap('output', { output: 'stated' })('argument');
    await wrap('input', { input: 'stated' })('argument');
    await wrap('none', { input: undefined, output: undefined })('argument');
    const values = function* () { yield 'VALUE'; };
    for (const [name, event] of Object.entries({ yields: {}, in: { input: 1 }, out: { output: 1 } }))
      for (const value of wrap(name, event, values)()) void value;`);
  const shown = (name: string) => [named(rows, name).input, named(rows, name).output];
  expect(shown('output')).toEqual([['argument'], 'stated']);
  expect(shown('input')).toEqual(['stated', 'RESULT']);
  expect(shown('none')).toEqual([['argument'], 'RESULT']);
  expect(shown('yields')).toEqual([[], ['VALUE']]);
  expect(shown('in')).toEqual([1, undefined]);
  expect(shown('out')).toEqual([[], 1]);
});

test('metrics state when a span starts and ends, and what is not a number is reported', async () => {
  const { rows, stderr } = await program(`
    const logger = bt.initLogger();
    logger.log({ input: 'logged', metrics: { start: 1795417364, end: 1795417365.5, tokens: 3 } });
    const span = bt.startSpan({ name: 'later' });
    span.log({ metrics: { end: 4102444800, a: 1, b: null, c: undefined } });
    span.end({ endTime: 1795417370 });
    bt.startSpan({ name: 'odd', event: { metrics: { a: '12', b: NaN, c: 5n, d: 4, end: 'soon' } } }).end();`);
  expect(rows.find(({ input }) => input === 'logged').metrics).toMatchObject({
    start: 1795417364,
    end: 1795417365.5,
    tokens: 3,
  });
  expect(named(rows, 'later').metrics).toMatchObject({ end: 4102444800, a: 1 });
  const { a, b, c, d, start, end } = named(rows, 'odd').metrics;
  expect({ a, b, c, d }).toEqual({ d: 4 });
  expect(end).toBeGreaterThanOrEqual(start);
  expect(stderr.match(/FLUE_BRAINTRUST_\w+/g)).toEqual(['FLUE_BRAINTRUST_BAD_METRIC']);
});

test('a span whose end is stated has ended, even if nothing ends it, and a later one moves it', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const log = (name, ...events) => {
      const span = bt.startSpan({ name, startTime: 1795417364 });
      for (const event of events) span.log(event);
      return span;
    };
    log('stated', { metrics: { end: 1795417365.5, a: 1 } }, { output: 'later' });
    log('moved', { metrics: { end: 1795417366 } }, { metrics: { end: 1795417365 } });
    const ended = log('ended', { metrics: { end: 1795417366 } });
    show([ended.end({ endTime: 1795417399 }), ended.end()]);
    const after = log('after');
    after.end();
    after.log({ metrics: { end: 1795417367 } });
    bt.startSpan({ name: 'at once', event: { metrics: { start: 1795417364, end: 1795417368 } } });
    log('before its start', { metrics: { end: 5 } });
    log('open', { metrics: { end: NaN } });`);
  const ends = Object.fromEntries(
    rows.map(({ span_attributes: { name }, metrics: { end }, metadata }) => [
      name,
      [end, metadata],
    ]),
  );
  const { open, ...all } = ends;
  expect(all).toEqual({
    stated: [1795417365.5, undefined],
    moved: [1795417365, undefined],
    ended: [1795417366, undefined],
    after: [1795417367, undefined],
    'at once': [1795417368, undefined],
    'before its start': [1795417364, undefined],
  });
  expect(open?.[1]).toEqual({ 'flue.interrupted': true });
  expect(named(rows, 'stated')).toMatchObject({ output: 'later', metrics: { a: 1 } });
});

test('an update that ends a span moves its start, names it and adds its fields, too', async () => {
  const { rows } = await program(`
    bt.initLogger();
    const times = { start: 1795417364.0004, end: 1795417365.5 };
    const log = (name) => {
      const span = bt.startSpan({ name });
      span.log({ metrics: times, output: name, span_attributes: { name: 'named ' + name, type: 'tool' } });
      return span;
    };
    show(log('ended').end());
    log('not ended');
    const flushed = bt.startSpan({ name: 'sent' });
    await bt.flush();
    flushed.log({ metrics: times, output: 'sent', span_attributes: { name: 'named sent', type: 'tool' } });`);
  for (const name of ['ended', 'not ended', 'sent']) {
    expect(named(rows, `named ${name}`)).toEqual(
      expect.objectContaining({
        output: name,
        metrics: { start: 1795417364.0004, end: 1795417365.5 },
        span_attributes: { name: `named ${name}`, type: 'tool' },
      }),
    );
  }
});

test('of an update that ends a span, only a name, a type and a start need the room of a beginning', async () => {
  const { shown } = await program(`
    import { createRequire } from 'node:module';
    const { Recorder, Priority } = createRequire(import.meta.resolve('flue-braintrust'))('./native.js');
    const { record } = Recorder.prototype;
    const recorded = [];
    Recorder.prototype.record = function (text, priority, cut) {
      recorded.push([JSON.parse(text), priority]);
      return record.call(this, text, priority, cut);
    };
    bt.initLogger();
    bt.startSpan().log({ output: 'o', metadata: { a: 1 }, metrics: { end: 9e9 } });
    bt.startSpan().log({ output: 'o', metrics: { start: 1, end: 9e9 }, span_attributes: { name: 'n', type: 'task' } });
    show(recorded.filter(([{ type }]) => type !== 'span_start').map(([{ type, span }, priority]) =>
      [type, priority === Priority.Start ? 'Start' : 'Continuation', Object.keys(span).sort()]));`);
  expect(shown).toEqual([
    [
      ['span_end', 'Continuation', ['end', 'metadata', 'metrics', 'output']],
      ['span_log', 'Start', ['name', 'start', 'type']],
      ['span_end', 'Continuation', ['end', 'metrics', 'output']],
    ],
  ]);
});

test('times have their fractions of milliseconds, and a time that is none is now', async () => {
  const { rows, shown } = await program(`
    bt.initLogger();
    const outer = bt.startSpan({ name: 'outer', startTime: 1700000000.0004 });
    const inner = outer.startSpan({ name: 'inner', startTime: 1700000000.0006 });
    show([inner.end({ endTime: 1700000000.0009 }), outer.end({ endTime: 1700000000.0014 })]);
    bt.startSpan({ name: 'backwards', startTime: 1700000000.0006 }).end({ endTime: 1700000000 });
    const before = Date.now() / 1000;
    const ends = [NaN, Infinity, -1, '5', null, {}, Date.now()].map((time, at) =>
      bt.startSpan({ name: 'odd ' + at, startTime: time }).end({ endTime: time }));
    show([before, Date.now() / 1000, ends]);`);
  const times = (name: string) => {
    const { start, end } = named(rows, name).metrics;
    return [start, end];
  };
  expect(times('outer')).toEqual([1700000000.0004, 1700000000.0014]);
  expect(times('inner')).toEqual([1700000000.0006, 1700000000.0009]);
  expect(times('backwards')).toEqual([1700000000.0006, 1700000000.0006]);
  expect(shown[0]).toEqual([1700000000.0009, 1700000000.0014]);
  const [before, after, ends] = shown[1];
  for (const [at, end] of ends.entries()) {
    expect(times(`odd ${at}`)[1]).toBe(end);
    for (const time of times(`odd ${at}`)) {
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThanOrEqual(after);
    }
  }
});

test('what waits for the decision about its trace shows what it was when it was recorded', async () => {
  const { rows } = await program(`
    bt.initLogger({ sample: () => true });
    const at = { v: 3, timestamp: new Date().toISOString(), runId: 'run_1', workflowName: 'w' };
    const input = { step: 1 };
    const span = bt.flueSpan({ runId: 'run_1' });
    span.log({ input });
    input.authorization = 'SECRET';
    bt.braintrustFlueObserver({ ...at, type: 'run_start' });
    bt.braintrustFlueObserver({ ...at, type: 'run_end', durationMs: 1, isError: false });`);
  expect(JSON.stringify(rows)).toContain('"input":{"step":1}');
  expect(JSON.stringify(rows)).not.toContain('SECRET');
});

test('no function but null removes the masking function', async () => {
  const { rows, stderr } = await program(`
    bt.setMaskingFunction(() => 'masked');
    bt.initLogger();
    bt.setMaskingFunction({}.misspelt);
    bt.startSpan({ name: 'span', event: { input: 'SECRET' } }).end();`);
  expect(JSON.stringify(rows)).not.toContain('SECRET');
  expect(stderr).toContain('FLUE_BRAINTRUST_NO_MASK');
});

test('links have no credentials of the address', async () => {
  const { shown } = await program(`
    const appUrl = process.env.BRAINTRUST_APP_URL.replace('//', '//user:hidden@') + '/bt/';
    const logger = bt.initLogger({ appUrl, apiUrl: process.env.BRAINTRUST_APP_URL, orgName: 'o', projectId: '00000000-0000-4000-8000-000000000001' });
    const span = bt.startSpan({ name: 'span' });
    show([span.link(), await span.permalink(), await bt.permalink(span), await logger.permalink(await span.export())]);
    await bt.close({ timeoutMs: 0 });`);
  for (const link of shown[0]) {
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/bt\/app\/o\/object\?/);
    expect(link).not.toContain('hidden');
  }
});

test('a slug with a row id of any text, from outside, spoils no event', async () => {
  const slug = writeSlug({
    object_id: '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f',
    row_id: 'a"},"sampled":false,{"\\\n',
    span_id: '1'.repeat(16),
    root_span_id: '2'.repeat(32),
  });
  const { rows, shown } = await program(`
    const at = { v: 3, timestamp: new Date().toISOString(), operationId: 'op_1', operationKind: 'prompt', conversationId: 'c' };
    bt.initLogger();
    bt.withParent(${JSON.stringify(slug)}, () =>
      bt.braintrustFlueObserver({ ...at, type: 'operation_start', agentInput: 'asked' }));
    bt.braintrustFlueObserver({ ...at, type: 'operation', agentOutput: 'answered', durationMs: 1, isError: false });
    await bt.flush({ timeoutMs: 60_000 });
    show(bt.stats().lost);`);
  expect(shown).toEqual([{}]);
  expect(rows.map(({ metadata }) => metadata['flue.operation_id'])).toEqual(['op_1']);
});

test.each([
  ['no content', `bt.initLogger({ content: false })`],
  ['a masking function', `bt.setMaskingFunction(() => 'masked'); bt.initLogger()`],
  [
    'a masking function that was removed',
    `bt.setMaskingFunction(() => 'masked'); bt.initLogger(); bt.setMaskingFunction(null)`,
  ],
])('with %s, a slug propagates nothing but the mark of a scorer', async (_name, init) => {
  const { shown } = await program(`
    ${init};
    const propagatedEvent = { input: 'SECRET', metadata: { SECRET: 1 }, span_attributes: { by: 'SECRET', purpose: 'scorer' } };
    const outer = bt.startSpan({ name: 'outer', propagatedEvent });
    for (const span of [outer, outer.startSpan(), bt.startSpan({ propagatedEvent: { input: 'SECRET' } })])
      show(Buffer.from(await span.export(), 'base64').toString('latin1'));`);
  const propagated = (slug: string) => /"propagated_event":(.*)}$/.exec(slug)?.[1];
  const scorer = '{"span_attributes":{"purpose":"scorer"}}';
  expect(shown.slice(0, 2).map(propagated)).toEqual([scorer, scorer]);
  expect(propagated(shown[2]) ?? '{}').toBe('{}');
  expect(JSON.stringify(shown)).not.toContain('SECRET');
});

test.each([
  ['a switch', `bt.initLogger({ content: { input: false } })`, undefined],
  ['rules', `bt.initLogger({ redact: { patterns: ['SEC.ET'] } })`, 'a [redacted]-of-the-process'],
  [
    'rules of a variable, and a key',
    `process.env.FLUE_BRAINTRUST_REDACT = 'jwts'; bt.initLogger({ apiKey: 'SECRET-of-the-process' })`,
    'a *********************',
  ],
])('with %s, a slug propagates what rows may have', async (_name, init, input) => {
  const { shown } = await program(`
    ${init};
    const propagatedEvent = { input: 'a SECRET-of-the-process', metadata: { tenant: 't' } };
    const slug = await bt.startSpan({ name: 'outer', propagatedEvent }).export();
    show(JSON.parse(/{.*/.exec(Buffer.from(slug, 'base64').toString('latin1'))).propagated_event);
    await bt.close({ timeoutMs: 0 });`);
  expect(shown).toEqual([{ ...(input && { input }), metadata: { tenant: 't' } }]);
});

test('without any of these a slug propagates all but the bytes of files', async () => {
  const { rows, shown } = await program(`
    bt.initLogger({ attachments: true, content: { tools: false, systemPrompt: false } });
    const data = Buffer.alloc(900, 'bytes');
    const image = 'data:image/png;base64,' + data.subarray(0, 30).toString('base64');
    const file = new bt.Attachment({ data: new Blob([data]), filename: 'a.txt', contentType: 'text/plain' });
    const outer = bt.startSpan({ name: 'outer', propagatedEvent: { metadata: { tenant: 't' }, input: [file, image, { bare: data.toString('base64') }] } });
    const slug = await outer.export();
    show(slug.length);
    bt.startSpan({ name: 'elsewhere', parent: slug }).end();
    outer.startSpan({ name: 'here' }).end();
    outer.end();`);
  const mark = (text: string) => `[flue-braintrust: a file that no slug has: ${text}]`;
  expect(shown[0]).toBeLessThan(900);
  expect(named(rows, 'elsewhere').metadata.tenant).toBe('t');
  expect(named(rows, 'elsewhere').input).toEqual([
    {
      type: 'file',
      filename: 'a.txt',
      mimeType: 'text/plain',
      data: mark('text/plain, 900 bytes'),
    },
    mark('image/png, 30 bytes'),
    { bare: mark('900 bytes') },
  ]);
  expect(JSON.stringify(named(rows, 'here').input)).toContain('braintrust_attachment');
});
