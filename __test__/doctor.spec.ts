import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, type Socket, createServer as createTcpServer } from 'node:net';
import { dirname, join } from 'node:path';
import { startCollector } from '../tools/collector';
import { explained } from '../tools/doctor/explain';
import { DEFAULT_PORT, OTHER_PORTS } from '../tools/support/ports';
import type { Collector, Intercept } from '../tools/collector/types';
import { cli } from './support/cli';
import {
  CERTIFICATE,
  type Listener,
  closedPort,
  portsOfDev,
  tlsInFrontOf,
  tunnelProxy,
} from './support/network';
import { makeWorkspace } from './support/project';
import { withDirectory } from './support/run';

const KEY = 'sk-verysecret-4711';
const ORDER = [
  'node',
  'application',
  'native',
  'environment',
  'network',
  'login',
  'organisation',
  'project',
  'limits',
  'trace',
];

interface Finding {
  id: string;
  settings?: object[];
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  detail: string;
  advice?: string;
  link?: string;
}

const closing: { close(): Promise<void> }[] = [];

// Others would be found as the local collector.
let leave: () => Promise<void>;
beforeAll(async () => {
  leave = await portsOfDev();
});
afterAll(() => leave());

afterEach(async () => {
  for (const open of closing.splice(0).toReversed()) await open.close();
});

async function collector(options: { intercept?: Intercept } = {}): Promise<Collector> {
  const started = await startCollector({ apiKey: KEY, orgName: 'acme', ...options });
  closing.push(started);
  return started;
}

async function opened<T extends Listener>(listener: Promise<T>): Promise<T> {
  const open = await listener;
  closing.push(open);
  return open;
}

const portOf = (url: string) => Number(new URL(url).port);

/** The findings of `doctor`. Each call also checks that it does not print the key. */
async function examine(env: Record<string, string>, cwd?: string) {
  const ending = await cli(['doctor', '--json'], { env, ...(cwd && { cwd }) });
  expect(ending.stdout + ending.stderr).not.toContain(KEY);
  const { ok, checks } = JSON.parse(ending.stdout) as { ok: boolean; checks: Finding[] };
  expect(checks.map(({ id }) => id)).toEqual(ORDER);
  expect(ending.code).toBe(ok ? 0 : 1);
  const found = Object.fromEntries(checks.map((check) => [check.id, check]));
  return { ok, checks, found: (id: string) => found[id] as Finding };
}

/** Expects that only this check failed, and that all later ones were skipped. */
function expectFailure({ ok, checks }: Awaited<ReturnType<typeof examine>>, id: string): Finding {
  expect(ok).toBe(false);
  const failed = checks.filter(({ status }) => status === 'failed');
  expect(failed.map((check) => check.id)).toEqual([id]);
  const after = checks.slice(checks.findIndex((check) => check.id === id) + 1);
  expect(after.map(({ status }) => status)).toEqual(after.map(() => 'skipped'));
  return failed[0] as Finding;
}

test('with a healthy collector all is well, and the link is that of a trace that is there', async () => {
  const server = await collector();
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url });
  expect(result.ok).toBe(true);
  const statuses = ORDER.map((id) => (id === 'application' ? 'skipped' : 'ok'));
  expect(result.checks.map(({ status }) => status)).toEqual(statuses);
  expect(result.found('organisation').detail).toContain('acme');
  expect(result.found('project').detail).toContain('Flue');
  expect(result.found('limits').detail).toContain('5.0 MiB');

  const [row, ...others] = server.rows();
  expect(others).toEqual([]);
  expect(server.problems).toEqual([]);
  const link = new URL(String(result.found('trace').link));
  expect(link.origin + link.pathname).toBe(`${server.url}/app/acme/object`);
  expect(Object.fromEntries(link.searchParams)).toEqual({
    object_type: 'project_logs',
    object_id: row?.project_id,
    id: row?.id,
  });
  expect(result.found('trace').detail).toContain(String(row?.root_span_id));
  // The collector's own page finds it by that.
  const shown = await fetch(link, { redirect: 'manual' });
  expect(shown.headers.get('location')).toContain(String(row?.root_span_id));
});

test('for people there is a line for each check, and no colour where there is no terminal', async () => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  const ending = await cli(['doctor'], { env });
  expect(ending.code).toBe(0);
  expect(ending.stderr).toBe('');
  expect(ending.stdout.split('\n').filter((line) => line.startsWith('✓'))).toHaveLength(9);
  expect(ending.stdout).toMatch(/\n\nTraces arrive\.\n$/);
  expect(ending.stdout).not.toContain('\u001b');
  expect(ending.stdout).not.toContain(KEY);
});

test.each([
  ['BRAINTRUST_ORG_NAME', KEY],
  ['FLUE_BRAINTRUST_REDACT', KEY],
  ['BRAINTRUST_PROJECT_NAME', KEY],
  ['BRAINTRUST_API_URL', `http://user?${KEY}@127.0.0.1:1`],
  ['BRAINTRUST_API_URL', 'http://127.0.0.1:1/v1?token=sk-verysecret-'],
])('a secret in %s is not printed: %s', async (variable, value) => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url, [variable]: value };
  for (const more of [[], ['--json']]) {
    const { stdout, stderr } = await cli(['doctor', ...more], { env });
    expect(stdout).toContain(more.length > 0 ? '"checks"' : 'Settings');
    expect(stdout + stderr).not.toContain('sk-verysecret');
  }
});

test('a wrong key is distinguished from a wrong address', async () => {
  const server = await collector();
  const wrongKey = await examine({
    BRAINTRUST_API_KEY: 'sk-other',
    BRAINTRUST_APP_URL: server.url,
  });
  const refused = expectFailure(wrongKey, 'login');
  expect(refused.detail).toContain('the key is not accepted');
  expect(refused.detail).toContain('401');
  expect(refused.advice).toContain('BRAINTRUST_API_KEY');

  const elsewhere = await examine({
    BRAINTRUST_API_KEY: KEY,
    BRAINTRUST_APP_URL: `${server.url}/elsewhere`,
  });
  const lost = expectFailure(elsewhere, 'login');
  expect(lost.detail).toContain('is not Braintrust');
  expect(lost.advice).toContain('BRAINTRUST_APP_URL');
});

test.each(['/api/apikey/login', '/api/project/register'])(
  'an organisation that has to pay is not taken for a wrong address or key: %s',
  async (path) => {
    const intercept = (request: { path: string }) =>
      request.path === path ? { status: 402 } : undefined;
    const server = await collector({ intercept });
    const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url });
    const refused = expectFailure(result, path.includes('login') ? 'login' : 'project');
    expect(refused.detail).toContain('402 Payment Required');
    expect(refused.advice).toContain('the plan and the usage');
  },
);

test('a web page instead of Braintrust is a wrong address, too', async () => {
  const page = createServer((_, response) => response.end('<html>Welcome</html>'));
  await new Promise<void>((done) => page.listen(0, '127.0.0.1', done));
  closing.push({ close: () => new Promise((done) => page.close(() => done())) });
  const { port } = page.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: url });
  expect(expectFailure(result, 'login').detail).toContain(`${url} is not Braintrust`);
});

test('a server in trouble is not a fault of the key', async () => {
  const server = await collector({ intercept: () => ({ status: 503 }) });
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url });
  expect(expectFailure(result, 'login').detail).toContain('the server reports a problem');
});

test('of settings of which one is wrong, the others are shown', async () => {
  const result = await examine({
    BRAINTRUST_API_KEY: KEY,
    BRAINTRUST_APP_URL: 'nonsense',
    BRAINTRUST_PROJECT_NAME: 'Greenhouse',
  });
  const [, appUrl, apiUrl, , project] = expectFailure(result, 'environment').settings ?? [];
  expect(appUrl).not.toHaveProperty('value');
  expect(apiUrl).toMatchObject({ setting: 'API URL', value: 'from the login' });
  expect(project).toMatchObject({ setting: 'project', value: 'Greenhouse' });
});

test('a variable that is blank leaves that of --env-file in force', async () => {
  const server = await collector();
  await withDirectory(async (directory) => {
    const file = join(directory, 'variables');
    writeFileSync(file, `BRAINTRUST_API_KEY=${KEY}\nBRAINTRUST_APP_URL=${server.url}\n`);
    const env = { BRAINTRUST_API_KEY: '', BRAINTRUST_APP_URL: ' ' };
    const ending = await cli(['doctor', '--env-file', file], { env });
    expect(ending.code).toBe(0);
    expect(ending.stdout).toContain(`${server.url} (BRAINTRUST_APP_URL, ${file})`);
    expect(server.rows()).toHaveLength(1);
  });
});

test.each([
  [undefined, 'local'],
  ['the-token', '<the token that it has printed>'],
])(
  'without a key, it states the variables for a local collector whose token is %s',
  async (token, shown) => {
    const server = await onDefaultPort(token);
    const { advice } = expectFailure(await examine({}), 'environment');
    expect(advice).toContain(`runs at ${server.url}: `);
    expect(advice).toContain(`BRAINTRUST_API_KEY=${shown}, BRAINTRUST_ORG_NAME=local, `);
  },
);

test('a local collector on a busy machine is found, and a program that never answers hides none', async () => {
  const silent = createTcpServer();
  await onFreePort(async (port) => {
    silent.listen(port, '127.0.0.1');
    await once(silent, 'listening');
    return { close: async () => void silent.close() };
  });
  const slow = createServer((request, response) => {
    const answer = () => response.end('flue-braintrust dev');
    if (request.url === '/') setTimeout(answer, 1500);
    else answer();
  });
  const port = await onFreePort(async (at) => {
    slow.listen(at, '127.0.0.1');
    await once(slow, 'listening');
    return { close: async () => void slow.close() };
  });
  const { advice } = expectFailure(await examine({}), 'environment');
  expect(advice).toContain(`runs at http://127.0.0.1:${port}: `);
});

test('without a key, a local collector that answers nothing more is not a failure of its own', async () => {
  const broken = createServer((request, response) => {
    if (request.url === '/') response.end('flue-braintrust dev');
    else request.socket.destroy();
  });
  await onFreePort(async (port) => {
    broken.listen(port, '127.0.0.1');
    await once(broken, 'listening');
    return { close: async () => void broken.close() };
  });
  const { advice } = expectFailure(await examine({}), 'environment');
  expect(advice).toContain('npx flue-braintrust dev');
});

/** A collector on the first free port on which `doctor` looks for one. */
async function onDefaultPort(apiKey: string | undefined) {
  let started: Collector | undefined;
  await onFreePort(async (port) => (started = await startCollector({ port, apiKey })));
  return started as Collector;
}

/** Starts something on the first free port on which `doctor` looks for a collector. */
async function onFreePort(start: (port: number) => Promise<{ close(): Promise<void> }>) {
  for (const port of [DEFAULT_PORT, ...OTHER_PORTS]) {
    const started = await start(port).catch(() => undefined);
    if (started === undefined) continue;
    closing.push(started);
    return port;
  }
  throw new Error('all ports of `dev` are taken');
}

test('a closed port is reported as such', async () => {
  const at = `127.0.0.1:${await closedPort()}`;
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: `http://${at}` });
  const failed = expectFailure(result, 'network');
  expect(failed.detail).toContain(
    `nothing listens at ${at}: \`flue-braintrust dev\` is not running there`,
  );
  expect(failed.advice).toContain('BRAINTRUST_APP_URL');
});

test('a name that does not exist is reported as such', async () => {
  const url = 'https://braintrust.invalid';
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: url });
  const failed = expectFailure(result, 'network');
  expect(failed.detail).toContain('the name braintrust.invalid cannot be resolved');
});

test('a name that nobody has set is not looked for in a variable', async () => {
  // As without a network: the address is the default one, or that of the login.
  const { detail, advice } = await explained('', 'https://api.invalid', null, 'BRAINTRUST_API_URL');
  expect(detail).toContain('the name api.invalid cannot be resolved');
  expect(advice).toContain('set HTTPS_PROXY');
  expect(advice).not.toContain('BRAINTRUST_API_URL');
});

test.each([
  ['sends nothing', () => {}, 'sends no response in time', 'FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS'],
  ['closes the connection', (socket: Socket) => socket.end(), 'sends no HTTP response', 'port'],
  [
    'speaks another protocol',
    (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
    'sends no HTTP response',
    'port',
  ],
])('a server that %s is no fault to report', async (_name, onConnection, problem, remedy) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push({
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const { port } = server.address() as AddressInfo;
  const result = await examine({
    BRAINTRUST_API_KEY: KEY,
    BRAINTRUST_APP_URL: `http://127.0.0.1:${port}`,
    FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS: '1000',
  });
  const failed = expectFailure(result, 'network');
  expect(failed.detail).toContain(problem);
  expect(failed.advice).toContain(remedy);
  expect(failed.advice).not.toContain('report');
});

test.each([
  ['/api/apikey/login', 'Set BRAINTRUST_APP_URL to https://www.braintrust.test.'],
  ['/sign-in?next=secret', 'such as to a sign-in page'],
])('an address that redirects to %s is named with the remedy', async (path, remedy) => {
  const server = createServer((_request, response) => {
    response.writeHead(308, { location: `https://www.braintrust.test${path}` }).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  closing.push({ close: async () => void server.close() });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: url });
  const { detail, advice } = expectFailure(result, 'login');
  const [place] = path.split('?');
  expect(detail).toContain(`${url} redirects to https://www.braintrust.test${place}, which`);
  expect(detail).not.toContain('secret');
  expect(advice).toContain(remedy);
});

test.each([
  ['quotes', `"${KEY}"`, 'has quotes, which count as a part of the key'],
  ['a quote', `${KEY}'`, 'has quotes, which count as a part of the key'],
  ['its name', `BRAINTRUST_API_KEY=${KEY}`, 'has more than the key'],
  ['a variable', '${BRAINTRUST_API_KEY}', 'has more than the key'],
  ['nothing more', 'another-key', 'Copy the key'],
])('a key with %s is named as such', async (_what, key, named) => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: key, BRAINTRUST_APP_URL: server.url };
  const { advice } = expectFailure(await examine(env), 'login');
  expect(advice).toContain(named);
});

test('a self-signed certificate is not trusted, until NODE_EXTRA_CA_CERTS names it', async () => {
  const server = await collector();
  const { port } = await opened(tlsInFrontOf(portOf(server.url)));
  const url = `https://127.0.0.1:${port}`;
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: url, BRAINTRUST_API_URL: url };
  const failed = expectFailure(await examine(env), 'network');
  expect(failed.detail).toContain('its certificate is signed by itself');
  expect(failed.advice).toContain('NODE_EXTRA_CA_CERTS');

  expect((await examine({ ...env, NODE_EXTRA_CA_CERTS: CERTIFICATE })).ok).toBe(true);
  expect(server.rows()).toHaveLength(1);
});

test('a server that speaks no TLS is distinguished from one that is not trusted', async () => {
  const server = await collector();
  const url = server.url.replace('http:', 'https:');
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: url });
  const failed = expectFailure(result, 'network');
  expect(failed.detail).toContain('does not speak TLS');
  expect(failed.advice).toContain('http:');
});

describe('behind a proxy', () => {
  const url = 'https://braintrust.test';
  const env = {
    BRAINTRUST_API_KEY: KEY,
    BRAINTRUST_APP_URL: url,
    BRAINTRUST_API_URL: url,
    NODE_EXTRA_CA_CERTS: CERTIFICATE,
  };

  async function proxied(password?: string) {
    const server = await collector();
    const secured = await opened(tlsInFrontOf(portOf(server.url)));
    const proxy = await opened(tunnelProxy(secured.port, password ? { password } : {}));
    return { server, proxy };
  }

  test('all is well, and the proxy is named without its password', async () => {
    const { server, proxy } = await proxied('pa55word');
    const HTTPS_PROXY = `http://user:pa55word@127.0.0.1:${proxy.port}`;
    const result = await examine({ ...env, HTTPS_PROXY });
    expect(result.ok).toBe(true);
    expect(result.found('network').detail).toContain(
      `through the proxy http://127.0.0.1:${proxy.port}`,
    );
    expect(JSON.stringify(result.checks)).not.toContain('pa55word');
    expect(new Set(proxy.asked)).toEqual(new Set(['braintrust.test:443']));
    expect(server.rows()).toHaveLength(1);
  });

  test('a proxy that wants a password is distinguished from the server', async () => {
    const { proxy } = await proxied('pa55word');
    const result = await examine({ ...env, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
    const failed = expectFailure(result, 'network');
    expect(failed.detail).toContain(
      `the proxy http://127.0.0.1:${proxy.port}/ requires credentials`,
    );
    expect(failed.advice).toContain('user:password');
  });

  test('a proxy that is not there is named', async () => {
    const at = `127.0.0.1:${await closedPort()}`;
    const failed = expectFailure(await examine({ ...env, HTTPS_PROXY: `http://${at}` }), 'network');
    expect(failed.detail).toContain(`nothing listens at the proxy ${at}`);
    expect(failed.advice).toContain('HTTPS_PROXY');
  });
});

test('an organisation that the key cannot access is reported, with those that it can', async () => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  const failed = expectFailure(
    await examine({ ...env, BRAINTRUST_ORG_NAME: 'other' }),
    'organisation',
  );
  expect(failed.detail).toContain('"acme"');
});

test('where the login works and the upload does not, the test trace fails', async () => {
  const server = await collector();
  const at = `127.0.0.1:${await closedPort()}`;
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  const result = await examine({ ...env, BRAINTRUST_API_URL: `http://${at}` });
  expect(result.found('limits').status).toBe('warning');
  const failed = expectFailure(result, 'trace');
  expect(failed.detail).toContain(`nothing listens at ${at}`);
  expect(failed.advice).toContain('BRAINTRUST_API_URL');
});

test('where addresses and ids are given there is no login, and the test trace tests the key', async () => {
  const server = await collector();
  const env = {
    BRAINTRUST_API_KEY: KEY,
    BRAINTRUST_APP_URL: server.url,
    BRAINTRUST_API_URL: server.url,
    BRAINTRUST_PROJECT_ID: '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f',
  };
  const well = await examine(env);
  expect(well.ok).toBe(true);
  expect(well.found('login').status).toBe('skipped');
  const refused = await examine({ ...env, BRAINTRUST_API_KEY: 'sk-other' });
  expect(expectFailure(refused, 'trace').detail).toContain('it is refused');
});

test('settings are found where initLogger finds them, and their places named', async () => {
  const server = await collector();
  await withDirectory(async (directory) => {
    const inner = join(directory, 'deep/inside');
    mkdirSync(inner, { recursive: true });
    const file = join(directory, '.env.braintrust');
    writeFileSync(file, `BRAINTRUST_API_KEY=${KEY}\nBRAINTRUST_APP_URL=${server.url}\n`);
    const result = await examine({ BRAINTRUST_PROJECT_NAME: 'Greenhouse' }, inner);
    expect(result.ok).toBe(true);
    expect(result.found('environment').detail).toBe(
      `in the environment: BRAINTRUST_PROJECT_NAME; in ${file}: BRAINTRUST_API_KEY, BRAINTRUST_APP_URL`,
    );
    expect(result.found('project').detail).toContain('Greenhouse');
    const settings = result.found('environment').settings ?? [];
    expect(settings.slice(0, 7)).toEqual([
      {
        setting: 'API key',
        value: 'set',
        source: '.env.braintrust',
        variable: 'BRAINTRUST_API_KEY',
        file,
      },
      {
        setting: 'app URL',
        value: server.url,
        source: '.env.braintrust',
        variable: 'BRAINTRUST_APP_URL',
        file,
      },
      { setting: 'API URL', value: 'from the login', source: 'default' },
      { setting: 'organisation', value: 'the first of the key', source: 'default' },
      {
        setting: 'project',
        value: 'Greenhouse',
        source: 'variable',
        variable: 'BRAINTRUST_PROJECT_NAME',
      },
      { setting: 'project id', value: 'by the name', source: 'default' },
      { setting: 'spool', value: 'none', source: 'default' },
    ]);
  });
});

test('a key that only Flue would find is pointed at, and can be used', async () => {
  const server = await collector();
  await withDirectory(async (directory) => {
    const lines = `BRAINTRUST_API_KEY=${KEY}\nBRAINTRUST_APP_URL=${server.url}\n`;
    writeFileSync(join(directory, '.env'), lines);
    const failed = expectFailure(await examine({}, directory), 'environment');
    expect(failed.detail).toContain('there is no API key');
    expect(failed.settings?.[0]).toEqual({
      setting: 'API key',
      value: 'not set',
      source: 'default',
    });
    const project = { setting: 'project', value: 'Flue', source: 'default' };
    expect(failed.settings).toContainEqual(project);
    expect(failed.advice).toContain('--env-file .env');
    const env = { FLUE_BRAINTRUST_CONTENT: 'false' };
    const ending = await cli(['doctor', '--env-file', '.env'], { cwd: directory, env });
    expect(ending.code).toBe(0);
    expect(ending.stdout).toMatch(/ API key +set \(BRAINTRUST_API_KEY, \.env\)\n/);
    expect(ending.stdout).toMatch(/ FLUE_BRAINTRUST_CONTENT +\(environment\)\n/);
    expect(ending.stdout).not.toContain(KEY);
  });
});

test("a key that only Cloudflare's tools would find is pointed at, and one that a Worker would not find is missed", async () => {
  const server = await collector();
  await withDirectory(async (directory) => {
    const devVars = join(directory, '.dev.vars');
    const lines = `BRAINTRUST_API_KEY=${KEY}\nBRAINTRUST_APP_URL=${server.url}\n`;
    writeFileSync(devVars, lines);
    const failed = expectFailure(await examine({}, directory), 'environment');
    expect(failed.advice).toBe(
      ".dev.vars has a key, which only Cloudflare's tools read: try `npx flue-braintrust doctor --env-file .dev.vars`.",
    );
    const args = ['doctor', '--env-file', '.dev.vars'];
    expect(await cli(args, { cwd: directory })).toMatchObject({ code: 0 });

    writeFileSync(join(directory, '.env'), lines);
    writeFileSync(devVars, 'MODEL_KEY=m\nBRAINTRUST_API_KEY=\n');
    const ending = await cli(['doctor', '--env-file', '.env'], { cwd: directory });
    expect(ending.code).toBe(0);
    expect(ending.stdout).toContain(
      'there is no BRAINTRUST_API_KEY in .dev.vars, from which alone',
    );
  });
});

test('a compatibility date with which a Worker finds no variables is a warning', async () => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  await withDirectory(async (directory) => {
    const report = async (date: string) => {
      writeFileSync(join(directory, 'wrangler.jsonc'), `{"compatibility_date":"${date}"}`);
      const { stdout } = await cli(['doctor', '--json'], { cwd: directory, env });
      return JSON.parse(stdout).checks.find(({ id }: { id: string }) => id === 'environment');
    };
    expect(await report('2025-03-31')).toMatchObject({
      status: 'warning',
      detail: expect.stringContaining('date 2025-03-31 in wrangler.jsonc, `process.env` is empty'),
      advice: expect.stringContaining('nodejs_compat_populate_process_env'),
    });
    expect(await report('2025-04-01')).toMatchObject({ status: 'ok' });
  });
});

test('a folder of a name that a shell would split is in quotes in the advice', async () => {
  await withDirectory(async (directory) => {
    makeWorkspace(directory, { '.env': `BRAINTRUST_API_KEY=${KEY}\n` });
    renameSync(join(directory, 'packages/agent'), join(directory, "packages/the keeper's"));
    const { advice } = expectFailure(await examine({}, directory), 'environment');
    const [, command = ''] = /try `(.*)`/.exec(advice ?? '') ?? [];
    const printed = execFileSync('sh', ['-c', `npx() { printf '%s\\n' "$@"; }; ${command}`]);
    expect(String(printed).split('\n')).toContain("packages/the keeper's/.env");
    const { stdout } = await cli(['doctor'], { cwd: directory });
    expect(stdout).toContain(String.raw`init 'packages/the keeper'\''s'`);
  });
});

test('without a key, the advice names a command that starts the application', async () => {
  await withDirectory(async (directory) => {
    const manifest = { dependencies: { '@flue/runtime': '2.1.0' } };
    writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
    const { advice } = expectFailure(await examine({}, directory), 'environment');
    expect(advice).toContain('`npx flue-braintrust dev -- npx vite dev`');
  });
});

test('in a workspace, a Node that is too old is named before anything fails in it', async () => {
  await withDirectory(async (directory) => {
    makeWorkspace(directory, {});
    // As on Node 20.
    const older = join(directory, 'older.cjs');
    writeFileSync(older, `delete require('fs').globSync;`);
    const env = { NODE_OPTIONS: `--require ${older}` };
    const { stdout, stderr } = await cli(['doctor'], { cwd: directory, env });
    expect(stdout).toContain('Traces do not arrive.');
    expect(stderr).toBe('');
  });
});

test('in a workspace, the files of its packages that depend on Flue are looked at', async () => {
  const server = await collector();
  await withDirectory(async (directory) => {
    makeWorkspace(directory, {
      'wrangler.toml': 'compatibility_date = "2024-09-23"',
      '.env': `BRAINTRUST_API_KEY=${KEY}\n`,
    });
    const at = (name: string) => join('packages', 'agent', name);
    const failed = expectFailure(await examine({}, directory), 'environment');
    expect(failed.advice).toBe(
      `${at('.env')} has a key, which only Flue reads: try \`npx flue-braintrust doctor --env-file ${at('.env')}\`.`,
    );
    const report = async () => {
      const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
      return (await cli(['doctor'], { cwd: directory, env })).stdout;
    };
    expect(await report()).toContain(
      `with the compatibility date 2024-09-23 in ${at('wrangler.toml')}, `,
    );
    expect(await report()).toContain(`Run \`npx flue-braintrust init ${at('.')}\`, unless`);
    writeFileSync(join(directory, at('.dev.vars')), '');
    expect(await report()).toContain(`there is no BRAINTRUST_API_KEY in ${at('.dev.vars')}, `);
  });
});

test('a byte order mark in the file of --env-file hides no variable, and UTF-16 is named', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'variables');
    const text = '\uFEFFBRAINTRUST_API_KEY=key-of-the-file\n';
    writeFileSync(file, text);
    const args = ['doctor', '--env-file', file];
    const env = { BRAINTRUST_APP_URL: `http://127.0.0.1:${await closedPort()}` };
    const marked = await cli(args, { cwd: directory, env });
    expect(marked.stdout).toContain(`set (BRAINTRUST_API_KEY, ${file})\n`);
    writeFileSync(file, text, 'utf16le');
    const wide = await cli(args, { cwd: directory, env });
    expect(wide).toMatchObject({ code: 1, stdout: '' });
    expect(wide.stderr).toBe(
      `flue-braintrust: --env-file: ${file} cannot be read (it is not UTF-8)\n`,
    );
  });
});

test('a spool is reported, and neither created nor used', async () => {
  const server = await collector();
  await withDirectory(async (directory) => {
    const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
    const spool = join(directory, 'spool');
    const result = await examine({ ...env, FLUE_BRAINTRUST_SPOOL_DIR: spool });
    expect(result.ok).toBe(true);
    expect(result.found('environment').detail).toContain(`; spool in ${spool}`);
    expect(existsSync(spool)).toBe(false);
  });
});

test('sampling leaves no test trace out', async () => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  expect(await examine({ ...env, FLUE_BRAINTRUST_SAMPLE_RATE: '0' })).toMatchObject({ ok: true });
  expect(server.rows()).toHaveLength(1);
});

test.each([
  ['a share of 0', { FLUE_BRAINTRUST_SAMPLE_RATE: '0.0' }, 'no trace is recorded'],
  ['an unknown level', { FLUE_BRAINTRUST_LOG: 'verbose' }, 'not one of warn, info and debug'],
  ['a spool below a file', { FLUE_BRAINTRUST_SPOOL_DIR: join(__filename, 'a/b') }, __filename],
  ['a spool that is a file', { FLUE_BRAINTRUST_SPOOL_DIR: __filename }, 'is not a directory'],
])('a setting by which less is recorded or kept is a warning: %s', async (_what, set, detail) => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url, ...set };
  const { found } = await examine(env);
  expect(found('environment')).toMatchObject({
    status: 'warning',
    detail: expect.stringContaining(detail),
  });
  const { stdout } = await cli(['doctor'], { env });
  expect(stdout).toMatch(
    /\nThe test trace has arrived\. A setting has a warning: see Settings\.\n$/,
  );
});

test('a level, a share and a spool that are usual are no warning', async () => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  const usual = { FLUE_BRAINTRUST_LOG: ' INFO ', FLUE_BRAINTRUST_SAMPLE_RATE: '1e-3' };
  await withDirectory(async (directory) => {
    const spool = { FLUE_BRAINTRUST_SPOOL_DIR: join(directory, 'new/spool') };
    const { found } = await examine({ ...env, ...usual, ...spool });
    expect(found('environment')).toMatchObject({ status: 'ok' });
  });
});

test('a variable that only JavaScript reads is checked, too', async () => {
  const env = { BRAINTRUST_API_KEY: KEY, FLUE_BRAINTRUST_METADATA: '{bad' };
  const failed = expectFailure(await examine(env), 'environment');
  expect(failed.detail).toContain('FLUE_BRAINTRUST_METADATA');
});

test.each([
  ['FLUE_BRAINTRUST_SPOOLDIR', ' is not read. Did you mean FLUE_BRAINTRUST_SPOOL_DIR?'],
  ['FLUE_BRAINTRUST_API_KEY', ' is not read. Did you mean BRAINTRUST_API_KEY?'],
  ['BRAINTRUST_SAMPLE_RATE', ' is not read. Did you mean FLUE_BRAINTRUST_SAMPLE_RATE?'],
  ['BRAINTRUST_PROJECT', ' is not read. Did you mean BRAINTRUST_PROJECT_NAME?'],
  ['FLUE_BRAINTRUST_ENV', ' is not read. Did you mean FLUE_BRAINTRUST_ENVIRONMENT?'],
  ['FLUE_BRAINTRUST_APP', ' is not read.'],
  ['FLUE_BRAINTRUST_COLOUR', ' is not read.'],
])('a variable that nothing reads is named: %s', async (name, rest) => {
  const server = await collector();
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  const report = await examine({ ...env, [name]: 'x' });
  expect(report.ok).toBe(true);
  expect(report.found('environment')).toMatchObject({ status: 'warning', detail: name + rest });
});

test.each([
  ['BRAINTRUST_APIKEY', 'there is no API key', 'BRAINTRUST_API_KEY'],
  ['BRAINTRUST_KEY', 'there is no API key', 'BRAINTRUST_API_KEY'],
  ['FLUE_BRAINTRUST_SAMPLERATE', 'there is no API key', 'FLUE_BRAINTRUST_SAMPLE_RATE'],
])(
  'a variable that nothing reads is named where a setting is wrong, too: %s',
  async (name, detail, meant) => {
    const failed = expectFailure(await examine({ [name]: 'x' }), 'environment');
    expect(failed.detail).toContain(detail);
    expect(failed.advice).toMatch(`${name} is not read. Did you mean ${meant}? `);
  },
);

test('a variable that .env.braintrust may not set is named', () =>
  withDirectory(async (directory) => {
    const server = await collector();
    const file = join(directory, '.env.braintrust');
    const lines = ['BRAINTRUST_PROJECT_NAM=x', 'FLUE_BRAINTRUST_SPOOL_DIR=y', 'OTHER=z'];
    writeFileSync(file, lines.join('\n'));
    const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
    const report = await examine(env, directory);
    expect(report.found('environment')).toMatchObject({
      status: 'warning',
      detail:
        `BRAINTRUST_PROJECT_NAM in ${file} is not read. Did you mean BRAINTRUST_PROJECT_NAME? ` +
        `FLUE_BRAINTRUST_SPOOL_DIR in ${file} is not read: set it in the environment.`,
    });
  }));

test('variables that only the braintrust package reads, and blank ones, are none of those', async () => {
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_NUM_RETRIES: '3', FLUE_BRAINTRUST_COLOUR: ' ' };
  const report = await examine(env);
  expect(report.found('environment')).toMatchObject({ status: 'ok' });
});

test('where the test trace has arrived, no line states that traces do not', async () => {
  const server = await collector();
  const old = `Object.defineProperty(process.versions, 'node', { value: '20.0.0' });`;
  await withDirectory(async (directory) => {
    const preload = join(directory, 'old.cjs');
    writeFileSync(preload, old);
    const env = {
      BRAINTRUST_API_KEY: KEY,
      BRAINTRUST_APP_URL: server.url,
      NODE_OPTIONS: `--require ${preload}`,
    };
    const ending = await cli(['doctor'], { env });
    expect(ending.code).toBe(1);
    expect(ending.stdout).toMatch(/✓ Test trace +arrived/);
    expect(ending.stdout).toMatch(/\nThe test trace has arrived, but not all is well: Node\.\n$/);
    expect((await cli(['doctor', '--quiet'], { env })).stdout).toMatch(/^✗ Node .*\n.*\n$/);
  });
});

test('a server that fails once and then recovers gets the test trace', async () => {
  let failures = 1;
  const server = await collector({
    intercept: ({ path }) => (path === '/logs3' && failures-- > 0 ? { status: 503 } : undefined),
  });
  const result = await examine({ BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url });
  expect(result.ok).toBe(true);
  expect(server.rows()).toHaveLength(1);
});

test('what a server answers cannot steer the terminal', async () => {
  const server = await collector({
    intercept: ({ path }) =>
      path === '/api/apikey/login'
        ? { status: 400, body: '\u001b[2J\u009b31m\u202eevil' }
        : undefined,
  });
  const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
  for (const args of [['doctor'], ['doctor', '--json']]) {
    const { stdout, stderr } = await cli(args, { env });
    expect(stdout + stderr).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
  }
});

test('a native part that does not load ends the checks', async () => {
  const result = await examine({ NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/at/all.node' });
  const failed = expectFailure(result, 'native');
  expect(failed.detail).toContain('could not be loaded');
});

describe('of the application in the working directory', () => {
  const MODULE = `import { instrument } from '@flue/runtime';
import { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust';
instrument(braintrustFlueInstrumentation());
`;
  const SOUND = {
    'package.json': '{"dependencies":{"@flue/runtime":"2.0.3","flue-braintrust":"0.1.0"}}',
    'src/app.ts': "import './braintrust.ts';\n",
    'src/braintrust.ts': MODULE,
    'node_modules/@flue/runtime/package.json': '{"version":"2.0.3"}',
    'node_modules/@flue/cli/package.json': '{"version":"2.0.3"}',
  };

  /** What `doctor` finds in a project, without a key. */
  async function application(files: Record<string, string>, env: Record<string, string> = {}) {
    return withDirectory(async (directory) => {
      for (const [name, text] of Object.entries({ ...SOUND, ...files })) {
        mkdirSync(dirname(join(directory, name)), { recursive: true });
        writeFileSync(join(directory, name), text);
      }
      return (await examine(env, directory)).found('application');
    });
  }

  test('one copy of Flue and an app that imports the tracing are well', async () => {
    const { status, detail } = await application({});
    expect({ status, detail }).toEqual({
      status: 'ok',
      detail: 'Flue 2.0.3; tracing is registered',
    });
  });

  test.each([
    [
      'a second copy of Flue',
      {
        'node_modules/@flue/runtime/package.json': '{"version":"2.1.0"}',
        'node_modules/@flue/cli/node_modules/@flue/runtime/package.json': '{"version":"2.0.3"}',
      },
      'two copies of @flue/runtime: 2.1.0, and 2.0.3 of @flue/cli',
      'npm install @flue/runtime@2.0.3',
    ],
    [
      'a second copy of the same version, as with pnpm',
      { 'node_modules/@flue/cli/node_modules/@flue/runtime/package.json': '{"version":"2.0.3"}' },
      'two copies of @flue/runtime: 2.0.3, and 2.0.3 of @flue/cli',
      'Remove node_modules and the lock file',
    ],
    [
      'a Flue that is too old',
      { 'node_modules/@flue/runtime/package.json': '{"version":"0.7.2"}' },
      '@flue/runtime 0.7.2 is not supported',
      'npm install @flue/runtime@latest',
    ],
    [
      'a Flue that is too new',
      { 'node_modules/@flue/runtime/package.json': '{"version":"3.0.0"}' },
      '@flue/runtime 3.0.0 is not supported',
      'npm install flue-braintrust@latest',
    ],
    [
      'a package that `npx` has fetched, and nobody installed',
      { 'package.json': '{"dependencies":{"@flue/runtime":"*"}}', 'yarn.lock': '' },
      'flue-braintrust is not installed here',
      'yarn add flue-braintrust',
    ],
    [
      'an app without the import',
      { 'src/app.ts': 'export default {};\n' },
      'src/app.ts does not import src/braintrust.ts',
      'npx flue-braintrust init',
    ],
    [
      'a registration that is commented out',
      { 'src/braintrust.ts': MODULE.replace(/^.*(instrument|observe)\(/m, '// $&') },
      'src/braintrust.ts imports the observer of flue-braintrust and does not register it',
      'Call `instrument(braintrustFlueInstrumentation())` there',
    ],
    [
      'no app',
      { 'src/app.ts': '', 'src/braintrust.ts': '' },
      'no module registers the observer',
      'npx flue-braintrust init',
    ],
    [
      'the module of the official package',
      { 'src/braintrust.ts': MODULE.replace('flue-braintrust', 'braintrust') },
      'src/braintrust.ts registers the observer of `braintrust`',
      'npx flue-braintrust init',
    ],
    [
      'an app that reads the file of the key too late',
      { 'src/app.ts': "import './braintrust.ts';\nimport 'dotenv/config';\n" },
      'src/app.ts imports `dotenv/config`, which sets variables, after src/braintrust.ts',
      'Import `dotenv/config` before that module instead.',
    ],
    [
      'an app that is named and not there',
      {
        'vite.config.ts': `import { flue } from '@flue/vite';\nexport default { plugins: [flue({ app: './src/ap.ts' })] };\n`,
      },
      'src/ap.ts, which vite.config.ts names, is not there',
      'Correct that first',
    ],
    [
      'a package.json that is no JSON',
      { 'package.json': '{"dependencies":{"@flue/runtime":"2.0.3"},}' },
      'is not JSON',
      'Correct that first',
    ],
  ])('%s is a warning that states the remedy', async (_name, files, problem, remedy) => {
    const { status, detail, advice } = await application(files);
    expect({ status, detail, advice }).toEqual({
      status: 'warning',
      detail: expect.stringContaining(problem),
      advice: expect.stringContaining(remedy),
    });
  });

  test('tracing that is registered by other means is not a warning', async () => {
    const bare = { 'src/app.ts': 'export default {};\n', 'src/braintrust.ts': '' };
    const start = 'CMD ["node", "--import", "flue-braintrust/register", "server.mjs"]';
    const OF_A_LOGGER = `import { instrument } from '@flue/runtime';
import { braintrustFlueInstrumentation, initLogger } from 'flue-braintrust';
instrument(initLogger().observer());
`;
    const OF_ANOTHER_MODULE = `import { instrument } from '@flue/runtime';
import { logger } from './logger.ts';
instrument(logger.observer());
`;
    const all = [
      await application({ ...bare, Dockerfile: start }),
      await application({ 'src/braintrust.ts': OF_A_LOGGER }),
      await application({
        'src/braintrust.ts': OF_ANOTHER_MODULE,
        'src/logger.ts':
          "import { initLogger } from 'flue-braintrust';\nexport const logger = initLogger();\n",
      }),
      await application({ 'src/app.ts': MODULE, 'src/braintrust.ts': '' }),
      // Where the environment has the key, no file is needed.
      await application(
        { 'src/app.ts': "import './braintrust.ts';\nimport 'dotenv/config';\n" },
        { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: 'http://127.0.0.1:9' },
      ),
      await application({
        'src/app.ts': "import './agents/one.ts';",
        'src/agents/one.ts': "import '../braintrust.ts';",
      }),
    ];
    expect(all.map(({ detail }) => detail)).toEqual(
      all.map(() => 'Flue 2.0.3; tracing is registered'),
    );
  });

  const KEY_FILE = {
    '.env.braintrust': `BRAINTRUST_API_KEY=${KEY}\nBRAINTRUST_APP_URL=http://127.0.0.1:9\n`,
  };
  const asking = (code: string) => ({ 'src/braintrust.ts': `${MODULE}${code}\n` });

  test.each([
    ['by `if`', 'if (process.env.BRAINTRUST_API_KEY) {\n  start();\n}'],
    ['by a function', 'if (Boolean(process.env["BRAINTRUST_API_KEY"])) start();'],
    ['by `&&`', 'process.env.BRAINTRUST_API_KEY && start();'],
  ])(
    'a module that asks the environment for a key of .env.braintrust is named: %s',
    async (_how, code) => {
      const found = await application({ ...KEY_FILE, ...asking(code) });
      expect(found).toMatchObject({
        status: 'warning',
        detail: expect.stringMatching(
          /^the key is only in \.env\.braintrust, and src\/braintrust\.ts /,
        ),
        advice: expect.stringContaining('Remove the `if` around `initLogger()`'),
      });
    },
  );

  test.each([
    ['passes it on', asking("start(process.env.BRAINTRUST_API_KEY ?? '');"), {}],
    [
      'has it in the environment, too',
      asking('if (process.env.BRAINTRUST_API_KEY) start();'),
      { BRAINTRUST_API_KEY: KEY },
    ],
    [
      'loads the file',
      {
        ...asking('if (process.env.BRAINTRUST_API_KEY) start();'),
        Procfile: 'web: node --env-file=.env.braintrust a.mjs',
      },
      {},
    ],
  ])('a key of .env.braintrust is well where the application %s', async (_how, files, env) => {
    const found = await application({ ...KEY_FILE, ...files }, env);
    expect(found).toMatchObject({ detail: 'Flue 2.0.3; tracing is registered' });
  });

  test('the last line states that the test trace shows nothing of it', async () => {
    const server = await collector();
    const env = { BRAINTRUST_API_KEY: KEY, BRAINTRUST_APP_URL: server.url };
    await withDirectory(async (directory) => {
      writeFileSync(join(directory, 'package.json'), SOUND['package.json']);
      const { code, stdout } = await cli(['doctor'], { cwd: directory, env });
      expect(code).toBe(0);
      expect(stdout).toMatch(/those of the application may not: see Application\.\n$/);
    });
  });
});
