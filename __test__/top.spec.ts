import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { reportOf as parseReport } from '../tools/cli/report';
import { drawProcess, fitting } from '../tools/cli/top-lines';
import { App } from './support/app';
import { CLI, cli } from './support/cli';
import { ROOT, environment, run, withDirectory } from './support/run';

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

unixTest(
  'a worker of a cluster shows its counters, and its socket is none of the application',
  () =>
    withDirectory(async (parent) => {
      const directory = join(parent, 'sockets');
      mkdirSync(directory, { mode: 0o700 });
      const file = join(parent, 'cluster.cjs');
      writeFileSync(
        file,
        `const cluster = require('node:cluster');
      if (cluster.isPrimary) {
        cluster.on('listening', (_, { address }) => console.log('listening', address));
        cluster.fork().on('message', (names) => console.log(names));
      } else {
        require(${JSON.stringify(ROOT)}).initLogger({ apiKey: 'k', appUrl: 'http://127.0.0.1:9' });
        const look = () => {
          const names = require('node:fs').readdirSync(${JSON.stringify(directory)});
          if (names.length === 0) return setTimeout(look, 20);
          process.send(names.length, () => process.disconnect());
        };
        look();
      }`,
      );
      const env = { FLUE_BRAINTRUST_TOP: directory };
      expect(await run([file], env)).toMatchObject({ code: 0, stdout: '1\n', stderr: '' });
    }),
);

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
    expect(await app.warned('NO_TOP')).toHaveLength(1);
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

/** Something that listens where an application would, with an answer of its own. */
async function withAnswers(
  answers: { [pid: number]: string },
  use: (directory: string) => Promise<void>,
) {
  await withDirectory(async (directory) => {
    const servers = Object.entries(answers).map(([pid, answer]) => {
      const server = createServer((socket) => {
        socket.on('error', () => {}).on('data', () => socket.write(answer));
        socket.write(answer);
      });
      return server.listen(join(directory, `${pid}-00000000.sock`));
    });
    try {
      await Promise.all(servers.map((server) => server.listening || once(server, 'listening')));
      await use(directory);
    } finally {
      for (const server of servers) server.close();
    }
  });
}

const stats = {
  accepted: 9,
  events: 9,
  sent: 0,
  bytesSent: 0,
  openSpans: 0,
  pending: 0,
  spooled: 0,
};
const reportOf = (more: object) =>
  `${JSON.stringify({ pid: 1, program: 'a.mjs', uptimeMs: 1, loggers: [{ projectName: 'Flue', server: 's', stats: { ...stats, lost: {}, lastError: null, ...more } }] })}\n`;

unixTest('answers of any kind are shown as far as they are sensible, and break nothing', () =>
  withAnswers(
    {
      11: 'no JSON\n',
      12: reportOf({ accepted: -3, sent: 1e300, openSpans: '5', lost: { queue_full: null } }),
      13: '{"loggers":[{},null,5]}\n',
      14: `${'['.repeat(50_000)}\n`,
      15: 'x'.repeat(1_500_000),
      16: '',
      17: reportOf({ sampled: 1234 }),
    },
    async (directory) => {
      const env = { FLUE_BRAINTRUST_TOP: directory };
      const [all, json, silent] = await Promise.all([
        cli(['top', '--once'], { env }),
        cli(['top', '--json'], { env }),
        cli(['top', '16', '--once'], { env }),
      ]);
      const silence = 'no answer yet that can be read: it may be busy or stopped';
      expect(all).toEqual({
        code: 0,
        signal: null,
        stderr: '',
        stdout: [
          `process 11 · ${silence}`,
          'process 1 · a.mjs · up 1 ms',
          '  to Flue at s',
          '    ? rows so far',
          '    ? open · 0 pending · 0 spooled · ? sent · ? lost',
          '    lost: queue_full ?',
          'process 13 · ? · up ?',
          '  to ? at ?',
          '    ? rows so far',
          '    ? open · ? pending · ? spooled · ? sent · 0 lost',
          `process 14 · ${silence}`,
          `process 16 · ${silence}`,
          'process 1 · a.mjs · up 1 ms',
          '  to Flue at s',
          '    9 rows so far',
          '    0 open · 0 pending · 0 spooled · 0 sent · 0 lost · 1,234 spans left out by sampling',
          '',
        ].join('\n'),
      });
      expect(JSON.parse(json.stdout).processes).toHaveLength(3);
      expect(silent).toMatchObject({
        code: 1,
        stderr: `flue-braintrust: no answer of process 16 that can be read: it may be busy or stopped\n`,
      });
    },
  ),
);

test('an application that hangs has no rates, but its last counters', () => {
  const sample = (at: number, accepted: number) => ({
    at,
    report: parseReport(reportOf({ accepted }), 1) as NonNullable<ReturnType<typeof parseReport>>,
  });
  const seen = { pid: 1, before: sample(0, 10), last: sample(1000, 30), isSilent: false };
  const lines = (isSilent: boolean) =>
    drawProcess({ ...seen, isSilent }, 6000).map(({ text }) => text);
  expect(lines(false)[2]).toMatch(/^ {4}20\.0 rows\/s · /);
  expect(lines(true).slice(1)).toEqual([
    '  no answer for 5.00 s: it is busy or stopped; its last counters:',
    '  to Flue at s',
    '    30 rows so far',
    '    0 open · 0 pending · 0 spooled · 0 sent · 0 lost',
  ]);
  // A counter that falls is another one.
  const other = { ...seen, before: sample(0, 40) };
  expect(drawProcess(other, 1000)[2]?.text).toMatch(/^ {4}\? rows\/s · 0\.0 events\/s/);
});

test('a frame has no more lines than fit, and states how many are missing', () => {
  const lines = Array.from({ length: 10 }, (_, n) => ({ text: `line ${n}` }));
  for (let most = 1; most <= 12; most += 1) {
    const shown = fitting(lines, most);
    expect(shown).toHaveLength(Math.min(most, 10));
    if (most < 10)
      expect(shown.at(-1)).toEqual({ text: expect.stringMatching(`^… ${11 - most} lines more$`) });
    else expect(shown).toEqual(lines);
  }
});

test.each([
  [['top', 'x'], 'PID must be a number, but is x'],
  [['top', '--interval', '0'], '--interval must be a number of seconds from 0.1 to 3600, but is 0'],
])('wrong usage %j is reported', async (args, problem) => {
  const ending = await cli(args);
  expect(ending.code).toBe(2);
  expect(ending.stderr).toContain(`flue-braintrust: ${problem}\n\nUsage: flue-braintrust top`);
});
