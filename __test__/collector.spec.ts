import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { startCollector } from '../tools/collector';
import { FinishWatch } from '../tools/collector/finish';
import { Journal } from '../tools/collector/journal';
import { mergeRow } from '../tools/collector/merge';
import { OverflowUploads } from '../tools/collector/overflow';
import { renderLine, renderTrace } from '../tools/collector/render';
import { Retention } from '../tools/collector/retention';
import { RowStore } from '../tools/collector/store';
import { fold, printable, shorten, widthOf } from '../tools/collector/text';
import { buildTrace } from '../tools/collector/trace';
import { readLines } from '../tools/support/lines';
import { PIXEL, announce, attach, state } from './support/attachments';
import { commentOn } from './support/spans';
import type { Collector, CollectorOptions, JsonObject, Row, Trace } from '../tools/collector/types';

const ROOT = '0123456789abcdef0123456789abcdef';
const PROJECT = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f';
const T0 = 1795417102.5;

let collector: Collector | undefined;

async function start(options: CollectorOptions = {}): Promise<Collector> {
  collector = await startCollector({ quietMs: 20, ...options });
  return collector;
}

afterEach(async () => {
  await collector?.close();
  collector = undefined;
});

/** A 16-digit span id made of one digit. */
const spanId = (digit: string) => digit.repeat(16);

/** A complete, closed span; its row id is `row-<digit>`. */
function span(digit: string, parent: string | null, more: JsonObject = {}): JsonObject {
  return {
    id: `row-${digit}`,
    span_id: spanId(digit),
    root_span_id: ROOT,
    ...(parent === null ? {} : { span_parents: [spanId(parent)] }),
    project_id: PROJECT,
    log_id: 'g',
    _is_merge: true,
    created: '2026-11-23T06:58:22.500Z',
    span_attributes: { name: `span ${digit}`, type: 'task' },
    metrics: { start: T0, end: T0 + 1 },
    ...more,
  };
}

/** The body of an answer; the tests say what must be in it. */
async function json(answer: Response): Promise<any> {
  return answer.json();
}

function call(to: { url: string }, path: string, body?: unknown, init: RequestInit = {}) {
  return fetch(`${to.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer key',
      'content-type': 'application/json',
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    ...init,
  });
}

const log = (to: Collector, ...rows: unknown[]) => call(to, '/logs3', { rows, api_version: 2 });

const nextTrace = (from: Collector) =>
  new Promise<{ trace: Trace; updated: boolean }>((resolve) => {
    from.once('trace', (trace, updated) => resolve({ trace, updated }));
  });

describe('the hosts', () => {
  test('login returns one organisation whose API is the collector itself', async () => {
    const c = await start({ orgName: 'acme' });
    const response = await call(c, '/api/apikey/login');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      org_info: [
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          name: 'acme',
          api_url: c.url,
          proxy_url: c.url,
          git_metadata: null,
        },
      ],
    });
  });

  test('a client is sent to the address at which it reached the collector', async () => {
    const c = await start({ host: '0.0.0.0' });
    const url = c.url.replace('127.0.0.1', 'localhost');
    const { org_info: organisations } = await json(await call({ url }, '/api/apikey/login'));
    expect(organisations).toMatchObject([{ api_url: url, proxy_url: url }]);
    const attachment = await json(
      await announce(url, { key: '2cf24dba-5fb0-830e-a6e8-3b2ac5b9e29e' }),
    );
    const overflow = await json(
      await call({ url }, '/logs3/overflow', { size_bytes: 1, rows: [] }),
    );
    for (const { signedUrl } of [attachment, overflow]) expect(new URL(signedUrl).origin).toBe(url);
  });

  test('a project has the same id whenever and wherever it is registered', async () => {
    const register = async (c: Collector, name: string) =>
      json(await call(c, '/api/project/register', { project_name: name }));
    const c = await start();
    const first = await register(c, 'Flue');
    expect(await register(c, 'Flue')).toEqual(first);
    expect((await register(c, 'other')).project.id).not.toBe(first.project.id);
    const found = await call(c, `/api/project?id=${first.project.id}`, undefined, {
      method: 'GET',
    });
    expect(await found.json()).toEqual(first.project);
    await c.close();
    expect(await register(await start(), 'Flue')).toEqual(first);
  });

  test('a project that was not registered goes by its id; what is not an id is not found', async () => {
    const c = await start();
    const get = (id: string) => call(c, `/api/project?id=${id}`, undefined, { method: 'GET' });
    expect(await json(await get(PROJECT))).toEqual({ id: PROJECT, name: PROJECT });
    expect((await get('nope')).status).toBe(404);
  });

  test.each([
    ['5 MiB by default', undefined, 5242880],
    ['the configured limit', 1000, 1000],
    ['no limit', null, null],
  ])('the version says: %s', async (_, payloadMaxBytes, advertised) => {
    const c = await start({ payloadMaxBytes });
    const response = await call(c, '/version', undefined, { method: 'GET' });
    expect(await response.json()).toEqual({
      logs3_payload_max_bytes: advertised,
    });
  });

  test('any key is accepted, but none is not', async () => {
    const c = await start();
    expect((await call(c, '/api/apikey/login')).status).toBe(200);
    const without = await call(c, '/api/apikey/login', undefined, {
      headers: {},
    });
    expect(without.status).toBe(401);
    expect(await without.json()).toEqual({ error: 'an API key is needed' });
  });

  /** Sends a request until it is answered; gives how much was sent, and how much memory grew meanwhile. */
  async function sendLarge(c: Collector, path: string, headers: object, megabytes: number) {
    const sent = request({ port: c.port, path, method: 'POST', headers: { ...headers } });
    const answer: { status?: number } = {};
    const answered = once(sent, 'response').then(([response]) => {
      answer.status = response.statusCode;
    });
    const chunk = Buffer.alloc(2 ** 20, 'x');
    const before = process.memoryUsage().arrayBuffers;
    let growth = 0;
    let written = 0;
    for (; written < megabytes && answer.status === undefined; written += 1) {
      if (!sent.write(chunk)) await Promise.race([once(sent, 'drain'), answered]);
      await new Promise((resolve) => setImmediate(resolve));
      growth = Math.max(growth, process.memoryUsage().arrayBuffers - before);
    }
    if (written === megabytes) sent.end();
    await answered;
    sent.destroy();
    return { status: answer.status, written, growth };
  }

  test.each([
    ['without a key', '/logs3', {}, 401],
    ['with a wrong key', '/logs3', { authorization: 'Bearer wrong' }, 401],
    ['that is too large', '/logs3', { authorization: 'Bearer right' }, 413],
    ['to no route', '/elsewhere', { authorization: 'Bearer right' }, 404],
    ['to an upload that was not announced', '/overflow-uploads/1', {}, 404],
  ])(
    'a large body %s is refused before it is read to its end',
    async (_, path, headers, status) => {
      const c = await start({ apiKey: 'right' });
      for (const length of [{}, { 'content-length': 300 * 2 ** 20 }]) {
        const result = await sendLarge(c, path, { ...headers, ...length }, 300);
        expect(result.status).toBe(status);
        expect(result.written).toBeLessThan(200);
        expect(result.growth).toBeLessThan(100 * 2 ** 20);
      }
      expect(c.rows()).toEqual([]);
    },
  );

  test('with a key given, every other key is refused and nothing is stored', async () => {
    const c = await start({ apiKey: 'right' });
    const response = await log(c, span('a', null));
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ error: 'invalid API key' });
    expect(c.rows()).toEqual([]);
    const headers = { authorization: 'Bearer right' };
    expect((await call(c, '/api/apikey/login', undefined, { headers })).status).toBe(200);
  });

  test('an unknown route, a broken body and a strange path are answered in JSON', async () => {
    const c = await start();
    const unknown = await call(c, '/nowhere');
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { error: 'no such route: POST /nowhere' },
    ]);
    const broken = await call(c, '/logs3', undefined, { body: '{"rows":[' });
    expect([broken.status, await broken.json()]).toEqual([
      400,
      { error: expect.stringContaining('not JSON') },
    ]);
    expect((await call(c, '//')).status).toBe(404);
    expect((await call(c, '/logs3', { rows: 7 })).status).toBe(400);
  });

  test('a body over the limit is refused with 413', async () => {
    const c = await start({ payloadMaxBytes: 500 });
    const response = await log(c, span('a', null, { input: 'x'.repeat(500) }));
    expect(response.status).toBe(413);
    expect(c.rows()).toEqual([]);
  });

  test('every request is remembered with its size, times, status and row ids', async () => {
    const c = await start();
    await log(c, span('a', null), span('b', 'a'));
    await call(c, '/nowhere?x=1');
    await c.waitFor(({ requests }) => requests.length === 2 && requests[1]?.doneAt !== null);
    expect(c.requests).toMatchObject([
      {
        index: 0,
        method: 'POST',
        path: '/logs3',
        status: 200,
        rowIds: ['row-a', 'row-b'],
      },
      {
        index: 1,
        method: 'POST',
        path: '/nowhere',
        query: '?x=1',
        status: 404,
        bytes: 0,
      },
    ]);
    const [first] = c.requests;
    expect(first?.bytes).toBeGreaterThan(300);
    expect(first?.doneAt).toBeGreaterThanOrEqual(first?.at ?? Infinity);
  });
});

describe('the merge of rows', () => {
  test('objects merge deeply, everything else is replaced', () => {
    const stored = mergeRow(undefined, {
      id: 'r',
      metadata: { a: { x: 1 }, list: [1, 2] },
    });
    const merged = mergeRow(stored, {
      id: 'r',
      _is_merge: true,
      output: 'out',
      metadata: { a: { y: 2 }, list: [3] },
    });
    expect(merged).toEqual({
      id: 'r',
      output: 'out',
      metadata: { a: { x: 1, y: 2 }, list: [3] },
    });
    expect(stored).toEqual({
      id: 'r',
      metadata: { a: { x: 1 }, list: [1, 2] },
    });
  });

  test('without _is_merge the row replaces what was stored', () => {
    const stored = mergeRow(undefined, { id: 'r', output: 'out' });
    expect(mergeRow(stored, { id: 'r', input: 'in' })).toEqual({
      id: 'r',
      input: 'in',
    });
    expect(mergeRow(stored, { id: 'r', _is_merge: false })).toEqual({
      id: 'r',
    });
  });

  test('null replaces an object, and an object replaces null', () => {
    const stored = mergeRow(undefined, {
      id: 'r',
      output: { a: 1 },
      error: null,
    });
    expect(
      mergeRow(stored, {
        id: 'r',
        _is_merge: true,
        output: null,
        error: { b: 1 },
      }),
    ).toEqual({
      id: 'r',
      output: null,
      error: { b: 1 },
    });
  });

  test('tags are united in order, unless _merge_paths names them', () => {
    const stored = mergeRow(undefined, { id: 'r', tags: ['a', 'b'] });
    const change = { id: 'r', _is_merge: true, tags: ['b', 'c'] };
    expect(mergeRow(stored, change).tags).toEqual(['a', 'b', 'c']);
    expect(mergeRow(stored, { ...change, _merge_paths: [['tags']] }).tags).toEqual(['b', 'c']);
  });

  test('the merge does not descend below _merge_paths, but does beside them', () => {
    const stored = mergeRow(undefined, {
      id: 'r',
      metadata: { a: { x: 1 }, b: { x: 1 } },
    });
    const change = { a: { y: 2 }, b: { y: 2 } };
    expect(
      mergeRow(stored, {
        id: 'r',
        _is_merge: true,
        _merge_paths: [['metadata', 'a']],
        metadata: change,
      }),
    ).toEqual({ id: 'r', metadata: { a: { y: 2 }, b: { x: 1, y: 2 } } });
  });

  test('keys of the prototype are data and reach no prototype', () => {
    const stored = mergeRow(undefined, JSON.parse('{"id":"r","metadata":{"__proto__":{"a":1}}}'));
    const merged = mergeRow(
      stored,
      JSON.parse(
        '{"id":"r","_is_merge":true,"__proto__":{"evil":1},' +
          '"metadata":{"__proto__":{"b":2},"constructor":{"prototype":{"evil":1}}}}',
      ),
    );
    expect(JSON.stringify(merged.metadata)).toBe(
      '{"__proto__":{"a":1,"b":2},"constructor":{"prototype":{"evil":1}}}',
    );
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(({} as { evil?: number }).evil).toBeUndefined();
  });

  test('rows with the same id in different projects stay apart', () => {
    const store = new RowStore();
    store.apply({ id: 'r', project_id: 'p', log_id: 'g', input: 1 });
    store.apply({
      id: 'r',
      project_id: 'q',
      log_id: 'g',
      _is_merge: true,
      output: 2,
    });
    expect(store.rows()).toEqual([
      { id: 'r', project_id: 'p', log_id: 'g', input: 1 },
      { id: 'r', project_id: 'q', log_id: 'g', output: 2 },
    ]);
  });

  test('a repetition changes nothing', () => {
    const store = new RowStore();
    const row = {
      id: 'r',
      root_span_id: ROOT,
      _is_merge: true,
      tags: ['a'],
      input: { a: [1] },
    };
    expect(store.apply(row).traceIds).toEqual([ROOT]);
    expect(store.apply(row).traceIds).toEqual([]);
  });

  test('a row arrives in pieces over HTTP and is stored whole, then hidden by a deletion', async () => {
    const c = await start();
    const { id, span_id, root_span_id, project_id, log_id, ...rest } = span('a', null);
    const ids = { id, span_id, root_span_id, project_id, log_id };
    await log(c, { ...ids, ...rest, _is_merge: false, metrics: { start: T0 } });
    await log(c, {
      ...ids,
      _is_merge: true,
      output: 'done',
      metrics: { end: T0 + 1 },
    });
    expect(c.row('row-a')).toEqual({
      ...ids,
      created: rest.created,
      span_attributes: rest.span_attributes,
      output: 'done',
      metrics: { start: T0, end: T0 + 1 },
    });
    await log(c, { ...ids, _object_delete: true });
    expect([c.row('row-a'), c.rows(), c.traces()]).toEqual([undefined, [], []]);
    expect(c.problems).toEqual([]);
  });

  test('an update may name its row alone; a row that begins a span has the ids of the span', async () => {
    const c = await start();
    const { id, span_id, root_span_id, ...rest } = span('a', null);
    const { project_id, log_id } = rest;
    await log(c, { ...rest, id, span_id, root_span_id });
    await log(c, { id, project_id, log_id, _is_merge: true, output: 'by its row' });
    expect(c.row('row-a')).toMatchObject({ span_id, root_span_id, output: 'by its row' });
    expect(c.problems).toEqual([]);
    await log(c, { ...rest, id: 'row-b' });
    expect(c.problems.map(({ problem }) => problem)).toEqual([
      'span_id is missing',
      'root_span_id is missing',
    ]);
  });
});

describe('the checks', () => {
  const wrongRows: [string, JsonObject, string][] = [
    ['a span id that is a number', { span_id: 7 }, 'span_id must be 16 lowercase hex digits'],
    ['an upper case span id', { span_id: spanId('A') }, 'span_id must be 16 lowercase hex digits'],
    ['a short root id', { root_span_id: 'abc' }, 'root_span_id must be 32 lowercase hex digits'],
    ['no root id', { root_span_id: undefined }, 'root_span_id is missing'],
    ['parents that are no array', { span_parents: 'x' }, 'span_parents must be an array'],
    ['a parent that is itself', { span_parents: [spanId('a')] }, 'must not name the span itself'],
    [
      'a repeated parent',
      { span_parents: [spanId('b'), spanId('b')] },
      'span_parents must not repeat a parent',
    ],
    ['no project', { project_id: undefined }, 'project_id is missing'],
    ['a project name', { project_id: 'Flue' }, 'project_id must be a UUID'],
    ['another log', { log_id: 'x' }, 'log_id must be "g"'],
    ['a created without zone', { created: '2026-11-23T06:58:22' }, 'created must be an ISO 8601'],
    ['a created on no day', { created: '2026-13-40T06:58:22Z' }, 'created must be an ISO 8601'],
    ['a null metric', { metrics: { start: T0, tokens: null } }, 'metrics.tokens must be a finite'],
    ['a text metric', { metrics: { start: '1' } }, 'metrics.start must be a finite number'],
    ['a time in milliseconds', { metrics: { start: T0 * 1000 } }, 'metrics.start must be in sec'],
    ['a negative count', { metrics: { start: T0, tokens: -1 } }, 'metrics.tokens must be at least'],
    ['an end before the start', { metrics: { start: T0, end: T0 - 1 } }, 'lies before'],
    [
      'cached tokens beside the prompt',
      { metrics: { start: T0, prompt_tokens: 1, prompt_cached_tokens: 5 } },
      'metrics.prompt_tokens 1 does not include the 5 cached tokens',
    ],
    [
      'tokens into the cache beside the prompt',
      { metrics: { start: T0, prompt_tokens: 1, prompt_cache_creation_1h_tokens: 5 } },
      'metrics.prompt_tokens 1 does not include the 5 cached tokens',
    ],
    ['an unknown type', { span_attributes: { type: 'agent' } }, 'span_attributes.type must be one'],
    [
      'an empty name',
      { span_attributes: { name: '' } },
      'span_attributes.name must be a non-empty',
    ],
    ['metadata that is a list', { metadata: [] }, 'metadata must be an object or null'],
    ['a model that is an object', { metadata: { model: {} } }, 'metadata.model must be'],
    ['an error that is true', { error: true }, 'error must be a string, an object or null'],
    ['a repeated tag', { tags: ['a', 'a'] }, 'tags must not repeat a tag'],
    ['a tag that is a number', { tags: [1] }, 'tags must be a non-empty string'],
    ['a score above 1', { scores: { good: 2 } }, 'scores.good must be null or in 0 to 1'],
    ['a merge flag in words', { _is_merge: 'yes' }, '_is_merge must be true or false'],
    ['merge paths that are flat', { _merge_paths: ['tags'] }, '_merge_paths must be an array of'],
    ['an unknown field', { spanAttributes: {} }, 'spanAttributes is not a field of a row'],
  ];

  test.each(wrongRows)('%s is a problem', async (_, change, problem) => {
    // What is checked is each row as it arrives: its trace is never quiet.
    const c = await start({ quietMs: 3_600_000 });
    const seen: unknown[] = [];
    c.on('problem', (p) => seen.push(p));
    expect((await log(c, span('a', null, change))).status).toBe(200);
    expect(c.problems).toEqual([{ rowId: 'row-a', problem: expect.stringContaining(problem) }]);
    expect(seen).toEqual(c.problems);
  });

  /** What no text can be made of. */
  const hostile = { toString: 1 };

  test.each<[string, JsonObject, string]>([
    ['a type', { span_attributes: { name: 'n', type: hostile } }, 'span_attributes.type must be'],
    ['a parent', { span_parents: [hostile] }, 'span_parents must be'],
    ['a source', { _audit_source: hostile }, '_audit_source must be one of external, app, api'],
    ['another root', { root_span_id: hostile }, 'root_span_id changed from'],
    ['an id', { id: hostile }, 'a row must be an object with an `id`'],
    ['a part of a message', { input: [{ type: 'text' }, { type: hostile, text: 'x' }] }, ''],
  ])('%s that no text can be made of ends nothing', async (_, change, problem) => {
    const c = await start();
    expect((await log(c, span('a', null))).status).toBe(200);
    expect((await log(c, span('a', null, change))).status).toBe(200);
    expect(c.problems).toEqual(
      problem === ''
        ? []
        : expect.arrayContaining([
            expect.objectContaining({ problem: expect.stringContaining(problem) }),
          ]),
    );
    for (const trace of c.traces()) renderTrace(trace, { color: true });
    expect((await fetch(`${c.url}/viewer/api/traces?texts=true`)).status).toBe(200);
  });

  test.each(['constructor', '__proto__', 'toString'])('the type %s has no style', async (type) => {
    const c = await start();
    await log(c, span('a', null, { span_attributes: { name: 'name', type } }));
    expect(renderTrace(c.traces()[0]!, { color: true })).toContain(`\nname  `);
  });

  test('keys and states of uploads that no text can be made of are refused', async () => {
    const c = await start();
    const rows = { type: 'logs3_overflow', key: hostile };
    expect((await call(c, '/logs3', { rows, api_version: 2 })).status).toBe(400);
    const key = '2cf24dba-5fb0-830e-a6e8-3b2ac5b9e29e';
    await announce(c.url, { key });
    expect((await state(c.url, key, { upload_status: hostile })).status).toBe(400);
    expect(c.problems).toEqual([]);
  });

  test('metrics too large for a number are a problem', async () => {
    const c = await start();
    const text = JSON.stringify({ rows: [span('a', null)], api_version: 2 });
    await call(c, '/logs3', undefined, {
      body: text.replace(`${T0 + 1}`, '1e999'),
    });
    expect(c.problems.map(({ problem }) => problem)).toEqual([
      expect.stringContaining('metrics.end must be a finite number'),
    ]);
  });

  test('a correct row with everything in it is not a problem', async () => {
    const c = await start();
    await log(
      c,
      span('a', null, {
        span_parents: [],
        span_attributes: {
          name: 'x',
          type: 'llm',
          purpose: 'scorer',
          exec_counter: 0,
          mine: 1,
        },
        context: { caller_lineno: 8 },
        input: null,
        output: [],
        expected: 1,
        error: { message: 'no' },
        metadata: { model: 'm' },
        scores: { good: 0.5, none: null },
        tags: ['a', 'b'],
        metrics: {
          start: T0,
          end: T0,
          prompt_tokens: 5,
          prompt_cached_tokens: 5,
        },
      }),
      {
        id: 'row-a',
        project_id: PROJECT,
        log_id: 'g',
        _is_merge: true,
        _audit_source: 'api',
      },
    );
    expect(c.problems).toEqual([]);
  });

  test('a span that changes its id is a problem, reported once', async () => {
    const c = await start();
    await log(c, span('a', null));
    await log(c, span('a', null, { span_id: spanId('b') }));
    await log(c, span('a', null, { span_id: spanId('b') }));
    expect(c.problems).toEqual([
      {
        rowId: 'row-a',
        problem: `span_id changed from "${spanId('a')}" to "${spanId('b')}"`,
      },
    ]);
  });

  test('a start row that arrives late and wipes the merges is a problem', async () => {
    const c = await start();
    await log(c, span('a', null, { output: 'lost' }));
    await log(c, span('a', null, { _is_merge: false, metrics: { start: T0 } }));
    expect(c.problems).toEqual([
      {
        rowId: 'row-a',
        problem: 'replaces the stored row and loses output, metrics.end',
      },
    ]);
  });

  test('a row without an id, and a wrong api_version, are problems of the request', async () => {
    const c = await start();
    await call(c, '/logs3', {
      rows: [{ span_id: spanId('a') }],
      api_version: 1,
    });
    expect(c.problems).toEqual([
      { rowId: null, problem: 'api_version of /logs3 must be 2' },
      {
        rowId: null,
        problem: 'a row must be an object with an `id`; it was not stored',
      },
    ]);
    expect(c.rows()).toEqual([]);
  });
});

describe('overflow', () => {
  const body = (rows: unknown[]) => JSON.stringify({ rows, api_version: 2 });

  const announce = async (c: Collector, text: string) =>
    json(
      await call(c, '/logs3/overflow', {
        content_type: 'application/json',
        size_bytes: Buffer.byteLength(text),
        rows: [
          {
            object_ids: { project_id: PROJECT },
            is_delete: false,
            input_row: { byte_size: 1 },
          },
        ],
      }),
    );

  const refer = (c: Collector, key: string) =>
    call(c, '/logs3', {
      rows: { type: 'logs3_overflow', key },
      api_version: 2,
    });

  test('a large body is uploaded with PUT and read when its key arrives', async () => {
    const c = await start({ payloadMaxBytes: 1000 });
    const text = body([span('a', null, { input: 'é'.repeat(2000) })]);
    const { method, signedUrl, headers, key } = await announce(c, text);
    expect(method).toBe('PUT');
    expect((await refer(c, key)).status).toBe(400);
    expect((await fetch(signedUrl, { method, headers, body: text })).status).toBe(200);
    expect(c.rows()).toEqual([]);
    expect((await refer(c, key)).status).toBe(200);
    expect(c.row('row-a')?.input).toBe('é'.repeat(2000));
    expect((await refer(c, key)).status).toBe(200);
    expect(c.requests.at(-1)?.rowIds).toEqual(['row-a']);
    expect(c.problems).toEqual([]);
  });

  test('the upload may be asked for as a form', async () => {
    const c = await start({ payloadMaxBytes: 1000, overflowMethod: 'POST' });
    const text = body([span('a', null, { input: 'x'.repeat(2000) })]);
    const { method, signedUrl, fields, key } = await announce(c, text);
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
    form.append('file', new Blob([text], { type: 'application/json' }), 'blob');
    expect((await fetch(signedUrl, { method, body: form })).status).toBe(200);
    expect((await refer(c, key)).status).toBe(200);
    expect(c.row('row-a')?.input).toHaveLength(2000);
  });

  test('a body that was read stays for a repeated request, until time or memory is up', async () => {
    jest.useFakeTimers();
    try {
      const uploads = new OverflowUploads('PUT');
      const upload = async (megabytes: number) => {
        const bytes = Buffer.alloc(megabytes * 2 ** 20);
        const announcement = { size_bytes: bytes.length, rows: [] };
        const announced: any = uploads.announce(announcement, 'http://collector');
        const { pathname, searchParams } = new URL(announced.signedUrl);
        const to = { method: 'PUT', path: pathname, searchParams, headers: {} };
        await uploads.receive({ ...to, body: bytes });
        return String(announced.key);
      };
      const kept = (...keys: string[]) =>
        keys.map((key) => uploads.read(key)?.length !== undefined);
      const [first, second, third] = [await upload(50), await upload(50), await upload(20)];
      expect(kept(first, second, third)).toEqual([true, true, true]);
      jest.advanceTimersByTime(9_000);
      expect(kept(third)).toEqual([true]);
      const fourth = await upload(50);
      expect(kept(first, second, third, fourth)).toEqual([false, true, true, true]);
      const huge = await upload(300);
      expect(kept(second, third, fourth, huge)).toEqual([false, false, false, true]);
      const waiting = await upload(20);
      jest.advanceTimersByTime(11_000);
      expect(kept(huge, waiting)).toEqual([false, true]);
      jest.advanceTimersByTime(11_000);
      expect(kept(waiting)).toEqual([false]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('a wrong signature, a wrong size and an unknown key are refused', async () => {
    const c = await start();
    const text = body([span('a', null)]);
    const { signedUrl } = await announce(c, text);
    const forged = signedUrl.replace(/signature=.*/, 'signature=forged');
    expect((await fetch(forged, { method: 'PUT', body: text })).status).toBe(403);
    expect((await fetch(signedUrl, { method: 'PUT', body: `${text} ` })).status).toBe(400);
    expect((await refer(c, 'unknown')).status).toBe(400);
    expect((await call(c, '/logs3/overflow', { size_bytes: 0, rows: [] })).status).toBe(400);
  });
});

describe('attachments', () => {
  const key = '2cf24dba-5fb0-830e-a6e8-3b2ac5b9e29e';

  test('a file is announced, uploaded without the API key, and confirmed', async () => {
    const c = await start();
    await attach(c.url, key, PIXEL, 'image/png', 'pixel.png');
    const of = { key, filename: 'pixel.png', contentType: 'image/png', bytes: PIXEL, error: null };
    expect(c.attachments()).toEqual([{ ...of, status: 'done', uploads: 1 }]);
    await state(c.url, key, { upload_status: 'error', error_message: 'gone' });
    expect(c.attachments()).toMatchObject([{ status: 'error', error: 'gone' }]);
    expect(c.problems).toEqual([]);
  });

  test('what breaks the protocol is refused', async () => {
    const c = await start();
    for (const body of [
      { key: 'a' },
      { key, org_id: 'other' },
      { key, filename: '' },
      { key, content_type: 'png' },
    ]) {
      expect((await announce(c.url, body)).status).toBe(400);
    }
    expect((await state(c.url, key, { upload_status: 'done' })).status).toBe(404);
    const { signedUrl } = await json(await announce(c.url, { key }));
    expect((await state(c.url, key, { upload_status: 'perhaps' })).status).toBe(400);
    const put = (headers: Record<string, string>, url = signedUrl) =>
      fetch(url, { method: 'PUT', headers, body: 'x' });
    expect((await put({ authorization: 'Bearer key' })).status).toBe(400);
    expect((await put({}, `${c.url}/attachment-uploads/forged`)).status).toBe(403);
    expect((await put({})).status).toBe(200);
    expect((await put({})).status).toBe(403);
  });
});

describe('faults', () => {
  test('the hook sees the request and may answer it', async () => {
    const seen: unknown[] = [];
    const c = await start({
      intercept: async ({ index, method, path, headers, bodyText, bytes }) => {
        seen.push([index, method, path, headers.authorization, JSON.parse(bodyText).rows, bytes]);
        return {
          status: 429,
          headers: { 'retry-after': '7' },
          body: { error: 'slow down' },
        };
      },
    });
    const response = await log(c, span('a', null));
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await response.json()).toEqual({ error: 'slow down' });
    expect(seen).toEqual([
      [0, 'POST', '/logs3', 'Bearer key', [span('a', null)], c.requests[0]?.bytes],
    ]);
    expect(c.rows()).toEqual([]);
    expect(c.requests[0]).toMatchObject({ status: 429, rowIds: ['row-a'] });
  });

  test('a text body is sent as it is, also when it is empty', async () => {
    const c = await start({ intercept: () => ({ status: 200, body: '' }) });
    expect(await (await log(c)).text()).toBe('');
  });

  test('a delay alone gives the real answer later', async () => {
    const c = await start({ intercept: () => ({ delayMs: 30 }) });
    const before = performance.now();
    expect((await log(c, span('a', null))).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(29);
    expect(c.rows()).toHaveLength(1);
  });

  test('a reset breaks the connection and stores nothing', async () => {
    const c = await start({
      intercept: ({ index }) => (index === 0 ? { reset: true } : undefined),
    });
    await expect(log(c, span('a', null))).rejects.toThrow('fetch failed');
    expect(c.rows()).toEqual([]);
    expect((await log(c, span('a', null))).status).toBe(200);
    expect(c.requests.map(({ status }) => status)).toEqual([null, 200]);
  });

  test('an answer can break off half way', async () => {
    const c = await start({ intercept: () => ({ half: true }) });
    const answer = await log(c, span('a', null));
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow('terminated');
    expect(c.rows()).toHaveLength(1);
    await c.waitFor(({ requests: [request] }) => request?.doneAt !== null);
    expect(c.requests[0]?.status).toBeNull();
  });

  test('an answer can come byte by byte', async () => {
    const c = await start({ intercept: () => ({ status: 200, body: 'slow', dripMs: 5 }) });
    const began = performance.now();
    const answer = await log(c, span('a', null));
    expect(await answer.text()).toBe('slow');
    expect(performance.now() - began).toBeGreaterThan(15);
    expect(c.problems).toEqual([]);
  });

  test('a dripping answer ends with the collector', async () => {
    const c = await start({ intercept: () => ({ dripMs: 60_000 }) });
    const answer = await log(c, span('a', null));
    const dripping = expect(answer.text()).rejects.toThrow('terminated');
    await c.close();
    await dripping;
    expect(c.problems).toEqual([]);
  });

  test('an acknowledgement can be lost after the rows were stored', async () => {
    const c = await start({
      intercept: () => ({ reset: true, processFirst: true }),
    });
    await expect(log(c, span('a', null))).rejects.toThrow('fetch failed');
    expect(c.rows()).toHaveLength(1);
  });

  test('a hanging request is seen, and ends with the collector', async () => {
    const c = await start({ intercept: () => ({ hang: true }) });
    const hanging = expect(log(c, span('a', null))).rejects.toThrow('fetch failed');
    await c.waitFor(({ requests }) => requests[0]?.rowIds?.[0] === 'row-a');
    expect(c.requests[0]).toMatchObject({ status: null, doneAt: null });
    await c.close();
    await hanging;
  });

  test('a hook that throws is a problem and an answer 500', async () => {
    const c = await start({
      intercept: () => {
        throw new Error('oops');
      },
    });
    expect((await log(c)).status).toBe(500);
    expect(c.problems).toEqual([{ rowId: null, problem: expect.stringContaining('oops') }]);
  });

  test('a wait that times out names what arrived instead', async () => {
    const c = await start();
    await log(c, span('a', null));
    await expect(c.waitFor(({ requests }) => requests.length === 9, 20)).rejects.toThrow(
      /not true within 20 ms: .*length === 9.*\nso far: 1 request, 1 row; last requests: POST \/logs3 → 200/,
    );
  });

  test('a predicate that is asynchronous is refused: its promise is true whatever becomes of it', async () => {
    const c = await start();
    const predicate: any = async () => false;
    await expect(c.waitFor(predicate)).rejects.toThrow(TypeError);
  });

  test('a wait may have no end', async () => {
    const c = await start();
    const waiting = c.waitFor(({ requests }) => requests.length === 1, Infinity);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await log(c, span('a', null));
    await waiting;
  });

  test('waiting ends with an error when the collector closes', async () => {
    const c = await start();
    const waiting = expect(c.waitFor(() => false)).rejects.toThrow('closed while waiting');
    await c.close();
    await waiting;
    await expect(c.waitFor(() => false)).rejects.toThrow('closed while waiting');
  });
});

describe('traces', () => {
  test('a trace is reported once its spans are closed, whatever the order of arrival', async () => {
    const c = await start();
    const reported = nextTrace(c);
    // As long as it is open, its trace is not reported without a root.
    await log(c, span('c', 'b', { metrics: { start: T0 } }));
    await log(c, span('b', 'a', { metrics: { start: T0 + 2, end: T0 + 3 } }));
    const d = span('d', 'a', { metrics: { start: T0 + 1, end: T0 + 2 } });
    await log(c, d, span('a', null), span('c', 'b'));
    const { trace, updated } = await reported;
    expect(updated).toBe(false);
    const names = (spans: Trace['roots']): unknown[] =>
      spans.map(({ name, children }) => [name, names(children)]);
    expect(names(trace.roots)).toEqual([
      [
        'span a',
        [
          ['span d', []],
          ['span b', [['span c', []]]],
        ],
      ],
    ]);
    expect(trace).toMatchObject({
      id: ROOT,
      finished: true,
      openSpans: 0,
      problems: [],
    });
    expect(c.problems).toEqual([]);
  });

  test('a trace with an open span is pending and becomes finished when that span ends', async () => {
    const c = await start();
    const traces: [number, boolean][] = [];
    c.on('trace', ({ spans }, updated) => traces.push([spans.length, updated]));
    await log(c, span('a', null, { metrics: { start: T0 } }), span('b', 'a'));
    expect(c.pendingTraces()).toMatchObject([{ finished: false, openSpans: 1 }]);
    await log(c, span('a', null, { metrics: { end: T0 + 5 } }));
    await c.waitFor(() => traces.length === 1);
    expect(c.pendingTraces()).toEqual([]);
    expect(traces).toEqual([[2, false]]);
  });

  test('rows that come after the report make it reported as updated, repetitions do not', async () => {
    const onTrace = jest.fn();
    const c = await start({ onTrace });
    await log(c, span('a', null));
    await c.waitFor(() => onTrace.mock.calls.length === 1);
    await log(c, span('a', null));
    expect(c.pendingTraces()).toEqual([]);
    await log(c, span('b', 'a'));
    await c.waitFor(() => onTrace.mock.calls.length === 2);
    expect(onTrace.mock.calls.map(([{ spans }, updated]) => [spans.length, updated])).toEqual([
      [1, false],
      [2, true],
    ]);
  });

  test('a comment does not make its trace reported again', async () => {
    const onTrace = jest.fn();
    const c = await start({ onTrace });
    await log(c, span('a', null));
    await c.waitFor(() => onTrace.mock.calls.length === 1);
    await log(c, commentOn('row-a', 'c', 'Well done.'));
    expect(c.traces()[0]?.spans[0]?.comments).toHaveLength(1);
    expect(c.pendingTraces()).toEqual([]);
  });

  test('a comment is with the span that it is about, in its project, whatever trace it names', async () => {
    const c = await start();
    const elsewhere = { project_id: '0b1c2d3e-4f5a-4b6c-8d7e-9f0a1b2c3d4e' };
    const comment = commentOn('row-a', 'c', 'Well done.');
    await log(
      c,
      { ...comment, root_span_id: 'f'.repeat(32) },
      span('a', null),
      span('a', null, { ...elsewhere, root_span_id: 'e'.repeat(32) }),
      { ...comment, ...elsewhere, comment: { text: 'Not so well.' } },
    );
    const shown = c.traces().map(({ id, spans }) => [id, spans.map(({ comments }) => comments)]);
    expect(shown).toMatchObject([
      [ROOT, [[{ comment: { text: 'Well done.' } }]]],
      ['e'.repeat(32), [[{ comment: { text: 'Not so well.' } }]]],
    ]);
  });

  test('comments are weighed again only if their span moves', () => {
    const changed = jest.spyOn(Retention.prototype, 'changed');
    const store = new RowStore({ traces: 10, bytes: 1e9 });
    store.apply(span('a', null) as Row);
    for (const id of ['c1', 'c2', 'c3']) store.apply(commentOn('row-a', id, 'Well done.'));
    changed.mockClear();
    store.apply(span('a', null, { output: 'more' }) as Row);
    expect(changed).toHaveBeenCalledTimes(1);
    store.apply(span('a', null, { root_span_id: 'e'.repeat(32) }) as Row);
    expect(store.rowsOfTrace('e'.repeat(32))).toHaveLength(4);
    changed.mockRestore();
  });

  test('a trace whose root is elsewhere is reported after a longer time, unless a span is open', () => {
    jest.useFakeTimers();
    try {
      const report = jest.fn();
      const rows = [span('b', 'a', { metrics: { start: T0 } })] as Row[];
      const watch = new FinishWatch({ build: (id) => buildTrace(id, rows), report, quietMs: 300 });
      watch.changed(ROOT);
      jest.advanceTimersByTime(10_000);
      expect(report).not.toHaveBeenCalled();
      rows[0] = span('b', 'a') as Row;
      watch.changed(ROOT);
      jest.advanceTimersByTime(3_200);
      watch.changed(ROOT);
      jest.advanceTimersByTime(3_200);
      expect(report).not.toHaveBeenCalled();
      jest.advanceTimersByTime(100);
      expect(report.mock.calls).toEqual([[expect.objectContaining({ finished: false }), false]]);
      expect(watch.pending()).toEqual([]);
      jest.advanceTimersByTime(10_000);
      expect(report).toHaveBeenCalledTimes(1);
    } finally {
      jest.useRealTimers();
    }
  });

  test('an open trace is never reported, however quiet it is', () => {
    jest.useFakeTimers();
    try {
      const report = jest.fn();
      let finished = false;
      const build = (id: string) => ({ ...buildTrace(id, []), finished });
      const watch = new FinishWatch({ build, report, quietMs: 300 });
      watch.changed(ROOT);
      jest.advanceTimersByTime(10_000);
      expect(report).not.toHaveBeenCalled();
      expect(watch.pending()).toEqual([ROOT]);
      finished = true;
      watch.changed(ROOT);
      jest.advanceTimersByTime(299);
      watch.changed(ROOT);
      jest.advanceTimersByTime(299);
      expect(report).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(report.mock.calls).toEqual([[expect.objectContaining({ id: ROOT }), false]]);
      expect(watch.pending()).toEqual([]);
    } finally {
      jest.useRealTimers();
    }
  });

  test('a missing parent, a circle and a missing name show in the tree and in the problems', async () => {
    const c = await start();
    const reported = nextTrace(c);
    await log(
      c,
      span('a', null),
      span('b', 'f'),
      span('c', 'd'),
      span('d', 'c', { span_attributes: {} }),
    );
    const { trace } = await reported;
    expect(trace.roots.map(({ spanId: id }) => id)).toEqual(['a', 'b', 'd'].map(spanId));
    expect(trace.problems).toEqual([
      { rowId: 'row-b', problem: `parent ${spanId('f')} is missing` },
      { rowId: 'row-d', problem: 'span_attributes.name was never sent' },
      {
        rowId: 'row-d',
        problem: `parent ${spanId('c')} lies below the span itself`,
      },
    ]);
    expect(c.problems).toEqual(trace.problems);
  });
});

describe('the tree as text', () => {
  async function agentTrace(): Promise<Trace> {
    const c = await start();
    const at = (start: number, end: number | undefined, more: JsonObject = {}) => ({
      metrics: {
        start: T0 + start,
        ...(end === undefined ? {} : { end: T0 + end }),
        ...more,
      },
    });
    const named = (name: string, type: string) => ({
      span_attributes: { name, type },
    });
    await log(
      c,
      span('a', null, { ...named('workflow:refund', 'task'), ...at(0, 63) }),
      span('b', 'a', {
        ...named('flue.prompt', 'task'),
        ...at(0, 3.1, { tokens: 1390 }),
      }),
      span('d', 'b', {
        ...named('tool:look up\n\u001b[31m天気', 'tool'),
        ...at(1.24, 1.56),
        error: '\nError: the database refused\n    at query (db.js:1)',
      }),
      span('c', 'b', {
        ...named('llm:gpt-x', 'llm'),
        ...at(0, 1.24, {
          prompt_tokens: 1024,
          completion_tokens: 180,
          tokens: 1204,
          prompt_cached_tokens: 512,
          estimated_cost: 0.0123,
        }),
      }),
      span('e', 'b', {
        ...named('llm:gpt-x', 'llm'),
        ...at(1.6, 1.6, {
          prompt_tokens: 180,
          completion_tokens: 6,
          estimated_cost: 0.00001,
        }),
      }),
      span('f', 'a', {
        ...named('compaction:threshold', 'task'),
        ...at(4, undefined),
      }),
      span('1', '9', { ...named('task:lost', 'task'), ...at(5, 5.32) }),
    );
    return c.traces()[0] as Trace;
  }

  test('spans line up with durations, tokens and cost, errors and problems stand out', async () => {
    expect(`\n${renderTrace(await agentTrace())}`).toMatchInlineSnapshot(`
     "
     trace 0123456789abcdef0123456789abcdef · 1 m 03 s so far · 1,390 tokens · $0.0123 · 7 spans · 1 open
     workflow:refund              task  1 m 03 s
     ├─ flue.prompt               task    3.10 s
     │  ├─ llm:gpt-x              llm     1.24 s  1,024→180  (512 cached)   $0.0123
     │  ├─ tool:look up [31m天気  tool    320 ms
     │  │     ✗ Error: the database refused
     │  └─ llm:gpt-x              llm      <1 ms    180→6                  <$0.0001
     └─ compaction:threshold      task      open
     task:lost                    task    320 ms
        ⚠ parent 9999999999999999 is missing
     "
    `);
  });

  test('long names are shortened so that every span keeps to one line of the terminal', async () => {
    const text = renderTrace(await agentTrace(), { width: 72 });
    expect(`\n${text}`).toMatchInlineSnapshot(`
     "
     trace 0123456789abcdef0123456789abcdef · 1 m 03 s so far · 1,390 tokens
     $0.0123 · 7 spans · 1 open
     workflow:refund        task  1 m 03 s
     ├─ flue.prompt         task    3.10 s
     │  ├─ llm:gpt-x        llm     1.24 s  1,024→180  (512 cached)   $0.0123
     │  ├─ tool:look up […  tool    320 ms
     │  │     ✗ Error: the database refused
     │  └─ llm:gpt-x        llm      <1 ms    180→6                  <$0.0001
     └─ compaction:thresh…  task      open
     task:lost              task    320 ms
        ⚠ parent 9999999999999999 is missing
     "
    `);
  });

  test('the agent and its question come first, and the link last', async () => {
    const c = await start();
    const metadata = { 'flue.agent_name': 'refunds' };
    const question = 'Where is\n\u001b[31mmy money?';
    for (const input of [question, { text: question }, [{ role: 'user', content: question }]]) {
      await log(c, span('a', null, { metadata, input }));
      const text = renderTrace(c.traces()[0]!, { link: 'http://127.0.0.1:1/#/trace/x' });
      expect(text).toMatch(/^refunds: Where is \[31mmy money\?\ntrace 0123/);
      expect(text).toMatch(/\nhttp:\/\/127\.0\.0\.1:1\/#\/trace\/x\n$/);
    }
  });

  test('names and errors stay readable, and no line is too long, however narrow the terminal is', async () => {
    const trace = await agentTrace();
    for (let width = 1; width <= 250; width += width < 60 ? 1 : 13) {
      const lines = renderTrace(trace, { width }).split('\n');
      expect([width, lines.filter((line) => widthOf(line) > width)]).toEqual([width, []]);
      if (width < 20) continue;
      const text = lines.join('\n');
      for (const name of ['workflow:refund', 'flue.prompt', 'llm:gpt-x', 'tool:look']) {
        expect([width, text]).toEqual([width, expect.stringContaining(name)]);
      }
      const words = text.replaceAll(/[\s│]+/g, ' ');
      expect([width, words]).toEqual([
        width,
        expect.stringContaining('✗ Error: the database refused'),
      ]);
    }
  });

  test('a deep chain has its levels as numbers, earlier where there is less room', async () => {
    const c = await start();
    const chain = Array.from({ length: 40 }, (_, n) =>
      span('a', null, {
        id: `row-${n}`,
        span_id: n.toString(16).padStart(16, '0'),
        ...(n > 0 && { span_parents: [(n - 1).toString(16).padStart(16, '0')] }),
        span_attributes: { name: `link ${n}`, type: 'task' },
      }),
    );
    await log(c, ...chain);
    const trace = c.traces()[0]!;
    expect(renderTrace(trace)).toMatch(/21: link 21 .*\n[^]*39: link 39 /);
    expect(renderTrace(trace, { width: 50 })).toMatch(/\n {9}4: link 4 /);
  });

  test('one line has what matters of a trace of any size', async () => {
    const trace = await agentTrace();
    const line = renderLine(trace, { link: 'http://127.0.0.1:1/#/trace/x', width: 100 });
    expect(line).toBe(
      `trace ${ROOT} · 1 m 03 s so far · 7 spans · 1 open · 1 error · workflow:re… · http://127.0.0.1:1/#/trace/x\n`,
    );
  });

  test('one line counts a failure that a span passes on to those above it once', async () => {
    const c = await start();
    const failed = { error: 'no' };
    await log(c, span('a', null, failed), span('b', 'a', failed), span('c', 'a', failed));
    expect(renderLine(c.traces()[0]!)).toContain(' · 2 errors · ');
    await log(c, span('c', 'b'));
    expect(renderLine(c.traces()[0]!)).toContain(' · 1 error · ');
  });

  test('a cancelled span is marked, and has not failed', async () => {
    const c = await start();
    await log(c, span('a', null, { metadata: { 'flue.cancelled': true } }));
    const [trace] = c.traces();
    const text = renderTrace(trace!);
    expect(text).toContain('⊘ cancelled');
    expect(text).not.toContain('✗');
  });

  test('colours are added only when asked for, and change no text', async () => {
    const trace = await agentTrace();
    const plain = renderTrace(trace);
    const coloured = renderTrace(trace, { color: true });
    expect(plain).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[31mtool:look up');
    // oxlint-disable-next-line no-control-regex
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain);
  });
});

describe('the file', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'collector-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('holds every incoming row, from which the merged rows can be made again', async () => {
    const file = join(directory, 'rows.ndjson');
    const c = await start({ file });
    await Promise.all([
      log(c, span('a', null), span('b', 'a')),
      log(c, span('a', null, { output: 'one' })),
      log(c, span('a', null, { output: 'two' })),
    ]);
    const rows = (await readFile(file, 'utf8')).trimEnd().split('\n');
    const again = new RowStore();
    for (const row of rows) again.apply(JSON.parse(row));
    expect(rows).toHaveLength(4);
    expect(again.rows()).toEqual(c.rows());
  });

  test('rows of a trace that is cleared while they are written do not bring it back', async () => {
    const c = await start({ file: join(directory, 'rows.ndjson') });
    await log(c, span('a', null));
    const append = jest
      .spyOn(Journal.prototype, 'append')
      .mockImplementation(async () => c.clear());
    await log(c, span('b', 'a'));
    expect(append).toHaveBeenCalledTimes(1);
    expect(c.rows()).toEqual([]);
    append.mockRestore();
  });

  test('a row after a write that failed in the middle is a line of its own', async () => {
    const handle = await open(join(directory, 'rows.ndjson'), 'a+');
    const { appendFile } = handle;
    // As on a full disk.
    jest.spyOn(handle, 'appendFile').mockImplementationOnce(async (lines) => {
      await appendFile.call(handle, String(lines).slice(0, 9));
      throw new Error('ENOSPC');
    });
    const journal = new Journal(handle);
    await expect(journal.append([{ id: 'lost' }])).rejects.toThrow('ENOSPC');
    await journal.append([{ id: 'a' }]);
    await journal.append([{ id: 'b' }]);
    const read: unknown[] = [];
    for await (const line of journal.read()) read.push('value' in line ? line.value : null);
    await journal.close();
    expect(read).toEqual([null, { id: 'a' }, { id: 'b' }]);
  });

  test('is continued on a new line after a crash tore the last one', async () => {
    const file = join(directory, 'rows.ndjson');
    await writeFile(file, '{"id":"whole","log_id":"g"}\n{"id":"to');
    await log(await start({ file }), span('a', null));
    const [whole, torn, added] = (await readFile(file, 'utf8')).split('\n');
    expect([whole, torn]).toEqual(['{"id":"whole","log_id":"g"}', '{"id":"to']);
    expect(JSON.parse(added ?? '')).toEqual(span('a', null));
  });

  test('only a line feed ends a line, whatever a text contains, and wherever the stream is cut', async () => {
    const rows = ['\u2028', '\u2029', '\u0085', 'é', ''].map((input) => ({ input }));
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('\r\n\n');
    for (const parts of [[text], text.split(''), text.split(/(?=\n)/), text.split(/(?<=\n)/)]) {
      const read: unknown[] = [];
      for await (const line of readLines(Readable.from(parts))) read.push(JSON.parse(line.text));
      expect(read).toEqual(rows);
    }
  });

  test('that an editor gave a byte order mark keeps its first row', async () => {
    const file = join(directory, 'rows.ndjson');
    const rows = [span('a', null), span('b', 'a')].map((row) => JSON.stringify(row));
    await writeFile(file, `\uFEFF${rows.join('\r\n')}\r\n`);
    const c = await start({ file });
    expect(c.rows()).toHaveLength(2);
    expect(c.problems).toEqual([]);
  });

  test('that cannot be opened keeps the collector from starting', async () => {
    // A device without an end.
    await expect(startCollector({ file: '/dev/zero' })).rejects.toThrow('/dev/zero is not a file');
    await expect(startCollector({ file: directory })).rejects.toThrow('EISDIR');
  });
});

describe('text for a terminal', () => {
  test.each([
    ['abc', 3],
    ['天気', 4],
    ['ｱｲｳ', 3],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['🇩🇪', 2],
    ['\u200b', 0],
  ])('%s takes %i columns', (text, columns) => expect(widthOf(text)).toBe(columns));

  test('nothing that steers a terminal or reorders a line is printed', () => {
    const steering = [
      '\u001b[31m',
      '\u009b2J',
      '\u0007',
      '\u202e',
      '\u2028',
      '\u061c',
      '\ud800',
      '\r\n',
    ];
    for (const text of steering) {
      expect(printable(`a${text}b`)).toMatch(/^a \[?[\w]*b$/);
    }
  });

  test('texts are cut and folded within any width, and nothing is lost in folding', () => {
    const text = 'The 天気 service 👩‍👩‍👧 refused abcdefghijklmnopqrstuvwxyz: nothing';
    for (let width = 2; width < 80; width++) {
      expect(widthOf(shorten(text, width))).toBeLessThanOrEqual(width);
      const lines = fold(text, width, 100);
      expect(lines.filter((line) => widthOf(line) > width)).toEqual([]);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      expect(fold(text, width, 2).length).toBeLessThanOrEqual(2);
    }
  });

  test('a letter with any number of marks on it is printed with a few', () => {
    expect(shorten(`a${'\u0301'.repeat(100_000)}b`, 10).length).toBeLessThan(50);
  });
});
