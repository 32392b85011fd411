import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import { destination, HANGS_MS, ROOT, run, withDirectory } from './support/run';

const AGENT = '__test__/fixtures/plain-agent.mjs';

async function registered(args: string[], check: (rows: any[], stderr: string) => void) {
  const collector = await startCollector();
  try {
    const { code, stdout, stderr } = await run(
      ['--import', 'flue-braintrust/register', ...args],
      destination(collector),
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hello.\n' });
    expect(collector.problems).toEqual([]);
    check(collector.rows(), stderr);
  } finally {
    await collector.close();
  }
}

test('`node --import flue-braintrust/register` traces an agent that knows nothing of it', () =>
  registered([AGENT], (rows, stderr) => {
    expect(stderr).toBe('');
    const names = rows.map(({ span_attributes: { name } }) => name).toSorted();
    expect(names).toEqual(['flue.prompt', expect.stringMatching(/^llm:/)]);
  }));

test('an application that registers by itself, too, exports each span once and is not disturbed', () =>
  registered([AGENT, '--registers'], (rows, stderr) => {
    expect(stderr).toBe('');
    expect(rows).toHaveLength(2);
  }));

test('by `--require`, the program runs, and a line says that it did not wait for the tracing', async () => {
  const args = ['--require', 'flue-braintrust/register', AGENT];
  const env = { BRAINTRUST_API_KEY: 'k', BRAINTRUST_APP_URL: 'http://127.0.0.1:9' };
  const { code, stdout, stderr } = await run(args, {
    ...env,
    FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '0',
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hello.\n' });
  expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_UNREGISTERED: .*`--import`/);
  expect(await run(args)).toMatchObject({ code: 0, stdout: 'Hello.\n', stderr: '' });
});

test('without a key it does nothing and says nothing', async () => {
  const { code, stdout, stderr } = await run(['--import', 'flue-braintrust/register', AGENT]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'Hello.\n', stderr: '' });
});

test('a blank key in the environment leaves that of `.env.braintrust` in force', () =>
  withDirectory(async (directory) => {
    const collector = await startCollector();
    try {
      writeFileSync(join(directory, '.env.braintrust'), 'BRAINTRUST_API_KEY=from-the-file\n');
      const { code, stdout } = await run(
        ['--import', join(ROOT, 'register.mjs'), join(ROOT, AGENT)],
        { ...destination(collector), BRAINTRUST_API_KEY: ' ' },
        HANGS_MS,
        directory,
      );
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'Hello.\n' });
      expect(collector.rows()).toHaveLength(2);
    } finally {
      await collector.close();
    }
  }));

/** A module that is imported first, as a data URL. */
const first = (code: string) => ['--import', `data:text/javascript,${encodeURIComponent(code)}`];

test.each([
  [
    'has no `registerHooks`, such as Bun,',
    `import { registerHooks } from 'node:module';
    const url = 'data:text/javascript,export default {}';
    registerHooks({
      resolve: (asked, context, next) =>
        asked === 'node:module' && context.parentURL?.endsWith('/register.mjs')
          ? { url, shortCircuit: true }
          : next(asked, context),
    });`,
    `FLUE_BRAINTRUST_UNREGISTERED: Node ${process.versions.node} has no registerHooks; use 22.19 or newer`,
  ],
  [
    'has no `getBuiltinModule`',
    'delete process.getBuiltinModule;',
    `FLUE_BRAINTRUST_NOT_STARTED: the package cannot be loaded: Node ${process.versions.node} is too old (install 22.19 or newer)`,
  ],
])(
  'on a Node that %s, the program runs, and a line names the remedy',
  async (_what, code, line) => {
    const args = [...first(code), '--import', 'flue-braintrust/register', AGENT];
    const ending = await run(args, { BRAINTRUST_API_KEY: 'k' });
    expect(ending).toMatchObject({ code: 0, stdout: 'Hello.\n' });
    expect(ending.stderr).toContain(`[flue-braintrust] ${line}`);
    const strict = await run(args, { BRAINTRUST_API_KEY: 'k', FLUE_BRAINTRUST_STRICT: '1' });
    expect(strict).toMatchObject({ code: 1, stdout: '' });
  },
);

test('where there is no Flue it says so, and the program runs on', () =>
  withDirectory(async (directory) => {
    const program = join(directory, 'program.mjs');
    mkdirSync(join(directory, 'node_modules'));
    copyFileSync(join(ROOT, '__test__/fixtures/no-flue.mjs'), program);
    const register = join(ROOT, 'register.mjs');
    const { code, stdout, stderr } = await run(
      ['--import', register, program],
      { BRAINTRUST_API_KEY: 'k' },
      HANGS_MS,
      directory,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ran\n' });
    expect(stderr).toMatch(/FLUE_BRAINTRUST_UNREGISTERED: .*@flue\/runtime/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  }));
