import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { App } from './support/app';
import { CLI, cli } from './support/cli';
import { environment, withDirectory } from './support/run';

const unixTest = process.platform === 'win32' ? test.skip : test;

/** An application that offers its counters in a directory, and has a server that is down. */
async function withTop(
  use: (top: {
    app: App;
    directory: string;
    top(...args: string[]): ReturnType<typeof cli>;
  }) => Promise<void>,
  prepare: (directory: string) => string = (directory) => join(directory, 'sockets'),
) {
  await withDirectory(async (parent) => {
    const directory = prepare(parent);
    const env = { FLUE_BRAINTRUST_TOP: directory };
    const app = new App(env);
    try {
      await app.init({ apiKey: 'sk-secret', appUrl: 'http://user:pa55word@127.0.0.1:9' });
      await app.record({ count: 3 });
      while ((await app.stats()).accepted < 3) await new Promise((done) => setTimeout(done, 20));
      await use({ app, directory, top: (...args) => cli(['top', ...args], { env }) });
    } finally {
      await app.kill();
    }
  });
}

unixTest('top shows the counters of a running application, without its secrets', () =>
  withTop(async ({ directory, top }) => {
    const [name = ''] = readdirSync(directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);

    const { code, stdout } = await top('--json');
    expect(code).toBe(0);
    const { processes } = JSON.parse(stdout);
    expect(processes).toEqual([
      {
        pid: Number(name.split('-')[0]),
        program: 'application.ts',
        uptimeMs: expect.any(Number),
        loggers: [
          {
            projectName: 'Flue',
            server: 'http://127.0.0.1:9',
            stats: expect.objectContaining({ accepted: 3, sent: 0 }),
          },
        ],
      },
    ]);
    const once = await top(String(processes[0].pid), '--once');
    expect(once.stdout).toMatch(/^process \d+ · application\.ts · up .*\n {2}to Flue at http:/);
    expect(once.stdout).toMatch(/ 3 pending · 0 spooled · 0 sent · 0 lost\n/);
    expect(stdout + once.stdout).not.toMatch(/sk-secret|pa55word/);

    expect(await top('1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^flue-braintrust: no application with the process id 1 offers /,
      ),
    });
  }),
);

unixTest('top watches until the application ends; a killed one leaves nothing behind', () =>
  withTop(async ({ app, directory, top }) => {
    const child = spawn(process.execPath, [CLI, 'top', '--interval', '0.1'], {
      env: environment({ FLUE_BRAINTRUST_TOP: directory }),
    });
    const seen = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => (seen.out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (seen.err += text));
    const ended = once(child, 'close');
    const [name = ''] = readdirSync(directory);
    // A watcher that never reads costs the application nothing.
    const deaf = connect(join(directory, name)).on('error', () => {});
    deaf.pause();
    deaf.write('\n'.repeat(10_000));
    while (!/ rows so far\n[^]* rows\/s · /.test(seen.out)) {
      expect(child.exitCode).toBeNull();
      await new Promise((done) => setTimeout(done, 20));
    }
    await app.kill();
    expect([await ended, seen.err]).toEqual([[0, null], '']);
    deaf.destroy();
    expect(seen.out).toMatch(/\nAll have ended\.\n$/);

    expect(readdirSync(directory)).toHaveLength(1);
    expect((await top()).code).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  }),
);

unixTest(
  'an application removes its socket when it ends, and the socket does not keep it alive',
  () =>
    withTop(async ({ app, directory }) => {
      expect(readdirSync(directory)).toHaveLength(1);
      const { code, stderr } = await app.end(['close', { timeoutMs: 0 }], ['leave']);
      expect(code).toBe(0);
      expect(stderr).not.toContain('NO_TOP');
      expect(readdirSync(directory)).toEqual([]);
    }),
);

unixTest.each([
  [
    'others can write to',
    (parent: string) => {
      const directory = join(parent, 'open');
      mkdirSync(directory);
      chmodSync(directory, 0o777);
      return directory;
    },
  ],
  [
    'is a link',
    (parent: string) => {
      mkdirSync(join(parent, 'target'), 0o700);
      symlinkSync('target', join(parent, 'link'));
      return join(parent, 'link');
    },
  ],
  ['has too long a path', (parent: string) => join(parent, 'x'.repeat(120))],
])('a directory that %s gets no socket, and a warning', (_why, prepare) =>
  withTop(async ({ app, directory, top }) => {
    expect(app.stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_NO_TOP: .*\n/);
    expect(readdirSync(directory)).toEqual([]);
    expect((await top()).code).toBe(1);
  }, prepare),
);

unixTest('without the variable there is no socket', async () => {
  await withDirectory(async (directory) => {
    for (const value of [undefined, '', '0', 'false']) {
      const app = new App({
        TMPDIR: directory,
        ...(value !== undefined && { FLUE_BRAINTRUST_TOP: value }),
      });
      await app.init({ appUrl: 'http://127.0.0.1:9' });
      await app.kill();
    }
    expect(readdirSync(directory)).toEqual([]);
  });
});

test.each([
  [['top', 'x'], 'PID must be a number, but is x'],
  [['top', '--interval', '0'], '--interval must be a number of seconds from 0.1 to 3600, but is 0'],
])('wrong usage %j is reported', async (args, complaint) => {
  const ending = await cli(args);
  expect(ending.code).toBe(2);
  expect(ending.stderr).toContain(`flue-braintrust: ${complaint}\n\nUsage: flue-braintrust top`);
});
