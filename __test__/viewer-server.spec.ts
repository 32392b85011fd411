import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startCollector } from '../tools/collector';
import type { Collector, CollectorOptions } from '../tools/collector/types';
import { PIXEL, announce, attach } from './support/attachments';
import { send, spanId, traceId } from './support/spans';

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
      for (const path of ['/', '/viewer/api/traces', '/viewer/api/live', '/version']) {
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

describe('what it serves', () => {
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

  test('the links that the braintrust package prints lead to the span', async () => {
    const collector = await start();
    await send(collector.url, root);
    const place = `/#/trace/${traceId()}/span/${spanId(0)}`;
    for (const query of ['object_type=project_logs&id=row-1-0', `r=${traceId()}&s=${spanId(0)}`]) {
      const { status, headers } = await ask(collector, `/app/local/object?${query}`);
      expect([status, headers.location]).toEqual([302, place]);
    }
  });

  test('what the page asks for is not counted among the requests of applications', async () => {
    const collector = await start();
    await ask(collector, '/');
    await ask(collector, '/viewer/api/traces');
    expect(collector.requests).toEqual([]);
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
      { rowId: null, problem: 'the file has 1 line without a row, left out' },
    ]);
  });

  test('what was exported is a file that can be opened', async () => {
    const first = await start();
    await send(first.url, root, { ...root, trace: 2 });
    for (const [path, count] of [
      ['', 2],
      [`?id=${traceId(2)}`, 1],
    ] as const) {
      const file = join(directory, `export-${count}.ndjson`);
      await writeFile(file, (await ask(first, `/viewer/api/export${path}`)).body);
      const again = await start({ file });
      expect(again.rows()).toEqual(first.rows().slice(-count));
    }
  });
});
