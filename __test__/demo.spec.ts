import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import { withDirectory } from './support/run';

const DEMO = join(__dirname, '..', 'scripts', 'demo.mjs');
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs the demo without an account. */
function start(args: string[], more: NodeJS.ProcessEnv = {}, cwd = process.cwd()) {
  const { CI: _ci, BRAINTRUST_API_KEY: _key, ...env } = process.env;
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn(process.execPath, [DEMO, ...args], {
    env: { ...env, ...more },
    cwd,
    stdio: [...stdio],
  });
  children.push(child);
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (out += text));
  return { child, exit: once(child, 'close'), out: () => out };
}

test.each([
  ['with --no-serve', ['--no-serve'], {}],
  ['where CI is set', [], { CI: '1' }],
])('the demo ends at once %s', async (_when, args, env) => {
  const { exit, out } = start(args, env);
  expect(await exit).toEqual([0, null]);
  expect(out()).toContain('workflow:evening-round');
  expect(out()).not.toContain('See them at');
});

test('the demo shows its traces where `.env.braintrust` names an organisation', async () => {
  await withDirectory(async (directory) => {
    writeFileSync(join(directory, '.env.braintrust'), 'BRAINTRUST_ORG_NAME=acme\n');
    const { exit, out } = start(['--no-serve'], {}, directory);
    expect(await exit).toEqual([0, null]);
    expect(out()).toContain('workflow:evening-round');
  });
});

test('with a key, the demo links the project, without the credentials of the address', async () => {
  const collector = await startCollector();
  try {
    const { exit, out } = start([], {
      BRAINTRUST_API_KEY: 'test-key',
      BRAINTRUST_APP_URL: collector.url.replace('//', '//user:pa55word@'),
      BRAINTRUST_API_URL: collector.url,
    });
    expect(await exit).toEqual([0, null]);
    expect(out()).toContain(`The traces are at ${collector.url}/app/local/p/Flue/logs\n`);
    expect(out()).not.toContain('pa55word');
  } finally {
    await collector.close();
  }
});

test('the demo serves its traces until it is stopped, and says where', async () => {
  const { child, exit, out } = start([]);
  while (!out().includes('Ctrl-C')) {
    await Promise.race([once(child.stdout as NodeJS.EventEmitter, 'data'), exit]);
    expect(child.exitCode).toBeNull();
  }
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(out()) ?? [];
  expect(await (await fetch(url)).text()).toContain('/viewer/app.mjs');
  const { traces } = (await (await fetch(`${url}/viewer/api/traces`)).json()) as {
    traces: { name: string; running: boolean }[];
  };
  expect(traces.map(({ name, running }) => [name, running])).toEqual([
    ['workflow:evening-round', false],
    ['flue.prompt', false],
  ]);
  child.kill('SIGINT');
  expect(await exit).toEqual([0, null]);
});
