import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startCollector } from '../tools/collector';
import type { Collector, CollectorOptions } from '../tools/collector/types';
import { isDevServer } from '../js/dev-server';
import { tracingModule } from '../tools/init/modules';
import { closedPort } from './support/network';
import { installCopy } from './support/npm';
import { type Line, Project, until } from './support/project';
import { HANGS_MS, destination, environment, run, withDirectory } from './support/run';

/** Runs a program with a collector. */
async function withProgram(
  code: string,
  env: Record<string, string>,
  check: (ending: Awaited<ReturnType<typeof run>>, collector: Collector) => void,
  options: CollectorOptions = {},
) {
  const collector = await startCollector({ orgName: 'Acme "Inc"', ...options });
  try {
    const text = `
      import * as bt from 'flue-braintrust';
      const once = (predicate) => new Promise((resolve) => {
        const look = () => (predicate() ? resolve() : setTimeout(look, 5));
        look();
      });
      ${code}`;
    const variables = { ...destination(collector), ...env };
    check(await run(['--input-type=module', '-e', text], variables), collector);
  } finally {
    await collector.close();
  }
}

/** The start lines in what a program wrote. */
const lines = (stderr: string) =>
  stderr.split('\n').filter((line) => line.includes('Traces go to project'));

const LINE = (collector: Collector) =>
  `[flue-braintrust] Traces go to project "Flue" of organisation "Acme \\"Inc\\"": ` +
  `${collector.url}/app/Acme%20%22Inc%22/p/Flue/logs (spool: none; sampling: all traces).`;

test.each([
  ['info', true],
  [' INFO ', true],
  ['Debug', true],
  ['true', true],
  ['warn', false],
  ['silent', false],
  ['off', false],
  ['', false],
  [undefined, false],
])('FLUE_BRAINTRUST_LOG=%s: one line after the login: %s', async (level, isShown) => {
  const env: Record<string, string> = level === undefined ? {} : { FLUE_BRAINTRUST_LOG: level };
  await withProgram(
    `bt.initLogger(); bt.initLogger(); bt.traced(() => {}, { name: 'secret-name' }); await bt.flush();`,
    env,
    ({ code, stdout, stderr }, collector) => {
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
      expect(lines(stderr)).toEqual(isShown ? [LINE(collector)] : []);
      expect(/ debug: .*\/logs3/.test(stderr)).toBe(level === 'Debug');
      if (level !== 'Debug') expect(stderr).toBe(isShown ? `${LINE(collector)}\n` : '');
      expect(stderr).not.toMatch(/test-key|secret-name/);
    },
  );
});

test('another level is reported once and ignored', () =>
  withProgram(
    `bt.initLogger(); bt.initLogger({ projectName: 'b' });`,
    { FLUE_BRAINTRUST_LOG: 'loud' },
    ({ stderr }) => {
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_BAD_LOG: [^\n]*\n$/);
    },
  ));

test('`onReady` gets the same facts, once for each logger, before any event, and keeps the process not', () =>
  withProgram(
    `const seen = [];
     const onReady = (info) => seen.push(info);
     const [spool, sampleRate] = ['/tmp/' + crypto.randomUUID(), 0.25];
     // A logger that nobody keeps may be collected, and would then be another one.
     const kept = bt.initLogger({ onReady });
     bt.initLogger({ onReady: (info) => seen.push('again') });
     const roses = bt.initLogger({ onReady, projectName: 'Ro/ses', spool: { dir: spool }, sampleRate, keepErrors: true });
     const projectId = '00000000-0000-4000-8000-000000000000';
     bt.initLogger({ onReady, projectId });
     delete process.env.BRAINTRUST_API_URL;
     bt.initLogger({ onReady, projectId });
     bt.initLogger({ onReady: 7, projectName: 'None' });
     process.env.BRAINTRUST_API_URL = process.env.BRAINTRUST_APP_URL;
     await once(() => seen.length === 4);
     bt.initLogger({ onReady });
     bt.initLogger({ onReady: undefined, projectName: 'Ro/ses', spool: { dir: spool }, sampleRate, keepErrors: true });
     await new Promise((resolve) => setTimeout(resolve, 100));
     console.log(JSON.stringify({ seen, spool, kept: [kept, roses].length }));
     (await import('node:fs')).rmSync(spool, { recursive: true });`,
    {},
    ({ code, stdout, stderr }, collector) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { seen, spool } = JSON.parse(stdout);
      const of = (projectName: string | null) =>
        seen.filter((info: any) => info.projectName === projectName);
      const app = `${collector.url}/app/Acme%20%22Inc%22`;
      const usual = { orgName: 'Acme "Inc"', projectId: expect.stringMatching(/^[\da-f-]{36}$/) };
      const all = { spool: null, sampleRate: 1, keepErrors: false };
      expect(of('Flue')).toEqual([
        { ...usual, ...all, projectName: 'Flue', link: `${app}/p/Flue/logs` },
      ]);
      expect(of('Ro/ses')).toEqual([
        {
          ...usual,
          projectName: 'Ro/ses',
          link: `${app}/p/Ro%2Fses/logs`,
          spool,
          sampleRate: 0.25,
          keepErrors: true,
        },
      ]);
      const id = '00000000-0000-4000-8000-000000000000';
      const link = `${app}/object?object_type=project_logs&object_id=${id}`;
      // With both addresses there is no login.
      const bare = { ...all, projectName: null, projectId: id };
      expect(of(null)).toHaveLength(2);
      expect(of(null)).toEqual(
        expect.arrayContaining([
          { ...bare, orgName: 'Acme "Inc"', link },
          { ...bare, orgName: null, link: null },
        ]),
      );
    },
  ));

test.each([
  ['throws', `() => { throw new Error('mine'); }`],
  ['rejects', `async () => { throw new Error('mine'); }`],
  ['hangs', `() => new Promise(() => {})`],
  ['initialises again', `() => bt.initLogger({ onReady: called })`],
])('an `onReady` that %s changes nothing, and the line is shown all the same', (_how, onReady) =>
  withProgram(
    `let calls = 0;
     const called = (...args) => { calls += 1; return (${onReady})(...args); };
     bt.initLogger({ onReady: called });
     await once(() => calls > 0);
     bt.traced(() => {});
     const { complete, lost } = await bt.flush();
     console.log(JSON.stringify({ calls, complete, lost }));`,
    { FLUE_BRAINTRUST_LOG: 'info' },
    ({ code, stdout, stderr }, collector) => {
      expect(code).toBe(0);
      expect(stderr).toBe(`${LINE(collector)}\n`);
      expect(JSON.parse(stdout)).toEqual({ calls: 1, complete: true, lost: {} });
    },
  ),
);

test('a program that ends before is announced as its rows are delivered', () =>
  withProgram(
    `bt.initLogger({ onReady: ({ link }) => console.log(link) }); bt.traced(() => {}); process.exit(3);`,
    { FLUE_BRAINTRUST_LOG: 'info' },
    ({ code, stdout, stderr }, collector) => {
      expect({ code, stderr }).toEqual({ code: 3, stderr: `${LINE(collector)}\n` });
      expect(stdout).toBe(`${collector.url}/app/Acme%20%22Inc%22/p/Flue/logs\n`);
    },
  ));

test.each([
  ['one logger', 'bt.initLogger({ onReady });'],
  ['several loggers', `bt.initLogger({ onReady }); bt.initLogger({ projectName: 'B', onReady });`],
  [
    'one whose `onError` ends it, too',
    `bt.initLogger({ attachments: true, onReady, onError: () => process.exit(8) });
     const data = Object.assign(new Blob([]), { arrayBuffer: () => new Promise(() => {}) });
     const input = new bt.Attachment({ data, filename: 'file', contentType: 'text/plain' });
     bt.traced((span) => span.log({ input }), { name: 'work' });`,
  ],
])(
  '`onReady` of %s may end the process: it is called once, and listeners of `exit` run',
  (_, init) =>
    withProgram(
      `process.on('exit', (code) => console.log('listener', code));
     const onReady = () => { console.log('ready'); process.exit(9); };
     ${init}
     setInterval(() => {}, 1000);`,
      {},
      ({ code, stdout }) => {
        expect({ code, stdout }).toEqual({ code: 9, stdout: 'ready\nlistener 9\n' });
      },
    ),
);

test('credentials in an address are shown neither in the line nor to `onReady`', () =>
  withProgram(
    `// Such credentials are for a gateway, which adds the key.
     const { createServer } = await import('node:http');
     const gateway = createServer(async (request, response) => {
       const { method, url } = request;
       const body = method === 'GET' ? undefined : Buffer.concat(await Array.fromAsync(request));
       const headers = { authorization: 'Bearer k', 'content-type': 'application/json' };
       const answer = await fetch(process.env.BRAINTRUST_APP_URL + url, { method, body, headers });
       response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
     }).listen(0, '127.0.0.1');
     await once(() => gateway.listening);
     const appUrl = 'http://user:hidden@127.0.0.1:' + gateway.address().port;
     let info;
     bt.initLogger({ appUrl, onReady: (given) => (info = given), sample: () => true, sampleRate: 0.07 });
     await once(() => info);
     console.log(JSON.stringify(info));
     process.exit();`,
    { FLUE_BRAINTRUST_LOG: 'info' },
    ({ stdout, stderr }) => {
      expect(stdout + stderr).not.toMatch(/hidden|user:|test-key/);
      expect(stderr).toContain('/p/Flue/logs (spool: none; sampling: by `sample`).');
    },
  ));

test('without a server nothing is announced, a diagnostic says why, and the process ends at once', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const { code, stdout, stderr } = await run(
    [
      '--input-type=module',
      '-e',
      `import { initLogger } from 'flue-braintrust';
       initLogger({ onReady: () => console.log('ready'), onError: ({ code }) => { console.log(code); clearTimeout(wait); } });
       const wait = setTimeout(() => console.log('too late'), 30_000);`,
    ],
    {
      BRAINTRUST_API_KEY: 'test-key',
      BRAINTRUST_APP_URL: url,
      FLUE_BRAINTRUST_LOG: 'info',
    },
  );
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'FLUE_BRAINTRUST_UNREACHABLE\n' });
  expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_UNREACHABLE: [^\n]*\n$/);
});

test.each(['close', 'flush'])('a logger is announced by %s, too', (end) =>
  withProgram(
    `const logger = bt.initLogger({ onReady: ({ projectName }) => console.log(projectName) });
     bt.traced(() => {}, { name: 'x' });
     await logger.${end}();
     process.exit();`,
    { FLUE_BRAINTRUST_LOG: 'info' },
    ({ code, stdout, stderr }) => {
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'Flue\n' });
      expect(stderr).toContain('Traces go to project "Flue"');
    },
  ),
);

test('a login that is refused is reported, whatever has asked for it', () =>
  withProgram(
    `const logger = bt.initLogger({ onError: ({ code }) => { console.log(code); clearTimeout(wait); } });
     const wait = setTimeout(() => console.log('too late'), 60_000);
     // Long after the last poll of a logger that records nothing.
     await new Promise((done) => setTimeout(done, 3500));
     await logger.id;`,
    { FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '0' },
    ({ code, stdout }) => {
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'FLUE_BRAINTRUST_REFUSED\n' });
    },
    { apiKey: 'another' },
  ));

test('a server that fails slowly is reported, too, although nothing is recorded', () =>
  withProgram(
    `const onError = ({ code }) => { console.log(code); clearTimeout(wait); };
     bt.initLogger({ onReady: () => {}, onError, exitTimeoutMs: 0 });
     const wait = setTimeout(() => console.log('too late'), 30_000);`,
    {},
    ({ code, stdout }) => {
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'FLUE_BRAINTRUST_UNREACHABLE\n' });
    },
    { intercept: () => ({ delayMs: 1100, status: 503 }) },
  ));

test('an announcement comes once a server that was down is there', async () => {
  let isDown = true;
  const collector = await startCollector({
    intercept: () => (isDown ? { status: 503 } : undefined),
  });
  try {
    const program = run(
      [
        '--input-type=module',
        '-e',
        `import { initLogger } from 'flue-braintrust';
         const wait = setTimeout(() => {}, 30_000);
         initLogger({ onReady: ({ orgName }) => { console.log(orgName); clearTimeout(wait); } });`,
      ],
      destination(collector),
    );
    await collector.waitFor(({ requests }) => requests.length > 0, HANGS_MS);
    isDown = false;
    expect(await program).toMatchObject({ code: 0, stdout: 'local\n' });
  } finally {
    await collector.close();
  }
});

describe('a development server', () => {
  const variables = { ...process.env };
  const argv = [...process.argv];
  const VITE = Symbol.for('flue.vite.injectedDevEnv');

  afterEach(() => {
    process.env = { ...variables };
    process.argv = [...argv];
    Reflect.deleteProperty(globalThis, VITE);
  });

  test.each([
    ['flue dev', ['/p/node_modules/.bin/flue', 'dev'], {}, false, true],
    ['flue dev by its file', ['/p/node_modules/@flue/cli/bin/flue.mjs', 'dev'], {}, false, true],
    ['flue run', ['/p/node_modules/.bin/flue', 'run'], {}, true, false],
    ['flue build', ['/p/node_modules/.bin/flue', 'build'], {}, false, false],
    ['vite with flue()', ['/p/node_modules/.bin/vite', 'dev'], {}, true, true],
    ['vite without it', ['/p/node_modules/.bin/vite', 'dev'], {}, false, false],
    ['an older `flue dev`', ['/p/dist/server.mjs'], { FLUE_MODE: 'local' }, false, true],
    ['the built server', ['/p/dist/server.mjs'], {}, false, false],
    ['production', ['/p/.bin/vite', 'dev'], { NODE_ENV: 'production' }, true, false],
    ['a test by NODE_ENV', ['/p/.bin/vite'], { NODE_ENV: 'test' }, true, false],
    ['a worker of vitest', ['/p/.bin/vitest'], { VITEST: 'true' }, true, false],
    ['a worker of jest', ['/p/.bin/flue', 'dev'], { JEST_WORKER_ID: '1' }, true, false],
    ['node --test', ['/p/test.mjs'], { NODE_TEST_CONTEXT: 'child-v8' }, true, false],
  ])('%s', (_name, [program = '', ...args], env, hasVite, expected) => {
    process.env = { ...(env as Record<string, string>) };
    process.argv = ['node', program, ...args];
    if (hasVite) Reflect.set(globalThis, VITE, new Map());
    expect(isDevServer()).toBe(expected);
  });

  const COMMANDS: Record<Line, string[]> = {
    '1.0-beta': ['node_modules/@flue/cli/bin/flue.mjs', 'dev', '--port'],
    '2.x': ['node_modules/vite/bin/vite.js', 'dev', '--host', '127.0.0.1', '--port'],
  };

  test.each(['1.0-beta', '2.x'] as Line[])(
    'of Flue %s states where traces go, once, also after a reload',
    async (line) => {
      const collector = await startCollector();
      try {
        await withDirectory(async (directory) => {
          const project = new Project(directory, line, 'src').withPackages().withApp();
          project.install('flue-braintrust');
          installCopy(directory);
          project.write('src/braintrust.ts', tracingModule('2.x'));
          const app = project.files()['src/app.ts'] ?? '';
          project.write('src/app.ts', `import './braintrust.ts';\n${app}`);
          const port = String(await closedPort());
          const child = spawn(process.execPath, [...COMMANDS[line], port], {
            cwd: directory,
            env: environment({ ...destination(collector), NO_COLOR: '1' }),
            stdio: ['ignore', 'pipe', 'pipe'],
          });
          let output = '';
          for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding('utf8').on('data', (text) => (output += text));
          }
          const ended = once(child, 'close');
          const message = line === '2.x' ? { kind: 'user', body: 'Hi' } : { message: 'Hi' };
          const ask = async () => {
            const answer = await fetch(`http://127.0.0.1:${port}/agents/gardener/house`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify(message),
            }).catch(() => undefined);
            return answer?.ok === true;
          };
          try {
            await until(() => lines(output).length > 0).catch(() => {});
            await until(ask);
            // Editing the tracing module evaluates it again.
            project.write('src/braintrust.ts', `${tracingModule('2.x')}// edited\n`);
            await new Promise((resolve) => setTimeout(resolve, 1500));
            const before = collector.traces().length;
            await until(ask);
            await until(() => collector.traces().length > before);
          } catch (error) {
            throw new Error(output, { cause: error });
          } finally {
            child.kill('SIGTERM');
            setTimeout(() => child.kill('SIGKILL'), 5000).unref();
            await ended;
          }
          expect(lines(output)).toHaveLength(1);
          expect(lines(output)[0]).toContain(`${collector.url}/app/local/p/Flue/logs`);
          expect(output).not.toContain('test-key');
        });
      } finally {
        await collector.close();
      }
    },
  );
});
