import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { CollectorOptions } from '../tools/collector/types';
import { closedPort } from './support/network';
import {
  destination,
  finished,
  ROOT,
  run,
  runAgent,
  withDirectory,
  type Ending,
} from './support/run';

/** What the agent does without us. */
let alone: Ending;
beforeAll(async () => {
  alone = await runAgent('natural', { BRAINTRUST_MODULE: 'none' });
  expect(alone).toEqual({
    code: 0,
    signal: null,
    stdout: 'The orchid house is at 17.5 °C.\n',
    stderr: '',
  });
});

/** How long an agent waits at its end for an answer that it must have by then, on a busy machine, too. */
const ANSWERED_MS = '2000';

/** A line that says that delivery is retried: one for each code. */
const RETRY = /FLUE_BRAINTRUST_(UNREACHABLE|UNCONFIRMED):/;

/** The agent's ending is the same as without us, and one line says what happened. */
function expectOneWarning(ending: Ending, ...says: (string | RegExp)[]) {
  expect({ ...ending, stderr: '' }).toEqual(alone);
  expectLine(withoutRetry(ending.stderr), ...says);
}

/** The lines without the first if it says that delivery is retried: only on a slow machine the agent takes so long. */
function withoutRetry(stderr: string) {
  const lines = stderr.split('\n').filter(Boolean);
  return RETRY.test(lines[0] ?? '') ? lines.slice(1) : lines;
}

/** The same with a second line at the end, which says what is lost. */
function expectRefusalAndLoss(ending: Ending, ...says: (string | RegExp)[]) {
  expect({ ...ending, stderr: '' }).toEqual(alone);
  const lines = ending.stderr.trim().split('\n');
  expectLine(lines.splice(-1), 'EXIT', '4 rows are lost (4 unauthorized)');
  expectLine(lines, 'REFUSED', ...says);
}

function expectLine(lines: string[], ...says: (string | RegExp)[]) {
  expect(lines).toHaveLength(1);
  for (const part of ['[flue-braintrust] FLUE_BRAINTRUST_', ...says]) {
    expect(lines[0]).toEqual(
      typeof part === 'string' ? expect.stringContaining(part) : expect.stringMatching(part),
    );
  }
}

async function withCollector<T>(
  options: CollectorOptions,
  use: (collector: Awaited<ReturnType<typeof startCollector>>) => Promise<T>,
) {
  const collector = await startCollector(options);
  try {
    return await use(collector);
  } finally {
    await collector.close();
  }
}

test.each([
  ['BRAINTRUST_ORG_NAME', 'sk-verysecret-4711', '"\\*{18}"'],
  ['FLUE_BRAINTRUST_REDACT', 'sk-verysecret-4711', '"\\*{18}"'],
  ['BRAINTRUST_APP_URL', 'http://127.0.0.1:1/v1?token=sk-verysecret', 'a query or a fragment'],
  ['BRAINTRUST_APP_URL', 'http://user?sk-verysecret@127.0.0.1:1', 'a query or a fragment'],
  ['BRAINTRUST_APP_URL', 'http://user:sk-verysecret@127.0.0.1:1/v1', 'http://127.0.0.1:1/v1'],
])('a secret in %s is not printed: %s', (variable, value, shown) =>
  withCollector({}, async (collector) => {
    const env = {
      ...destination(collector),
      BRAINTRUST_API_KEY: 'sk-verysecret-4711',
      FLUE_BRAINTRUST_DEBUG: '1',
      FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '300',
      [variable]: value,
    };
    const { stderr } = await runAgent('natural', env);
    expect(stderr).toMatch(new RegExp(shown));
    expect(stderr).not.toContain('sk-verysecret');
  }),
);

test.each(['"KEY"', "'KEY'", 'Bearer KEY', 'NAME=KEY', '\u{feff}KEY', 'KEY\nx: 1'])(
  'an API key is in no line and no row without what the setting %j has around it, either',
  (setting) =>
    withCollector({}, async (collector) => {
      const key = 'sk-verysecret-4711';
      const { code, stderr } = await run(
        [
          '-e',
          `const { initLogger, traced } = require('flue-braintrust');
          initLogger({ apiKey: ${JSON.stringify(setting.replace('KEY', key))}, ['${key}']: 1 });
          initLogger({ ['${key}']: 1 });
          traced((span) => span.log({ input: 'with ${key}.' }), { name: 'span' });`,
        ],
        destination(collector),
      );
      expect(code).toBe(0);
      expect(stderr).toMatch(/has no option `\*{18}`/);
      expect(stderr).not.toContain(key);
      expect(collector.rows()).toEqual([
        expect.objectContaining({ input: `with ${'*'.repeat(key.length)}.` }),
      ]);
    }),
);

test('an API key is in no line, diagnostic or error of options in whose names it is', async () => {
  // One begins the other.
  const keys = ['', '_of_the_variable'].map((rest) => `sk_0123456789_option${rest}`);
  const { code, stdout, stderr } = await finished(
    process.execPath,
    [
      '-e',
      `const { initLogger } = require('flue-braintrust');
      const [apiKey, other] = ${JSON.stringify(keys)};
      const options = [{ [apiKey]: 1 }, { [other]: 1 }, { redact: { [apiKey]: 1 } }, { content: { [other]: 1 } }];
      const onError = ({ code, message }) => console.log(code, message);
      for (const one of options) initLogger({ apiKey, onError, ...one });
      process.env.FLUE_BRAINTRUST_STRICT = '1';
      for (const one of options.slice(2)) {
        try { initLogger({ apiKey, ...one }); } catch (error) { console.log(String(error.stack)); }
      }`,
    ],
    { BRAINTRUST_API_KEY: keys[1] ?? '' },
    ROOT,
  );
  expect(code).toBe(0);
  for (const part of ['option_', 'sk_', '_of_the']) expect(stdout + stderr).not.toContain(part);
  for (const shown of [stdout, stderr]) {
    expect(shown.match(/has no option `\*+`/g)).toHaveLength(2);
    expect(shown).toMatch(/`redact\.\*+` is unknown/);
    expect(shown).toMatch(/`content\.\*+` is unknown/);
  }
});

describe.each(['natural', 'exit'] as const)('an agent that ends by %s', (ending) => {
  test('runs on with a wrong key', () =>
    withCollector({ apiKey: 'another' }, async (collector) => {
      const ended = await runAgent(ending, destination(collector));
      expectRefusalAndLoss(ended, '401', 'BRAINTRUST_API_KEY');
      expect(ended.stderr).not.toContain('test-key');
      expect(collector.rows()).toEqual([]);
    }));

  test('runs on with an organisation that does not exist', () =>
    withCollector({}, async (collector) => {
      const env = { ...destination(collector), BRAINTRUST_ORG_NAME: 'acme' };
      expectRefusalAndLoss(await runAgent(ending, env), '"acme"', '"local"');
    }));

  test('runs on when nobody listens', async () => {
    const env = destination({ url: `http://127.0.0.1:${await closedPort()}` });
    const ended = await runAgent(ending, { ...env, FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: ANSWERED_MS });
    expectOneWarning(ended, 'EXIT', '4 rows', /refused/i);
  });

  test('runs on when another server answers, with a diagnostic that names the setting', () =>
    withCollector({ intercept: () => ({ status: 200, body: '<html>' }) }, async (collector) => {
      const env = { ...destination(collector), FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: ANSWERED_MS };
      expectOneWarning(await runAgent(ending, env), 'EXIT', '4 rows', 'BRAINTRUST_APP_URL');
    }));

  test('runs on when the server never answers', () =>
    withCollector({ intercept: () => ({ hang: true }) }, async (collector) => {
      const env = { ...destination(collector), FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '300' };
      expectOneWarning(await runAgent(ending, env), 'EXIT', '4 rows');
      expect(collector.requests.length).toBeGreaterThan(0);
    }));

  test('runs on without a native binary, with a diagnostic that names the cause', async () => {
    const env = { ...destination({ url: 'http://127.0.0.1:9' }) };
    const missing = { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/flue-braintrust.node' };
    const ended = await runAgent(ending, { ...env, ...missing });
    expectOneWarning(ended, 'NOT_STARTED', '/nowhere/flue-braintrust.node');
  });

  test('runs on with an address that is none', async () => {
    const env = destination({ url: 'braintrust.example' });
    expectOneWarning(await runAgent(ending, env), 'NOT_STARTED', 'BRAINTRUST_APP_URL');
  });
});

test('certificates that cannot be read are reported although there is no connection', async () => {
  const certificates = { NODE_EXTRA_CA_CERTS: '/nowhere.pem' };
  const env = { ...destination({ url: 'http://127.0.0.1:9' }), ...certificates };
  const { stderr } = await runAgent('exit', { ...env, FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '300' });
  expect(stderr).toContain('FLUE_BRAINTRUST_CERTIFICATES: NODE_EXTRA_CA_CERTS: /nowhere.pem');
});

test('a path with a line break makes no line of its own', async () => {
  const { stderr } = await finished(
    process.execPath,
    [
      '-e',
      `const { close, initLogger, traced } = require('flue-braintrust');
      initLogger({ spool: { dir: ${JSON.stringify(join(ROOT, 'package.json/a\n[flue-braintrust] \u001b[2Jb'))} } });
      traced(() => {});
      close({ timeoutMs: 0 });`,
    ],
    destination({ url: 'http://127.0.0.1:9' }),
    ROOT,
  );
  expect(stderr).toContain('FLUE_BRAINTRUST_SPOOL: ');
  expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u);
  for (const line of stderr.trimEnd().split('\n')) {
    expect(line).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_/);
  }
});

test('an exit timeout of zero ends at once, and the loss is reported', () =>
  withCollector({ intercept: () => ({ hang: true }) }, async (collector) => {
    const env = { ...destination(collector), FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '0' };
    expectOneWarning(await runAgent('exit', env), 'EXIT', /\d rows? (is|are) lost/);
  }));

/** Runs a program whose stderr is a pipe that is full, and that nobody reads. */
async function withFullPipe(program: string, env: Record<string, string>) {
  return withDirectory(async (directory) => {
    const path = join(directory, 'stderr');
    execFileSync('mkfifo', [path]);
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      for (const size of [4096, 1]) fill(pipe, ' '.repeat(size));
      const shell = ['-c', 'exec "$0" "$@" 2>"$STDERR"', process.execPath, '-e', program];
      return await finished('sh', shell, { ...env, STDERR: path }, ROOT);
    } finally {
      closeSync(pipe);
    }
  });
}

/** Writes a text to a pipe until it has no more room for it. */
function fill(pipe: number, text: string) {
  try {
    for (;;) writeSync(pipe, text);
  } catch (error) {
    expect(error).toHaveProperty('code', 'EAGAIN');
  }
}

const unixTest = process.platform === 'win32' ? test.skip : test;

unixTest.each([
  ['delivers', true],
  ['has no server', false],
])('a program that %s ends as ever while nobody reads stderr', (_, works) =>
  withCollector({}, async (collector) => {
    const env = {
      ...destination(works ? collector : { url: 'http://127.0.0.1:9' }),
      ...(!works && { FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '0' }),
      FLUE_BRAINTRUST_DEBUG: '1',
    };
    const ended = await withFullPipe(
      `
      const flue = require('flue-braintrust');
      flue.initLogger({ noOption: 1, onError() {} });
      flue.traced(() => {}, { name: 'span' });
      flue.flush({ timeoutMs: ${works ? 60_000 : 100} }).then(({ complete }) => {
        console.log(complete);
        process.exit();
      });`,
      env,
    );
    expect(ended).toMatchObject({ code: 0, signal: null, stdout: `${works}\n` });
  }),
);

test('FLUE_BRAINTRUST_STRICT=1 turns the warning into an error', async () => {
  const env = { ...destination({ url: 'nonsense' }), FLUE_BRAINTRUST_STRICT: '1' };
  const strict = await runAgent('natural', env);
  expect(strict.code).toBe(1);
  expect(strict.stderr).toContain('BRAINTRUST_APP_URL');
  const missing = { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/flue-braintrust.node' };
  const unloadable = await runAgent('natural', { ...env, ...missing });
  expect(unloadable.code).toBe(1);
  expect(unloadable.stderr).toContain('/nowhere/flue-braintrust.node');
});

test('a server that fails at every step first is given everything in the end', () => {
  const failures = new Map<string, number>();
  return withCollector(
    {
      intercept: ({ path }) => {
        const failed = failures.get(path) ?? 0;
        failures.set(path, failed + 1);
        if (failed === 0) return { status: 503 };
        if (failed === 1) return { reset: true };
        // A load balancer that has a page for everything. For rows that would be a success.
        if (failed === 2 && path.startsWith('/api/')) return { status: 200, body: '<html>' };
        return undefined;
      },
    },
    async (collector) => {
      const ended = await runAgent('exit', destination(collector));
      expect({ ...ended, stderr: '' }).toEqual(alone);
      // On a slow machine the agent takes so long that the retries of both kinds of failure are reported.
      const lines = ended.stderr.split('\n').filter((line) => line && !RETRY.test(line));
      expect(lines).toEqual([]);
      expect(collector.rows()).toHaveLength(4);
      expect(collector.traces()[0]?.openSpans).toBe(0);
    },
  );
});

test('an upload whose acknowledgement is lost is repeated without harm', () => {
  let uploads = 0;
  return withCollector(
    {
      intercept: ({ path }) =>
        path === '/logs3' && uploads++ === 0 ? { processFirst: true, reset: true } : undefined,
    },
    async (collector) => {
      expect(await runAgent('natural', destination(collector))).toEqual(alone);
      expect(uploads).toBeGreaterThan(1);
      expect(collector.rows()).toHaveLength(4);
      expect(collector.problems).toEqual([]);
    },
  );
});
