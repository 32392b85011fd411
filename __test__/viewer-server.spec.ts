import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startCollector } from '../tools/collector';
import { buildTrace } from '../tools/collector/trace';
import type { Collector, CollectorOptions, Row } from '../tools/collector/types';
import { costsOf } from '../tools/viewer/prices';
import { Viewer } from '../tools/viewer/viewer';
import { PIXEL, announce, attach } from './support/attachments';
import { part, promptSpans } from './support/flue-traces';
import { HANGS_MS, run } from './support/run';
import { commentOn, row, send, spanId, traceId } from './support/spans';

const collectors: Collector[] = [];
const root = { n: 0, name: 'flue.prompt', start: 0, end: 1 };

async function start(options: CollectorOptions = {}) {
  const collector = await startCollector(options);
  collectors.push(collector);
  return collector;
}

afterEach(async () => {
  await Promise.all(collectors.splice(0).map((collector) => collector.close()));
});

/** Asks without any of the care that `fetch` takes of paths and headers. */
function ask(collector: Collector, path: string, headers = {}, method = 'GET') {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>(
    (resolve, reject) => {
      const { port } = collector;
      request({ port, host: '127.0.0.1', path, headers, method }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => (body += text));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      })
        .on('error', reject)
        .end();
    },
  );
}

/** Sends rows as they are. */
async function post(collector: Collector, ...rows: object[]) {
  const { ok } = await fetch(`${collector.url}/logs3`, {
    method: 'POST',
    headers: { authorization: 'Bearer local' },
    body: JSON.stringify({ rows, api_version: 2 }),
  });
  expect(ok).toBe(true);
}

async function json(collector: Collector, path: string): Promise<any> {
  const { status, body } = await ask(collector, path);
  expect([path, status]).toEqual([path, 200]);
  return JSON.parse(body);
}

describe('whom it serves', () => {
  test('it listens on 127.0.0.1 alone', async () => {
    const collector = await start();
    expect(collector.url).toBe(`http://127.0.0.1:${collector.port}`);
    const elsewhere = fetch(`http://127.0.0.2:${collector.port}/`);
    await expect(elsewhere).rejects.toThrow();
  });

  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', '10.0.0.7', 'a@b'])(
    'the host %j is refused, whatever is asked for',
    async (host) => {
      const collector = await start();
      await send(collector.url, root);
      for (const path of [
        '/',
        '/viewer/api/traces',
        '/viewer/api/live',
        '/viewer/api/changes',
        '/version',
      ]) {
        const { status, body } = await ask(collector, path, { host });
        expect(status).toBe(421);
        expect(body).not.toContain('flue.prompt');
      }
      expect((await ask(collector, '/logs3', { host }, 'POST')).status).toBe(421);
    },
  );

  test.each(['localhost', 'LOCALHOST:1', '127.0.0.1:9', '[::1]:8723'])(
    'the host %j is this machine',
    async (host) => {
      expect((await ask(await start(), '/', { host })).status).toBe(200);
    },
  );

  test('who opens it to others may use its addresses, but no name that is not its own', async () => {
    const collector = await start({ host: '0.0.0.0' });
    expect((await ask(collector, '/', { host: '10.0.0.7:8723' })).status).toBe(200);
    expect((await ask(collector, '/', { host: 'evil.example' })).status).toBe(421);
  });

  test('with a token, it serves any name: in a container, on a network', async () => {
    const collector = await start({ host: '0.0.0.0', token: 'secret' });
    const host = 'host.docker.internal:8723';
    const key = { authorization: 'Bearer secret' };
    const login = (headers: object) =>
      ask(collector, '/api/apikey/login', { host, ...key, ...headers }, 'POST');
    expect((await login({})).status).toBe(200);
    expect((await login({ origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask(collector, '/', { host })).status).toBe(401);
    expect((await ask(collector, '/?token=secret', { host })).status).toBe(200);
    expect((await ask(collector, '/', { host: 'a@b' })).status).toBe(421);
  });

  test('what another web page sends is refused; what its own page sends is not', async () => {
    const collector = await start();
    const own = { authorization: 'Bearer local', origin: collector.url };
    for (const origin of ['http://evil.example', 'null', `https://127.0.0.1:${collector.port}`]) {
      const { status } = await ask(collector, '/api/apikey/login', { ...own, origin }, 'POST');
      expect(status).toBe(403);
    }
    expect((await ask(collector, '/api/apikey/login', own, 'POST')).status).toBe(200);
  });
});

test('a link of another page may open the viewer, but another page starts no work', async () => {
  const collector = await start();
  await send(collector.url, root);
  const status = async (path: string, site: string) =>
    (await ask(collector, path, { 'sec-fetch-site': site })).status;
  for (const path of ['traces', 'export', 'changes', `trace?id=${traceId()}`, 'live']) {
    for (const site of ['cross-site', 'same-site'])
      expect([path, await status(`/viewer/api/${path}`, site)]).toEqual([path, 403]);
    if (path === 'live') continue;
    for (const site of ['same-origin', 'none'])
      expect([path, await status(`/viewer/api/${path}`, site)]).toEqual([path, 200]);
  }
  expect(await status('/', 'cross-site')).toBe(200);
  expect(await status('/app/o/p?id=row-1-0', 'cross-site')).toBe(302);
});

test('ids that have no encoding, and addresses that are not well encoded, end nothing', async () => {
  const collector = await start();
  const half = '\ud800';
  const metadata = { 'flue.instance_id': half, 'flue.agent_name': half };
  const body = JSON.stringify({
    rows: [{ ...row({ ...root, metadata }), root_span_id: half, span_id: half }],
    api_version: 2,
  });
  const headers = { authorization: 'Bearer local' };
  expect((await fetch(`${collector.url}/logs3`, { method: 'POST', headers, body })).status).toBe(
    200,
  );
  const status = async (path: string) => [path, (await ask(collector, path)).status];
  const permalink = await ask(collector, '/app/o/p?id=row-1-0');
  expect(permalink.headers.location).toBe('/#/trace/%EF%BF%BD/span/%EF%BF%BD');
  expect(await status('/app/o/p?r=%zz&s=%')).toEqual(['/app/o/p?r=%zz&s=%', 302]);
  expect((await json(collector, '/viewer/api/traces')).total).toBe(1);
  for (const path of [
    'trace?id=%zz',
    'span?id=%zz&span=%',
    'conversation?key=%zz',
    'attachment?key=%ff',
  ]) {
    expect(await status(`/viewer/api/${path}`)).toEqual([`/viewer/api/${path}`, 404]);
  }
  expect((await ask(collector, '/viewer/api/export?id=%zz')).body).toBe('');
  expect((await json(collector, '/viewer/api/traces?q=%zz')).total).toBe(0);
});

test('long texts are not read as Markdown, which may take quadratic time', async () => {
  const code = `import { isMarkdown } from './tools/viewer/page/markdown.mjs';
    console.log(JSON.stringify([9_990, 10_001, 1e6].map((length) => isMarkdown('# ' + '['.repeat(length)))));`;
  const { stdout } = await run(['--input-type=module', '-e', code]);
  expect(JSON.parse(stdout)).toEqual([true, false, false]);
});

test('a trace that runs has no duration yet', async () => {
  const code = `import { factsOf } from './tools/viewer/page/report.mjs';
    const trace = { start: 100, end: 102, spans: 2, tokens: 0, cost: null };
    console.log(JSON.stringify([true, false].map((running) => factsOf({ ...trace, running })[0])));`;
  const { stdout } = await run(['--input-type=module', '-e', code]);
  expect(JSON.parse(stdout)).toEqual(['2.00 s so far', '2.00 s']);
});

test('the costs of an early turn by kind of token are its cost, also among many turns', () => {
  const turn = (input: number, written: number, output: number): any => ({
    type: 'llm',
    row: { metadata: { model: 'm' } },
    metrics: {
      prompt_tokens: input + written,
      prompt_cache_creation_tokens: written,
      completion_tokens: output,
      estimated_cost: input * 3e-6 + written * 3.75e-6 + output * 15e-6,
    },
  });
  const first = turn(1000, 8000, 100);
  const later = Array.from({ length: 210 }, (_, n) => turn(1000 + n, 0, 100 + ((n * 13) % 50)));
  const costs = costsOf(first, [first, ...later]);
  expect([costs?.input, costs?.written, costs?.output]).toEqual([
    expect.closeTo(0.003),
    expect.closeTo(0.03),
    expect.closeTo(0.0015),
  ]);
});

test('a file is not cleared by a server that does not get its port', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'viewer-'));
  try {
    const file = join(directory, 'rows.ndjson');
    const first = await start({ file });
    await send(first.url, root);
    const before = await readFile(file, 'utf8');
    const second = startCollector({ file, clear: true, port: first.port });
    await expect(second).rejects.toThrow('EADDRINUSE');
    expect(before).toContain('row-1-0');
    expect(await readFile(file, 'utf8')).toBe(before);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test.each<[string, object]>([
  ['names of members', { metadata: Object.fromEntries([[`${'n'.repeat(100_000)}`, 1]]) }],
  ['numbers', { output: Array.from({ length: 15_000 }, () => 1) }],
  ['empty objects', { output: Array.from({ length: 5_000 }, () => ({})) }],
])('%s count for the bound of memory', async (_what, fields) => {
  const collector = await start({ keep: { traces: 1_000, bytes: 1_000_000 } });
  const traces = Array.from({ length: 40 }, (_, n) => ({ ...root, trace: n + 1, ...fields }));
  await send(collector.url, ...traces);
  expect(collector.traces().length).toBeGreaterThan(2);
  expect(collector.traces().length).toBeLessThan(11);
});

test('two servers on one host keep their tokens apart: a browser sends the cookies of a host to all its ports', async () => {
  const [one, other] = await Promise.all([
    start({ token: 'a'.repeat(32) }),
    start({ token: 'b'.repeat(32) }),
  ]);
  /** As a browser has them: one value for each name. */
  const jar = new Map<string, string>();
  const visit = async (collector: Collector, path: string) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const { status, headers } = await ask(collector, path, cookie === '' ? {} : { cookie });
    for (const set of headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      jar.set(name, value);
    }
    return status;
  };
  expect(await visit(one, `/?token=${'a'.repeat(32)}`)).toBe(200);
  expect(await visit(other, `/?token=${'b'.repeat(32)}`)).toBe(200);
  expect(await visit(one, '/viewer/api/traces')).toBe(200);
  expect(await visit(other, '/viewer/api/traces')).toBe(200);
});

test('with a token, nothing is answered to who does not have it', async () => {
  const collector = await start({ token: 'secret' });
  await send(collector.url, root);
  const paths = [
    'traces',
    'trace',
    'span',
    'conversation',
    'next-error',
    'changes',
    'export',
    'live',
  ];
  for (const path of paths) {
    const address = `/viewer/api/${path}?key=x&id=${traceId()}`;
    for (const query of ['', '&token=', '&token=secre', '&token=secrets']) {
      const { status, body } = await ask(collector, `${address}${query}`);
      expect([path, status]).toEqual([path, 401]);
      expect(body).not.toContain('flue.prompt');
    }
    if (path !== 'live') {
      expect((await ask(collector, `${address}&token=secret`)).status).not.toBe(401);
    }
  }
});

describe('what it serves', () => {
  test('a list without errors has no next one, which is not a missing page', async () => {
    const collector = await start();
    await send(collector.url, root);
    const { status, body } = await ask(collector, '/viewer/api/next-error');
    expect({ status, body }).toEqual({ status: 200, body: 'null' });
  });

  test.each([
    '/viewer/../package.json',
    '/viewer/../../package.json',
    '/viewer/%2e%2e/viewer.js',
    '/viewer/..%2fviewer.js',
    '/viewer/page/app.mjs',
    '/viewer/viewer.js',
    '/viewer/tsconfig.json',
    '/viewer//etc/passwd',
    '//etc/passwd',
    '/viewer/constructor',
  ])('there is nothing at %s', async (path) => {
    const { status, body } = await ask(await start(), path);
    expect(status).toBe(404);
    expect(JSON.parse(body)).toEqual({ error: expect.any(String) });
  });

  test('every module that the page imports is there, with a policy that runs no other script', async () => {
    const collector = await start();
    const { headers } = await ask(collector, '/');
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(policy).not.toContain('unsafe');
    const seen = new Set<string>();
    const visit = async (path: string): Promise<void> => {
      if (seen.has(path)) return;
      seen.add(path);
      const module = await ask(collector, path);
      expect([path, module.status]).toEqual([path, 200]);
      expect(module.headers['content-type']).toContain('text/javascript');
      for (const [, name = ''] of module.body.matchAll(/^import .*?from ?['"]([^'"]+)['"]/gm)) {
        await visit(new URL(name, `http://viewer${path}`).pathname);
      }
    };
    await visit('/viewer/app.mjs');
    // The bundle imports nothing more.
    expect([...seen]).toEqual(['/viewer/app.mjs']);
  });

  test('a list has no content, and comes in pages, newest first', async () => {
    const collector = await start();
    const traces = Array.from({ length: 7 }, (_, i) => ({
      ...root,
      trace: i + 1,
      start: i,
      end: i + 1,
      input: 'a secret plan',
    }));
    await send(collector.url, ...traces);
    const page = JSON.parse((await ask(collector, '/viewer/api/traces?offset=2&limit=3')).body);
    expect(page.traces.map(({ id }: { id: string }) => id)).toEqual([5, 4, 3].map(traceId));
    expect([page.total, page.all]).toEqual([7, 7]);
    expect(JSON.stringify(page)).not.toContain('secret');
  });

  test('texts are in the list for a page that asks for them, cut short', async () => {
    const collector = await start();
    const long = 'very '.repeat(1_000);
    await send(collector.url, ...promptSpans({ trace: 1, question: `Is it ${long}cold?` }));
    const { traces } = await json(collector, '/viewer/api/traces?texts=true');
    expect(traces[0]).toMatchObject({ agent: 'gardener', title: 'gardener', answer: 'answer 1' });
    expect(traces[0].question).toMatch(/^Is it very .*…$/);
    expect(traces[0].question.length).toBeLessThan(300);
  });

  test('the links that the braintrust package and this one print lead to the span', async () => {
    const collector = await start();
    await send(collector.url, root);
    const place = `/#/trace/${traceId()}/span/${spanId(0)}`;
    for (const path of [
      'object?object_type=project_logs&id=row-1-0',
      `object?r=${traceId()}&s=${spanId(0)}`,
      'p/Flue/logs?oid=row-1-0',
    ]) {
      const { status, headers } = await ask(collector, `/app/local/${path}`);
      expect([status, headers.location]).toEqual([302, place]);
    }
  });

  test('HEAD is answered as GET is, without the body; a feed is not begun', async () => {
    const collector = await start();
    for (const path of ['/', '/viewer/api/traces', '/viewer/api/export']) {
      const { status, headers, body } = await ask(collector, path, {}, 'HEAD');
      expect([path, status, body]).toEqual([path, 200, '']);
      expect(headers['content-type']).toBe((await ask(collector, path)).headers['content-type']);
    }
    expect((await ask(collector, '/viewer/api/live', {}, 'HEAD')).status).toBe(404);
  });

  test('what the page asks for is not counted among the requests of applications', async () => {
    const collector = await start();
    await ask(collector, '/');
    await ask(collector, '/viewer/api/traces');
    expect(collector.requests).toEqual([]);
  });
});

describe('the list', () => {
  const list = (collector: Collector, query: string) =>
    json(collector, `/viewer/api/traces?texts=true&limit=500&${query}`);
  const titles = async (collector: Collector, query: string) =>
    (await list(collector, query)).traces.map((one: any) => one.title);

  test('each filter leaves out what it should, and they work together', async () => {
    const collector = await start();
    await send(
      collector.url,
      ...promptSpans({ trace: 1, agent: 'ada', model: 'moss-1', took: 1, cost: 0.5 }),
      ...promptSpans({ trace: 2, agent: 'bob', model: 'fern-2', took: 8, cost: 2 }),
      ...promptSpans({ trace: 3, agent: 'cleo', took: 30, error: 'no water' }),
      ...promptSpans({ trace: 4, agent: 'dan', metadata: { 'flue.attempt': 2 } }),
      ...promptSpans({ trace: 5, agent: 'eve', metadata: { 'flue.interrupted': true } }),
      ...promptSpans({ trace: 6, agent: 'fay', metadata: { 'flue.cancelled': true } }),
      { n: 0, trace: 7, name: 'workflow:report', start: 70, end: 71 },
      { n: 0, trace: 8, name: 'import', type: 'function', start: 80 },
    );
    for (const [query, expected] of [
      ['', 'import report fay eve dan cleo bob ada'],
      ['agent=bob', 'bob'],
      ['model=fern-2', 'bob'],
      ['type=workflow', 'report'],
      ['type=function', 'import'],
      ['type=prompt&model=fern-2', 'bob'],
      ['status=failed', 'cleo'],
      ['status=running', 'import'],
      ['status=retried', 'dan'],
      ['status=interrupted', 'eve'],
      ['status=succeeded', 'report dan cleo bob ada'],
      ['status=cancelled', 'fay'],
      ['minDuration=8', 'cleo bob'],
      ['minDuration=0.5&maxDuration=1', 'report ada'],
      ['minCost=1', 'bob'],
      ['maxCost=1', 'ada'],
      [`from=${1_800_000_070}`, 'import report'],
      [`to=${1_800_000_010}`, 'ada'],
      ['conversation=conversation/conv-2', 'bob'],
      ['agent=nobody', ''],
      // What means nothing restricts nothing.
      [
        'minDuration=x&from=&status=constructor&sort=__proto__',
        'import report fay eve dan cleo bob ada',
      ],
    ] as const) {
      expect([query, (await titles(collector, query)).join(' ')]).toEqual([query, expected]);
    }
    const { choices } = await list(collector, 'agent=bob');
    expect(choices.types).toEqual([
      ['function', 1],
      ['prompt', 6],
      ['workflow', 1],
    ]);
    expect(choices.agents.map(([name]: [string]) => name)).toEqual(
      'ada bob cleo dan eve fay'.split(' '),
    );
  });

  test('it is sorted by any column, both ways; what has no value comes last', async () => {
    const collector = await start();
    await send(
      collector.url,
      ...promptSpans({ trace: 1, agent: 'a2', took: 3, cost: 0.5, tokens: 10, model: 'z' }),
      ...promptSpans({ trace: 2, agent: 'a10', took: 1, tokens: 30, model: 'y' }),
      ...promptSpans({
        trace: 3,
        agent: 'a1',
        took: 2,
        cost: 0.1,
        tokens: 20,
        model: 'x',
        error: 'e',
      }),
    );
    for (const [sort, ascending, descending] of [
      ['title', 'a1 a2 a10', 'a10 a2 a1'],
      ['took', 'a10 a1 a2', 'a2 a1 a10'],
      ['tokens', 'a2 a1 a10', 'a10 a1 a2'],
      ['cost', 'a1 a2 a10', 'a2 a1 a10'],
      ['model', 'a1 a10 a2', 'a2 a10 a1'],
      ['errors', 'a1 a10 a2', 'a1 a10 a2'],
      ['start', 'a2 a10 a1', 'a1 a10 a2'],
    ]) {
      const up = await titles(collector, `sort=${sort}&dir=asc`);
      const down = await titles(collector, `sort=${sort}&dir=desc`);
      expect([sort, up.join(' '), down.join(' ')]).toEqual([sort, ascending, descending]);
    }
  });

  test('50 traces of one conversation are one row, from the first question to the last answer', async () => {
    const collector = await start();
    const traces = Array.from({ length: 50 }, (_, n) => n + 1);
    const conversation = 'c/1?&#"';
    await send(
      collector.url,
      ...traces.flatMap((trace) => promptSpans({ trace, conversation, cost: 0.01 })),
      ...promptSpans({ trace: 60, agent: 'other' }),
      { n: 0, trace: 61, name: 'workflow:report', start: 610, end: 611 },
    );
    const page = await list(collector, 'group=conversation');
    expect([page.total, page.all]).toEqual([3, 52]);
    expect(page.traces.map((one: any) => [one.id, one.traces])).toEqual([
      [traceId(61), undefined],
      ['conversation/conv-60', 1],
      [`conversation/${encodeURIComponent(conversation)}`, 50],
    ]);
    expect(page.traces[2]).toMatchObject({
      question: 'question 1',
      answer: 'answer 50',
      tokens: 5_000,
      took: 200,
    });
    expect(page.traces[2].cost).toBeCloseTo(0.5);
  });

  test('rows of any shape are listed', async () => {
    const collector = await start();
    const huge = 'x'.repeat(1_000_000);
    const metadata = {
      'flue.agent_name': 7,
      'flue.conversation_id': {},
      'flue.attempt': 'two',
      model: null,
    };
    await send(
      collector.url,
      {
        n: 0,
        trace: 1,
        name: huge,
        start: 0,
        end: 1,
        input: { a: { b: [huge, huge] } },
        output: [],
      },
      { n: 0, trace: 2, name: 'llm:', type: 'llm', start: 1, metadata },
      { n: 1, trace: 3, parent: 2, name: 'a', start: 2, end: 3 },
      { n: 2, trace: 3, parent: 1, name: 'b', start: 2, end: 3 },
      {
        n: 0,
        trace: 4,
        name: 'm',
        start: 4,
        end: 5,
        metrics: { tokens: 1e308, estimated_cost: 1e308 },
        type: 'llm',
      },
      {
        n: 1,
        trace: 4,
        name: 'm',
        start: 4,
        end: 5,
        metrics: { tokens: 1e308, estimated_cost: 1e308 },
        type: 'llm',
      },
      {
        n: 0,
        trace: 5,
        name: 'n',
        start: 9,
        end: 8,
        input: [[[[[[[[[['deep']]]]]]]]]],
        output: [null, 1, { role: 'x' }],
      },
      { n: 0, trace: 6, name: 'ש', start: 10, end: 11, input: 'שלום \u202e עולם', metadata: [] },
    );
    const bare = {
      id: 'bare',
      span_id: 'f'.repeat(16),
      root_span_id: 'f'.repeat(32),
      metrics: null,
      span_attributes: 3,
    };
    const body = JSON.stringify({
      rows: [{ ...row({ n: 0, name: 'x', start: 0 }), ...bare }],
      api_version: 2,
    });
    await fetch(`${collector.url}/logs3`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body,
    });
    for (const query of [
      '',
      'group=conversation',
      'sort=took',
      'sort=model',
      'sort=cost',
      'q=xxx',
    ]) {
      const page = await list(collector, query);
      expect(JSON.stringify(page).length).toBeLessThan(20_000);
      if (query !== 'q=xxx') expect(page.traces).toHaveLength(7);
    }
    for (const n of [1, 2, 3, 4, 5, 6]) {
      const view = await json(collector, `/viewer/api/trace?id=${traceId(n)}`);
      expect(view.spans.length).toBeGreaterThan(0);
      expect(JSON.stringify(view).length).toBeLessThan(10_000);
    }
  });

  test('what Flue 0.x dispatches has the agent and the question that its input names', async () => {
    const collector = await start();
    const input = (agent: string, text: string) =>
      `[Dispatch Input]\nagent: ${agent}\nid: pier-1\nsession: default\n\ninput:\n${text}`;
    const ids = { 'flue.instance_id': 'pier-1' };
    await send(
      collector.url,
      { ...root, trace: 1, input: input('harbor', '"Is \\"it\\" high?"'), metadata: ids },
      { ...root, trace: 2, input: input('tower', '{\n  "n": 1\n}'), metadata: ids },
      { ...root, trace: 3, input: 'hello', metadata: ids },
    );
    const page = await list(collector, 'sort=title&dir=asc');
    expect(page.traces.map((one: any) => [one.title, one.question])).toEqual([
      ['harbor', 'Is "it" high?'],
      ['pier-1', 'hello'],
      ['tower', '{ "n": 1 }'],
    ]);
    const grouped = await list(collector, 'group=conversation');
    expect(grouped.total).toBe(3);
  });

  test('a failure in a child and its parent is one', async () => {
    const collector = await start();
    await send(
      collector.url,
      { n: 0, name: 'flue.prompt', start: 0, end: 1, error: 'prompt failed: vent jammed' },
      { n: 1, parent: 0, name: 'task:a', start: 0, end: 1, error: 'vent jammed' },
      { n: 2, parent: 1, name: 'tool:a', start: 0, end: 1, error: 'vent jammed' },
      { n: 3, parent: 0, name: 'tool:b', start: 0, end: 1, error: 'other' },
    );
    expect((await list(collector, '')).traces[0].errors).toBe(2);
  });
});

describe('what changed', () => {
  const since = async (collector: Collector, path: string, version?: string) => {
    const { body } = await ask(
      collector,
      `${path}${version === undefined ? '' : `&since=${version}`}`,
    );
    return { value: JSON.parse(body), bytes: body.length };
  };

  test('of a trace with thousands of spans, only those that changed are sent again', async () => {
    const collector = await start();
    const spans = Array.from({ length: 5_000 }, (_, n) => ({
      n,
      ...(n > 0 && { parent: 0 }),
      name: `tool:${n}`,
      start: n,
      ...(n > 0 && { end: n + 1 }),
    }));
    await send(collector.url, ...spans);
    const path = `/viewer/api/trace?id=${traceId()}`;
    const first = await since(collector, path);
    expect(first.value.spans).toHaveLength(5_000);
    await send(
      collector.url,
      { n: 7, parent: 0, name: 'tool:7', start: 7, end: 8, error: 'late' },
      { n: 6_000, parent: 7, name: 'tool:new', start: 7.5 },
    );
    const second = await since(collector, path, first.value.version);
    expect(second.value.spans).toBeUndefined();
    expect(second.value.delta.removed).toEqual([]);
    expect(second.value.delta.placed.map(([index, { name }]: any) => [index, name])).toEqual([
      [7, 'tool:7'],
      [8, 'tool:new'],
    ]);
    expect(second.value.trace).toMatchObject({ spans: 5_001, errors: 1 });
    expect(second.bytes).toBeLessThan(first.bytes / 200);
    // Nothing is sent when nothing changed, and everything to a page of an earlier process.
    const third = await since(collector, path, second.value.version);
    expect(third.value.delta.placed).toEqual([]);
    const whole = await since(collector, path, 'ffffffff.1');
    expect(whole.value.spans).toHaveLength(5_001);
  });

  test('of the list, only the rows that changed', async () => {
    const collector = await start();
    await send(
      collector.url,
      ...Array.from({ length: 300 }, (_, n) => promptSpans({ trace: n + 1 })).flat(),
    );
    const path = '/viewer/api/traces?texts=true&limit=200';
    const first = await since(collector, path);
    await send(
      collector.url,
      ...promptSpans({ trace: 290, answer: 'another' }),
      ...promptSpans({ trace: 400 }),
    );
    const second = await since(collector, path, first.value.version);
    expect(second.value.delta.placed.map(([index, { id }]: any) => [index, id])).toEqual([
      [0, traceId(400)],
      [11, traceId(290)],
    ]);
    expect(second.value.delta.removed).toEqual([traceId(101)]);
    expect(second.bytes).toBeLessThan(first.bytes / 20);
  });

  test('who asks again and again gets the traces that changed, and learns when it missed some', async () => {
    const collector = await start();
    const changes = (cursor: string) => json(collector, `/viewer/api/changes?since=${cursor}`);
    const first = await changes('');
    expect(first.isAll).toBe(true);
    await send(collector.url, root, { ...root, trace: 2 });
    const second = await changes(first.cursor);
    expect(second).toMatchObject({ ids: [traceId(1), traceId(2)], isAll: false });
    expect(await changes(second.cursor)).toEqual({ ...second, ids: [] });
    for (const cursor of ['x', '.', `0.${1}`, `${second.cursor}0`, '__proto__.1']) {
      expect((await changes(cursor)).isAll).toBe(true);
    }
    await send(
      collector.url,
      ...Array.from({ length: 6_000 }, (_, n) => ({ ...root, trace: n + 10 })),
    );
    expect((await changes(second.cursor)).isAll).toBe(true);
  });
});

describe('search', () => {
  const found = async (collector: Collector, q: string) => {
    const page = await json(
      collector,
      `/viewer/api/traces?texts=true&${new URLSearchParams({ q })}`,
    );
    return page.traces.map(({ id }: any) => id);
  };

  test('it finds names, ids and content in any case, and not the schemas of tools', async () => {
    const collector = await start();
    await send(
      collector.url,
      ...promptSpans({
        trace: 1,
        question: 'Is the (ORCHID) [cold]?',
        metadata: { customer: 'Acme' },
      }),
      ...promptSpans({ trace: 2, question: 'ÄRGER mit Größe \\ 100 %' }),
      {
        n: 0,
        trace: 3,
        name: 'x',
        start: 0,
        end: 1,
        input: { messages: [], tools: [{ name: 'rake', place: 'shed' }], functions: 'tidal' },
        output: { tools: ['hammer'], functions: [] },
      },
      {
        n: 1,
        trace: 3,
        parent: 0,
        name: 'llm:x',
        type: 'llm',
        start: 0,
        end: 1,
        input: {
          tools: [
            { name: 'secret_tool', input_schema: { type: 'object' } },
            { functionDeclarations: [{ name: 'secret_tool' }] },
            { name: 'spade', rust: true },
          ],
          functions: [{ name: 'secret_tool', parameters: {} }],
        },
      },
    );
    for (const needle of ['hammer', 'tidal', 'rake', 'shed', 'spade'])
      expect([needle, await found(collector, needle)]).toEqual([needle, [traceId(3)]]);
    const one = [traceId(1)];
    for (const needle of ['(orchid) [COLD]?', 'acme', 'row-1-0', spanId(2), ' orchid ']) {
      expect([needle, await found(collector, needle)]).toEqual([needle, one]);
    }
    for (const needle of ['ärger', 'GRÖSSE'.replace('SS', 'ß'), '\\ 100 %']) {
      expect([needle, await found(collector, needle)]).toEqual([needle, [traceId(2)]]);
    }
    expect(await found(collector, 'tool:water')).toHaveLength(2);
    for (const needle of [
      'Waters a bed',
      'secret_tool',
      '.*',
      'coldgardener',
      '\u0000',
      '\ud800',
    ]) {
      expect([needle, await found(collector, needle)]).toEqual([needle, []]);
    }
    const { traces } = await json(collector, '/viewer/api/traces?texts=true&q=orchid');
    expect(traces[0].excerpt).toEqual(['Is the (', 'ORCHID', ') [cold]?']);
  });

  test('comments on a span are found as a part of it', async () => {
    const collector = await start();
    const comment = (id: string, text: string, about = 'row-1-1') => ({
      ...commentOn(about, id, text),
      _audit_metadata: { user: `of ${id}` },
    });
    // The order of arrival does not matter.
    await post(collector, comment('c1', 'Dry soil'));
    await send(collector.url, root, { n: 1, parent: 0, name: 'tool:a', start: 0, end: 1 });
    await post(collector, comment('c2', 'Wet LEAVES'), comment('c3', 'elsewhere', 'none'));
    for (const needle of ['dry soil', 'wet leaves', 'of c1']) {
      expect([needle, await found(collector, needle)]).toEqual([needle, [traceId()]]);
      const path = `/viewer/api/trace?id=${traceId()}&${new URLSearchParams({ q: needle })}`;
      expect(await json(collector, path)).toMatchObject({
        matches: ['row-1-1'],
        ancestors: ['row-1-0'],
      });
    }
    expect(await found(collector, 'elsewhere')).toEqual([]);
    const { comments } = await json(collector, `/viewer/api/span?trace=${traceId()}&row=row-1-1`);
    expect(comments.map(({ id }: any) => id)).toEqual(['c1', 'c2']);

    await post(collector, { ...comment('c2', ''), _object_delete: true });
    expect(await found(collector, 'wet leaves')).toEqual([]);
    await send(collector.url, { n: 1, name: 'tool:a', start: 0, _object_delete: true });
    expect(await found(collector, 'dry soil')).toEqual([]);
    expect(collector.row('c1')).toBeDefined();
  });

  test('a comment is found in the trace that its span is in, also when that has moved or come back', async () => {
    const collector = await start();
    const span = { n: 1, parent: 0, name: 'tool:a', start: 0, end: 1 };
    const moved = { ...row(span), root_span_id: traceId(2) };
    await send(collector.url, root, { ...root, trace: 2 }, span);
    await post(collector, commentOn('row-1-1', 'c1', 'Needle'));
    expect(await found(collector, 'needle')).toEqual([traceId()]);
    await post(collector, moved);
    expect(await found(collector, 'needle')).toEqual([traceId(2)]);
    await post(collector, { ...moved, _object_delete: true });
    expect(await found(collector, 'needle')).toEqual([]);
    await post(collector, moved);
    expect(await found(collector, 'needle')).toEqual([traceId(2)]);
  });

  test('of many comments on a span, the first ones are shown, with their number', async () => {
    const collector = await start();
    await send(collector.url, root);
    const ids = Array.from({ length: 300 }, (_, n) => `c${n}`);
    await post(collector, ...ids.map((id) => commentOn('row-1-0', id, 'Yes.')));
    const view = await json(collector, `/viewer/api/span?trace=${traceId()}&row=row-1-0`);
    expect(view.comments.map(({ id }: any) => id)).toEqual(ids.slice(0, 200));
    expect(view.commentCount).toBe(300);
  });

  test('results follow what changes, and what goes', async () => {
    const collector = await start();
    await send(collector.url, { ...root, input: 'a fern' });
    expect(await found(collector, 'fern')).toHaveLength(1);
    await send(collector.url, { ...root, input: 'a moss' }, { ...root, trace: 2, output: 'FERN' });
    expect(await found(collector, 'fern')).toEqual([traceId(2)]);
    await send(collector.url, { ...root, trace: 2, _object_delete: true });
    expect(await found(collector, 'fern')).toEqual([]);
    expect(await found(collector, 'moss')).toEqual([traceId(1)]);
  });

  test('within a trace, matches come with the spans above them', async () => {
    const collector = await start();
    await send(
      collector.url,
      { n: 0, name: 'flue.prompt', start: 0, end: 9 },
      { n: 1, parent: 0, name: 'tool:task', start: 1, end: 8 },
      { n: 2, parent: 1, name: 'task:a', start: 2, end: 7 },
      { n: 3, parent: 2, name: 'tool:deep', start: 3, end: 4, output: 'needle' },
      { n: 4, parent: 1, name: 'tool:b', start: 5, end: 6, output: 'needle' },
      { n: 5, parent: 0, name: 'tool:other', start: 8, end: 9 },
    );
    const view = await json(collector, `/viewer/api/trace?id=${traceId()}&q=needle`);
    expect(view.matches).toEqual(['row-1-3', 'row-1-4']);
    expect(view.ancestors.toSorted()).toEqual(['row-1-0', 'row-1-1', 'row-1-2']);
    expect(view.spans).toHaveLength(6);
    const all = await json(collector, `/viewer/api/trace?id=${traceId()}`);
    expect([all.matches, all.ancestors]).toEqual([null, null]);
  });

  test('rows are taken in while a search goes through many', async () => {
    const collector = await start();
    const text = 'lorem ipsum dolor sit amet '.repeat(2_000);
    for (let trace = 1; trace <= 40; trace += 1) {
      const spans = Array.from({ length: 25 }, (_, n) => ({
        n,
        trace,
        name: 'x',
        start: 0,
        end: 1,
        input: text + n,
      }));
      await send(collector.url, ...spans);
    }
    const searching = { isDone: false };
    const search = found(collector, 'not there at all').finally(() => (searching.isDone = true));
    let posts = 0;
    for (; !searching.isDone; posts += 1) {
      await send(collector.url, { ...root, trace: 1_000 + posts });
    }
    expect(await search).toEqual([]);
    // On the thread that takes rows in, the search would come before all but the first.
    expect(posts).toBeGreaterThan(4);
  });
});

describe('conversations', () => {
  test('all messages are there, with steps and delegated tasks between', async () => {
    const collector = await start();
    const ids = {
      'flue.conversation_id': 'c',
      'flue.instance_id': 'i',
      'flue.agent_name': 'gardener',
    };
    await send(collector.url, ...promptSpans({ trace: 1, conversation: 'c', instance: 'i' }));
    await send(
      collector.url,
      {
        n: 0,
        trace: 2,
        name: 'flue.prompt',
        start: 50,
        end: 60,
        input: 'Ask the botanist.',
        output: 'It is a fern.',
        metadata: ids,
      },
      { n: 1, trace: 2, parent: 0, name: 'tool:task', type: 'tool', start: 51, end: 58 },
      {
        n: 2,
        trace: 2,
        parent: 1,
        name: 'task:botanist',
        start: 51,
        end: 58,
        input: 'What is it?',
        output: 'A fern.',
        metadata: { 'flue.conversation_id': 'other' },
      },
      { n: 3, trace: 2, parent: 2, name: 'flue.prompt', start: 51, end: 58, input: 'What is it?' },
      {
        n: 4,
        trace: 2,
        parent: 3,
        name: 'llm:moss-1',
        type: 'llm',
        start: 51,
        end: 52,
        output: { role: 'assistant', content: [{ type: 'text', text: 'A fern.' }] },
      },
      { n: 5, trace: 2, parent: 0, name: 'sensor', type: 'function', start: 58, end: 59 },
    );
    const view = await json(collector, '/viewer/api/conversation?key=conversation/c');
    expect(view).toMatchObject({
      agent: 'gardener',
      instance: 'instance/i/gardener',
      traces: 2,
      conversations: 1,
    });
    const shape = (items: any[]): unknown =>
      items.map(({ kind, name, text, items }) =>
        items.length > 0 ? [kind, name, shape(items)] : `${kind} ${text || name}`,
      );
    expect(view.turns.map(({ items }: any) => shape(items))).toEqual([
      ['user question 1', 'step llm:moss-1', 'step {"bed":7}', 'assistant answer 1'],
      [
        'user Ask the botanist.',
        [
          'step',
          'tool:task',
          [['task', 'task:botanist', ['user What is it?', 'assistant A fern.']]],
        ],
        'step sensor',
        'assistant It is a fern.',
      ],
    ]);
    expect(view.turns[0].items.at(-1)).toMatchObject({ name: 'llm:moss-1', spanId: spanId(3) });
    const byInstance = await json(collector, '/viewer/api/conversation?key=instance/i/gardener');
    expect(byInstance.turns).toHaveLength(2);
    const { status } = await ask(collector, '/viewer/api/conversation?key=__proto__');
    expect(status).toBe(404);
  });

  test('what an attempt left open that another one followed is interrupted, and does not run', async () => {
    const collector = await start();
    const lost = { end: undefined };
    await send(
      collector.url,
      {
        ...root,
        end: 40,
        input: 'Weigh it.',
        metadata: { 'flue.operation': 'prompt', 'flue.conversation_id': 'c' },
      },
      part(1, 'op_1', 'llm:m', 1, lost),
      part(2, 'op_2', 'llm:m', 36),
    );
    const view = await json(collector, '/viewer/api/conversation?key=conversation/c');
    expect(view.running).toBe(false);
    const story = 'attempt 1 died in llm:m; 35.0 s later attempt 2 finished';
    expect(view.turns[0].summary).toMatchObject({ story, took: 40, interrupted: 1 });
    expect(view.turns[0].items.map(({ interrupted }: any) => interrupted)).toEqual([
      false,
      true,
      false,
    ]);
    await collector.waitFor(() => collector.pendingTraces().length === 0, HANGS_MS);
    expect(collector.traces()).toMatchObject([{ finished: true, openSpans: 0 }]);
  });

  test('a conversation of thousands of traces, and of traces with any spans, comes in parts', async () => {
    const collector = await start();
    const prompts = Array.from({ length: 2_000 }, (_, n) =>
      promptSpans({ trace: n + 1, conversation: 'c' }),
    );
    const chain = Array.from({ length: 3_000 }, (_, n) => ({
      n: n + 10,
      trace: 2_000,
      parent: n === 0 ? 0 : n + 9,
      name: 'flue.prompt',
      start: 20_000,
      end: 20_001,
    }));
    for (let n = 0; n < 2_000; n += 500) {
      await send(collector.url, ...prompts.slice(n, n + 500).flat());
    }
    await send(collector.url, ...chain);
    const first = await ask(collector, '/viewer/api/conversation?key=conversation/c&last=3');
    const view = JSON.parse(first.body);
    expect([view.traces, view.turns.length]).toEqual([2_000, 3]);
    expect(first.body.length).toBeLessThan(200_000);
    await send(collector.url, ...promptSpans({ trace: 1_999, conversation: 'c', answer: 'new' }));
    const second = await json(
      collector,
      `/viewer/api/conversation?key=conversation/c&last=3&since=${view.version}`,
    );
    expect(second.delta.placed.map(([index, turn]: any) => [index, turn.id])).toEqual([
      [1, traceId(1_999)],
    ]);
  });
});

describe('how much is kept', () => {
  const names = (collector: Collector) => collector.traces().map(({ spans }) => spans[0]?.name);
  const trace = (n: number, more = {}) => ({ ...root, trace: n, name: `t${n}`, ...more });

  test('of more traces than are kept, those that did not change for the longest time are dropped', async () => {
    const collector = await start({ keep: { traces: 3, bytes: 1e9 } });
    for (const n of [1, 2, 3, 4]) await send(collector.url, trace(n));
    expect(names(collector)).toEqual(['t2', 't3', 't4']);
    await send(collector.url, trace(2, { output: 'changed' }));
    await send(collector.url, trace(5));
    expect(names(collector)).toEqual(['t2', 't4', 't5']);
    expect(collector.row('row-1-0')).toBeUndefined();
    const page = await json(collector, '/viewer/api/traces');
    expect([page.total, page.all]).toEqual([3, 3]);
    expect((await ask(collector, `/viewer/api/trace?id=${traceId(3)}`)).status).toBe(404);
  });

  test('rows of a dropped trace are shown, and marked as a part', async () => {
    const collector = await start({ keep: { traces: 1, bytes: 1e9 } });
    await send(collector.url, trace(1));
    await send(collector.url, trace(2));
    await send(collector.url, trace(1, { output: 'late' }));
    const { traces } = await json(collector, '/viewer/api/traces');
    expect(traces).toMatchObject([{ id: traceId(1), partial: true }]);
  });

  test.each([
    ['a text', () => 'x'.repeat(100_000), 29],
    ['one with a character of two bytes', () => `${'x'.repeat(99_999)}…`, 14],
    ['numbers', () => Array.from({ length: 12_500 }, (_, n) => n / 3), 29],
    ['numbers in objects', () => Array.from({ length: 1_800 }, () => ({ n: 2 ** 31 })), 29],
    ['objects without members', () => Array.from({ length: 1_500 }, () => ({})), 30],
  ])('what it takes in memory counts: %s', async (_name, input, kept) => {
    const collector = await start({ keep: { traces: 1_000, bytes: 3_000_000 } });
    for (let n = 1; n <= 60; n += 1) await send(collector.url, trace(n, { input: input() }));
    expect(Math.abs(collector.traces().length - kept)).toBeLessThan(2);
  });

  test('the comments on a trace are dropped with it, and not before', async () => {
    const collector = await start({ keep: { traces: 1, bytes: 1e9 } });
    const comment = commentOn('row-1-0', 'c', 'Yes.');
    await post(collector, comment);
    await send(collector.url, trace(1));
    expect(collector.traces()[0]?.spans[0]?.comments).toEqual([comment]);
    await send(collector.url, trace(2));
    expect(collector.rows()).toEqual([collector.row('row-2-0')]);
    // The trace is gone: what comes now belongs to none.
    await post(collector, comment);
    expect(collector.rows()).toHaveLength(2);
  });

  test('what was dropped is not missing: it breaks no rule of the protocol', async () => {
    const collector = await start({ keep: { traces: 1, bytes: 1e9 } });
    const end = { span_attributes: undefined, created: undefined, metrics: { start: undefined } };
    await send(collector.url, trace(1, { end: undefined }), trace(2));
    await send(collector.url, trace(1, end), { ...root, n: 2, parent: 1, name: 'late' });
    expect(collector.traces().map(({ id, problems }) => [id, problems])).toEqual([
      [traceId(1), []],
    ]);
    expect(collector.traces()[0]?.spans).toMatchObject([
      { name: '(no name)', start: null, error: null },
      { name: 'late' },
    ]);
  });

  test('memory is bounded whatever comes: large rows, rows without a trace, requests and problems', async () => {
    const collector = await start({ keep: { traces: 1_000, bytes: 3_000_000 } });
    const large = 'x'.repeat(100_000);
    for (let n = 1; n <= 100; n += 1)
      await send(collector.url, trace(n, { input: large, [`odd${n}`]: 1 }));
    const kept = collector.traces().length;
    expect(kept).toBeGreaterThan(20);
    expect(kept).toBeLessThan(35);
    expect(collector.rows()).toHaveLength(kept);
    for (let from = 0; from < 24_000; from += 8_000) {
      const rows = Array.from({ length: 8_000 }, (_, n) => ({
        ...row({ n: from + n, name: 'loose', start: 0 }),
        root_span_id: undefined,
      }));
      await post(collector, ...rows);
    }
    expect(collector.rows().length).toBeLessThan(11_000);
    expect(collector.problems.length).toBeLessThan(10_000);
    expect(collector.problemCount).toBeGreaterThan(24_000);
  });

  test('a file is read within the same bound, and can be cleared', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'flue-braintrust-viewer-'));
    const file = join(directory, 'rows.ndjson');
    const keep = { traces: 2, bytes: 1e9 };
    const first = await start({ file, keep });
    for (const n of [1, 2, 3]) await send(first.url, trace(n));
    await first.close();
    const second = await start({ file, keep });
    expect(names(second)).toEqual(['t2', 't3']);
    await second.close();
    const third = await start({ file, clear: true });
    expect(names(third)).toEqual([]);
    await send(third.url, trace(4));
    await third.close();
    expect(names(await start({ file }))).toEqual(['t4']);
    await rm(directory, { recursive: true });
  });
});

describe('attachments', () => {
  const key = '2cf24dba-5fb0-830e-a6e8-3b2ac5b9e29e';
  const served = async (contentType: string, filename = 'a.png') => {
    const collector = await start();
    await attach(collector.url, key, PIXEL, contentType, filename);
    return ask(collector, `/viewer/api/attachment?key=${key}`);
  };

  test('a picture is shown', async () => {
    const { status, headers } = await served('image/png');
    expect([status, headers['content-type']]).toEqual([200, 'image/png']);
    expect(headers['content-disposition']).toBe('inline; filename="a.png"');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test.each(['image/svg+xml', 'text/html', 'application/pdf', 'image/png/html', 'text/javascript'])(
    'a file of type %s is never rendered',
    async (contentType) => {
      const { headers } = await served(
        contentType.replace(/^(\w+\/\w+)\/.*/, '$1x'),
        '../"é\n.html',
      );
      expect(headers['content-type']).toBe('application/octet-stream');
      expect(headers['content-disposition']).toMatch(/^attachment; filename="[\w.-]+"$/);
      expect(headers['content-security-policy']).toBe(`default-src 'none'; sandbox`);
      expect(headers['x-content-type-options']).toBe('nosniff');
    },
  );

  test('what was not uploaded is not there', async () => {
    const collector = await start();
    await announce(collector.url, { key });
    for (const query of [`?key=${key}`, '?key=__proto__', '']) {
      expect((await ask(collector, `/viewer/api/attachment${query}`)).status).toBe(404);
    }
  });
});

describe('the file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flue-braintrust-viewer-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('what it kept is there again at the next start, and goes on from there', async () => {
    const file = join(directory, 'rows.ndjson');
    const first = await start({ file });
    await send(first.url, { n: 0, name: 'flue.prompt', start: 0, input: 'hello' });
    await first.close();

    const second = await start({ file });
    expect(second.traces()).toMatchObject([{ finished: false, spans: [{ name: 'flue.prompt' }] }]);
    await send(second.url, { n: 0, name: 'flue.prompt', start: 0, end: 2 });
    await second.close();

    const third = await start({ file });
    expect(third.row('row-1-0')).toMatchObject({ input: 'hello', metrics: { end: 1_800_000_002 } });
    expect(third.problems).toEqual([]);
  });

  test('a line that a crash left torn is left out, and reported', async () => {
    const file = join(directory, 'rows.ndjson');
    const first = await start({ file });
    await send(first.url, root);
    await first.close();
    await writeFile(file, `${await readFile(file, 'utf8')}{"id":"to`);
    const second = await start({ file });
    expect(second.rows()).toHaveLength(1);
    expect(second.problems).toEqual([
      {
        rowId: null,
        problem: expect.stringMatching(
          /^the file has 1 line without a row, left out: line \d+ is not JSON: /,
        ),
      },
    ]);
  });

  test('what was exported is a file that can be opened', async () => {
    const first = await start();
    // A comment on a span that is not here, and one on a span.
    await post(first, commentOn('none', 'on-none', 'No.'));
    await send(first.url, root, { ...root, trace: 2 });
    await post(first, commentOn('row-2-0', 'on-row-2-0', 'Yes.'));
    for (const [path, ids] of [
      ['', ['row-1-0', 'row-2-0', 'on-row-2-0', 'on-none']],
      [`?id=${traceId(2)}`, ['row-2-0', 'on-row-2-0']],
    ] as const) {
      const file = join(directory, `export-${ids.length}.ndjson`);
      await writeFile(file, (await ask(first, `/viewer/api/export${path}`)).body);
      const again = await start({ file });
      expect(again.rows()).toEqual(ids.map((id) => first.row(id)));
    }
  });

  test('an export is sent as it is read: more than a string can hold, and others are served meanwhile', async () => {
    const text = 'x'.repeat(1_000_000);
    let reads = 0;
    const viewer = new Viewer({
      host: '127.0.0.1',
      token: undefined,
      // Together they are longer than the longest string of V8.
      traceIds: () => Array.from({ length: 700 }, (_, n) => traceId(n + 1)),
      rowsOfTrace: (id) => {
        reads += 1;
        return [{ ...row({ n: 0, name: id, start: 0 }), input: text }] as Row[];
      },
      trace: (id) => buildTrace(id, []),
      isPartial: () => false,
      looseRows: () => [],
      row: () => undefined,
      attachment: () => undefined,
    });
    const server = createServer((request, response) => viewer.serve(request, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/viewer/api`;
      const response = await fetch(`${url}/export`);
      expect(response.status).toBe(200);
      const reader = response.body?.getReader();
      const first = await reader?.read();
      expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^\{"id":"row-1-0"/);
      expect((await fetch(`${url}/attachment`)).status).toBe(404);
      expect(reads).toBeGreaterThan(0);
      expect(reads).toBeLessThan(100);
      await reader?.cancel();
    } finally {
      viewer.close();
      server.closeAllConnections();
      server.close();
    }
  });
});
