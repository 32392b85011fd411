import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { startCollector } from '../tools/collector';
import { DEFAULT_PORT } from '../tools/support/ports';
import { CLI, cli } from './support/cli';
import { buildProject } from './support/cloudflare';
import { closedPort, portsOfDev } from './support/network';
import { installCopy } from './support/npm';
import { Project, makeWorkspace } from './support/project';
import { environment, withDirectory } from './support/run';

/*
 * `dev` with an application: real processes, and real signals. The applications send one row each.
 */

const SEND = `
  const send = (digit) => fetch(process.env.BRAINTRUST_API_URL + '/logs3', {
    method: 'POST',
    headers: { authorization: 'Bearer ' + process.env.BRAINTRUST_API_KEY },
    body: JSON.stringify({ api_version: 2, rows: [{
      id: 'row-' + digit, span_id: digit.repeat(16), root_span_id: digit.repeat(32),
      project_id: '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f', log_id: 'g', _is_merge: true,
      created: '2026-11-23T06:58:22.500Z', span_attributes: { name: 'flue.prompt', type: 'task' },
      input: 'Tell me a joke.', metadata: { 'flue.agent_name': 'hello' }, metrics: { start: 1, end: 2 },
    }] }),
  });`;

/** A line of the file of `dev`. */
const ROW = '{"id":"row-0","project_id":"p","log_id":"g"}\n';

/** The terminal is made by util-linux. */
const linuxTest = process.platform === 'linux' ? test : test.skip;

const unixTest = process.platform === 'win32' ? test.skip : test;

/** Whether a process runs: one that has ended may still wait to be asked for. */
function runs(pid: string) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

let children: ChildProcess[] = [];

afterEach(() => {
  // Not SIGKILL, which would leave the applications behind.
  for (const child of children) child.kill('SIGTERM');
  children = [];
});

/** Starts a program; `printed` waits for what it writes to either stream. */
function start(command: string, args: string[], env: Record<string, string> = {}, cwd = '/') {
  const child = spawn(command, args, { cwd, env: environment(env), stdio: 'pipe' });
  children.push(child);
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (seen.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (seen.err += text));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const printed = async (pattern: RegExp) => {
    while (!pattern.test(seen.out + seen.err)) {
      if (child.exitCode !== null) throw new Error(`no ${pattern}: ${seen.out}${seen.err}`);
      await sleep(20);
    }
  };
  return { child, seen, exit, printed };
}

const dev = (args: string[], env?: Record<string, string>, cwd?: string) =>
  start(process.execPath, [CLI, 'dev', ...args], env, cwd);

/** `dev` with a program of the test's as its application. */
const devWith = (program: string, args: string[] = [], env?: Record<string, string>) =>
  dev(['--port', '0', ...args, '--', process.execPath, '-e', SEND + program], env);

test('from a Flue project to a visible trace it takes one terminal', async () => {
  await withDirectory(async (directory) => {
    const project = new Project(directory, '2.x', 'src').withPackages();
    expect(await cli(['init', directory])).toMatchObject({ code: 0, stderr: '' });
    installCopy(directory);
    const port = await closedPort();
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const vite = 'node node_modules/vite/bin/vite.js dev --host 127.0.0.1 --strictPort';
    project.write('package.json', { ...manifest, scripts: { dev: `${vite} --port ${port}` } });

    const started = ['--port', '0', '--', 'npm', 'run', 'dev'];
    const { child, seen, exit, printed } = dev(started, {}, directory);
    await printed(/ready in/);
    await untilAsked(child, port);
    await printed(/#\/trace\//);
    const [, link = ''] = /\n(http\S+#\/trace\/\S+)\n/.exec(seen.out) ?? [];
    expect(seen.out).toMatch(
      /\nGardener: How are the orchids\?\ntrace .*\nflue\.prompt .*\n├─ llm:moss-1 /i,
    );
    expect((await fetch(link)).status).toBe(200);
    child.kill('SIGINT');
    await exit;
    expect(seen.out).toMatch(/Collected 1 trace, 4 spans, .* 0 problems\.\n$/);
  });
});

/** Asks the agent of an application, as soon as it answers. */
async function untilAsked(child: ChildProcess, port: number) {
  const ask = () =>
    fetch(`http://127.0.0.1:${port}/agents/gardener/house-1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'user', body: 'How are the orchids?' }),
    }).catch(() => undefined);
  while ((await ask())?.ok !== true) {
    expect(child.exitCode).toBeNull();
    await sleep(100);
  }
}

test("a Worker in Cloudflare's tools sends its traces here, whatever .env names", async () => {
  await withDirectory(async (directory) => {
    await buildProject(directory, '--no-build');
    const elsewhere = `http://127.0.0.1:${await closedPort()}`;
    writeFileSync(
      join(directory, '.env'),
      `BRAINTRUST_API_KEY=other\nBRAINTRUST_APP_URL=${elsewhere}\nBRAINTRUST_API_URL=${elsewhere}\n`,
    );
    const port = await closedPort();
    const vite = ['node_modules/vite/bin/vite.js', 'dev', '--host', '127.0.0.1', '--strictPort'];
    const env = {
      TARGET: 'cloudflare',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_LOG_PATH: directory,
    };
    const { child, exit, printed } = dev(
      ['--port', '0', '--', process.execPath, ...vite, '--port', String(port)],
      env,
      directory,
    );
    await printed(/ready in/);
    await untilAsked(child, port);
    await printed(/\nflue\.prompt .*\n├─ llm:moss-1 /i);
    child.kill('SIGINT');
    await exit;
  });
});

test('files from which alone a Worker gets its variables are named, until they have those of `dev`', async () => {
  await withDirectory(async (directory) => {
    const port = String(await closedPort());
    const warned = async () => {
      const { seen, exit } = dev(['--port', port, '--', process.execPath, '-e', ''], {}, directory);
      expect(await exit).toBe(0);
      return seen.err;
    };
    const lines = [
      'BRAINTRUST_API_KEY=local',
      `BRAINTRUST_APP_URL=http://127.0.0.1:${port}`,
      `BRAINTRUST_API_URL=http://127.0.0.1:${port}`,
      'BRAINTRUST_ORG_NAME=local',
    ];
    writeFileSync(join(directory, '.dev.vars.example'), 'BRAINTRUST_API_KEY=\n');
    expect(await warned()).toBe('');
    writeFileSync(join(directory, '.dev.vars'), 'MODEL_KEY=m\n');
    writeFileSync(join(directory, '.dev.vars.staging'), 'BRAINTRUST_API_KEY=other\n');
    expect(await warned()).toBe(
      'warning: a Worker gets its variables from .dev.vars and .dev.vars.staging alone: to send its traces here, it ' +
        `needs these there: ${lines.join(' ')}\n`,
    );
    writeFileSync(join(directory, '.dev.vars'), `MODEL_KEY=m\n${lines.join('\n')}\n`);
    expect(await warned()).toMatch(
      /^warning: a Worker gets its variables from \.dev\.vars\.staging alone: /,
    );
    writeFileSync(join(directory, '.dev.vars.staging'), lines.join('\r\n'));
    expect(await warned()).toBe('');
  });
});

test("in a project for Cloudflare, the variables that `dev` prints include that of Cloudflare's tools", async () => {
  await withDirectory(async (directory) => {
    const name = 'CLOUDFLARE_INCLUDE_PROCESS_ENV';
    for (const isForCloudflare of [false, true]) {
      if (isForCloudflare) writeFileSync(join(directory, 'wrangler.jsonc'), '{}');
      const { seen, printed } = dev(['--port', '0'], {}, directory);
      await printed(/Or start it here/);
      expect(seen.out.includes(`  export ${name}=true\n`)).toBe(isForCloudflare);
    }
  });
});

test('in a workspace, `dev` looks at its packages that depend on Flue', async () => {
  await withDirectory(async (directory) => {
    makeWorkspace(directory, { '.dev.vars': 'MODEL_KEY=m\n', 'wrangler.toml': '' });
    const { seen, printed } = dev(['--port', '0'], {}, directory);
    await printed(/Or start it here/);
    expect(seen.out).toContain('  export CLOUDFLARE_INCLUDE_PROCESS_ENV=true\n');
    await printed(/needs these there/);
    expect(seen.err).toContain(
      `a Worker gets its variables from ${join('packages', 'agent', '.dev.vars')} alone: `,
    );
  });
});

test('the application gets the variables, its traces are shown with their links, and its exit code is passed on', async () => {
  const { seen, exit } = devWith(`
    if (process.env.BRAINTRUST_APP_URL !== process.env.BRAINTRUST_API_URL) process.exit(9);
    console.log('organisation', process.env.BRAINTRUST_ORG_NAME);
    send('a').then(() => process.exit(3));`);
  expect(await exit).toBe(3);
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(seen.out) ?? [];
  expect(seen.out).toContain('organisation local\n');
  expect(seen.out).toMatch(
    /\nhello: Tell me a joke\.\ntrace a{32} · .*\nflue\.prompt +task +1\.00 s\n/,
  );
  expect(seen.out).toContain(`\n${url}/#/trace/${'a'.repeat(32)}\n`);
  expect(seen.err).toBe('warning: the application ended with exit code 3\n');
});

test('a signal ends the application first, which still delivers, and all traces are shown', async () => {
  const { child, seen, exit, printed } = devWith(`
    process.on('SIGINT', () => send('b').then(() => { console.log('application ends'); process.exit(0); }));
    setInterval(() => {}, 1000);
    console.log('application runs');`);
  await printed(/^application runs/m);
  child.kill('SIGINT');
  expect(await exit).toBe(0);
  expect(seen.out).toMatch(
    /application ends\n[^]*trace b{32} [^]*\nCollected 1 trace, 1 span, .*\n$/,
  );
  expect(seen.err).toBe('');
});

test.each([
  ['ends by itself, because of a signal', `process.kill(process.pid, 'SIGKILL')`, 137],
  ['ends well', '', 0],
])('an application that %s gives the exit code that a shell would', async (_how, program, code) => {
  const { exit, seen } = devWith(program);
  expect(await exit).toBe(code);
  expect(seen.out).toContain('Nothing arrived.');
});

test('an application that fails is not asked for its traces', async () => {
  const { exit, seen } = devWith('process.exit(3)');
  expect(await exit).toBe(3);
  expect(seen.err).toContain('the application ended with exit code 3');
  expect(seen.out).not.toContain('Nothing arrived.');
});

test('an application that ignores signals is killed, at the second one at once, with what it has started', async () => {
  const stubborn = `for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => {});
    setInterval(() => {}, 1000);`;
  const ignoring = () =>
    devWith(`
    require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stubborn)}], { stdio: 'inherit' });
    ${stubborn}
    console.log('application runs');`);
  const patient = ignoring();
  const { child, seen, exit, printed } = ignoring();
  await Promise.all([patient.printed(/^application runs/m), printed(/^application runs/m)]);
  patient.child.kill('SIGINT');
  child.kill('SIGTERM');
  // At once, it is the same request: `npx` passes on what the terminal has sent already.
  await sleep(200);
  child.kill('SIGTERM');
  await sleep(1050);
  expect(child.exitCode).toBeNull();
  child.kill('SIGTERM');
  // The streams close when the last process that has them is gone.
  expect(await exit).toBe(137);
  expect(await patient.exit).toBe(137);
  for (const { err } of [seen, patient.seen]) {
    expect(err).toBe('warning: the application did not end, and was killed\n');
  }
});

unixTest('a signal reaches what a shell has started, and the end waits for it', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'app.cjs');
    writeFileSync(
      file,
      `${SEND} let count = 0;
       process.on('SIGTERM', () => { count += 1; setTimeout(() => send('d').then(() => {
         console.log('SIGTERM ' + count); process.exit(0); }), 400); });
       setInterval(() => {}, 1000);
       console.log('application runs');`,
    );
    const line = `'${process.execPath}' '${file}'; true`;
    const { child, seen, exit, printed } = dev(['--port', '0', '--', 'sh', '-c', line]);
    await printed(/^application runs/m);
    child.kill('SIGTERM');
    expect(await exit).toBe(143);
    expect(seen.out).toMatch(/SIGTERM 1\n[^]*trace d{32} [^]*\nCollected 1 trace, /);
  });
});

linuxTest(
  'an error of dev itself is one line, and leaves no process of the application',
  async () => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'fail.cjs');
      writeFileSync(file, `process.on('SIGUSR2', () => { throw new Error('oops'); });`);
      const { child, seen, exit, printed } = dev(
        ['--port', '0', '--', 'sh', '-c', 'sleep 600 >/dev/null 2>&1 & echo "pid $!."; wait'],
        { NODE_OPTIONS: `--require ${file}` },
      );
      await printed(/^pid \d+\.$/m);
      child.kill('SIGUSR2');
      expect(await exit).toBe(1);
      expect(seen.err).toMatch(/^flue-braintrust: oops \(at .*fail\.cjs:1:\d+\)\n$/);
      const pid = /^pid (\d+)\.$/m.exec(seen.out)?.[1] ?? '';
      for (let look = 0; look < 500 && runs(pid); look++) await sleep(20);
      const isLeft = runs(pid);
      if (isLeft) process.kill(Number(pid));
      expect(isLeft).toBe(false);
    });
  },
);

linuxTest(
  'what an application starts while it ends has time to end, and does not outlive it',
  async () => {
    await withDirectory(async (directory) => {
      const pids = join(directory, 'pids');
      // By a shell, which has begun long before the second signal, also on a busy machine.
      const daemon = `echo $$ >> '${pids}'; sleep 0.3; echo cleaned up; exec sleep 600`;
      // One is left by its parent and its session at once, one is below a process that stays.
      const { child, seen, exit, printed } = devWith(`
      const { spawn } = require('node:child_process');
      const daemon = ${JSON.stringify(daemon)};
      process.on('SIGTERM', () => {
        spawn('sh', ['-c', 'sh -c "$0" & sh -c "$0"', daemon], { stdio: 'inherit' });
        spawn('sh', ['-c', daemon], { stdio: 'inherit', detached: true });
        setTimeout(() => process.exit(4), 100);
      });
      setInterval(() => {}, 1000);
      console.log('application runs');`);
      await printed(/^application runs/m);
      child.kill('SIGTERM');
      expect(await exit).toBe(4);
      expect(seen.out.match(/^cleaned up$/gm)).toHaveLength(3);
      const started = readFileSync(pids, 'utf8').trim().split('\n');
      expect(started).toHaveLength(3);
      for (const pid of started) expect([pid, runs(pid)]).toEqual([pid, false]);
    });
  },
);

test('an application that cannot be started is named, with the exit code of a shell, and nothing stays behind', async () => {
  await withDirectory(async (directory) => {
    const plain = join(directory, 'no program');
    writeFileSync(plain, '');
    const bare = join(directory, 'no interpreter');
    writeFileSync(bare, '#!/no/such/interpreter\n');
    chmodSync(bare, 0o755);
    const cases: [string, string, number, string[]?][] = [
      [join(directory, 'none'), 'there is no such program', 127],
      ['flue-braintrust-none', 'there is no such program', 127],
      [bare, 'there is no such program', 127],
      ['', 'there is no such program', 127],
      ['npm run dev', 'there is no such program. Write the command without quotes around it', 127],
      [
        'PORT=3000',
        'there is no such program. Set variables before `npx`, not after `--`',
        127,
        ['npm', 'run', 'dev'],
      ],
      [plain, 'it may not be executed', 126],
      [directory, 'it may not be executed', 126],
      [join(plain, 'x'), 'a part of its path is not a directory', 126],
    ];
    const endings = cases.map(async ([program, why, code, args = []]) => {
      const { seen, exit } = dev(['--port', '0', '--', program, ...args]);
      expect([program, await exit]).toEqual([program, code]);
      const name = program === '' ? 'a program without a name' : program;
      expect(seen.err).toBe(`flue-braintrust: ${name} cannot be started: ${why}\n`);
      expect(seen.out).not.toContain('Collected');
    });
    await Promise.all(endings);
  });
});

test('spaces and dashes of a command line are those of the application', async () => {
  await withDirectory(async (directory) => {
    const place = join(directory, 'my programs');
    mkdirSync(place);
    const program = join(place, 'say it');
    writeFileSync(program, `#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\n`);
    chmodSync(program, 0o755);
    const { seen, exit } = dev([
      '--port',
      '0',
      '--',
      program,
      'two words',
      '--port',
      '--',
      '-h',
      '',
    ]);
    expect(await exit).toBe(0);
    expect(seen.out).toContain('[two words]\n[--port]\n[--]\n[-h]\n[]\n');
  });
});

test('a command begins at its first word where Yarn 1 or PowerShell has removed the `--`', async () => {
  const script = 'console.log(process.env.BRAINTRUST_ORG_NAME, process.argv.slice(1))';
  const words = [process.execPath, '-e', script, '--', '--port', '-h', 'dev'];
  const { seen, exit } = dev(['--port', '0', ...words]);
  expect(await exit).toBe(0);
  expect(seen.out).toContain("local [ '--port', '-h', 'dev' ]\n");
  const missing = dev(['-p', '0', 'now', '--', 'npm', 'run', 'dev']);
  expect(await missing.exit).toBe(127);
  expect(missing.seen.err).toBe(
    'flue-braintrust: now cannot be started: there is no such program\n',
  );
});

test('with --quiet no trace is printed, and with --stay the viewer outlives the application', async () => {
  const { child, seen, exit, printed } = devWith(`send('a');`, ['--quiet', '--stay']);
  await printed(/The application has ended/);
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(seen.out) ?? [];
  expect((await fetch(url)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(seen.out).not.toContain('trace a');
  expect(seen.out).not.toContain('Collected');
});

test('--open opens the viewer with the program that BROWSER names, and says so when that fails', async () => {
  await withDirectory(async (directory) => {
    const browser = join(directory, 'my browser');
    writeFileSync(browser, `#!/bin/sh\necho "$1" > "${join(directory, 'opened')}"\n`);
    chmodSync(browser, 0o755);
    const opened = join(directory, 'opened');
    const first = dev(['--port', '0', '--open'], { BROWSER: browser });
    while (!existsSync(opened) || !readFileSync(opened, 'utf8').endsWith('\n')) await sleep(20);
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(first.seen.out) ?? [];
    expect(readFileSync(opened, 'utf8')).toBe(`${url}/\n`);

    const second = dev(['--port', '0', '--open'], { BROWSER: join(directory, 'none') });
    await second.printed(/warning: the browser could not be opened; open http/);
    // An error that comes at once.
    const third = dev(['--port', '0', '--open', '--', process.execPath, '-e', ''], {
      BROWSER: join(browser, 'x'),
    });
    expect(await third.exit).toBe(0);
    expect(third.seen.err).toMatch(/^warning: the browser could not be opened; open http.*\n$/);
  });
});

test('where the default port is taken, another one is, and its owner is named', async () => {
  const leave = await portsOfDev();
  const taken = createServer();
  taken.on('error', () => {});
  await new Promise((done) =>
    taken.once('listening', done).once('error', done).listen(8723, '127.0.0.1'),
  );
  const { child, seen, exit, printed } = dev([]);
  try {
    await printed(/Open http:\/\/127\.0\.0\.1:872[4-7] /);
    expect(seen.err).toMatch(/^warning: port 8723 is taken by .+; listening on 872[4-7]\n/);
  } finally {
    child.kill('SIGTERM');
    await exit;
    taken.close();
    await leave();
  }
});

test('with --clear, dev takes no other port while a collector has the default one', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'rows.ndjson');
    const leave = await portsOfDev();
    // One that somebody else has there is as good.
    const running = await startCollector({ port: DEFAULT_PORT }).catch(() => undefined);
    try {
      writeFileSync(file, ROW);
      const { seen, exit } = dev(['--file', file, '--clear']);
      expect(await exit).toBe(1);
      expect(seen.err).toMatch(
        /^flue-braintrust: nothing was cleared, because port 8723 .* another `flue-braintrust dev`/,
      );
      expect(readFileSync(file, 'utf8')).toBe(ROW);
    } finally {
      await running?.close();
      await leave();
    }
  });
});

const OTHER_FILES: [string, string | Buffer, string][] = [
  ['package.json', '{\n  "name": "mine"\n}', 'line 1 is not JSON'],
  ['mine.ts', '\nexport const mine = 1;', 'line 2 is not JSON'],
  ['rows.ndjson.gz', gzipSync(ROW), 'line 1 is compressed with gzip'],
  ['dataset.ndjson', '{"id":"1","input":"a"}\n', 'line 1 has no ids of a row'],
  ['observations.ndjson', '{"type":"run_start","id":"r"}\n', 'line 1 has no ids of a row'],
];

test.each(OTHER_FILES)(
  'dev neither adds rows to %s nor clears it, as it holds none',
  async (name, content, cause) => {
    await withDirectory(async (directory) => {
      const file = join(directory, name);
      writeFileSync(file, content);
      const { mtimeMs } = statSync(file);
      for (const options of [[], ['--clear']]) {
        const { seen, exit } = dev(['--port', '0', '--file', file, ...options]);
        expect(await exit).toBe(2);
        expect(seen).toEqual({ out: '', err: expect.stringContaining(cause) });
        expect(seen.err).toMatch(
          /^flue-braintrust: \S+ is not a file of rows, and was left as it is: /,
        );
        expect(readFileSync(file)).toEqual(Buffer.from(content));
        expect(statSync(file).mtimeMs).toBe(mtimeMs);
      }
    });
  },
);

test.each(['', '\n\n', `torn"}\n${ROW}`])(
  'dev adds rows to a file that has %j',
  async (content) => {
    await withDirectory(async (directory) => {
      const file = join(directory, 'rows.ndjson');
      writeFileSync(file, content);
      const { exit } = devWith(`send('a');`, ['--file', file]);
      expect(await exit).toBe(0);
      expect(readFileSync(file, 'utf8')).toMatch(/"id":"row-a".*\n$/);
      expect(readFileSync(file, 'utf8').startsWith(content)).toBe(true);
    });
  },
);

linuxTest('Ctrl-C in a terminal reaches the application once, and ends both', async () => {
  const program = `${SEND}
    let count = 0;
    process.on('SIGINT', () => {
      count += 1;
      setTimeout(() => send('c').then(() => { console.log('SIGINT ' + count); process.exit(0); }), 300);
    });
    setInterval(() => {}, 1000);
    console.log('application runs');`;
  const command = [
    process.execPath,
    CLI,
    'dev',
    '--port',
    '0',
    '--',
    process.execPath,
    '-e',
    program,
  ];
  const line = command.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ');
  const { child, seen, exit, printed } = start('script', ['-qec', `exec ${line}`, '/dev/null'], {
    TERM: 'xterm',
  });
  await printed(/^application runs/m);
  child.stdin?.write('\u0003');
  expect(await exit).toBe(0);
  expect(seen.out).toContain('SIGINT 1\r\n');
  expect(seen.out).toMatch(/trace c{32}/);
  expect(seen.out).toContain('Collected 1 trace, 1 span');
});

linuxTest(
  'on Windows, the shell of an application is ended with all that it has started, and no earlier',
  async () => {
    await withDirectory(async (directory) => {
      const program = (name: string, text: string) => {
        writeFileSync(join(directory, name), text);
        chmodSync(join(directory, name), 0o755);
      };
      // What Node starts there as the shell, and what ends processes.
      program(
        'cmd.exe',
        `#!/bin/sh\neval "$(printf %s "$4" | sed 's/^"//; s/"$//')"\necho "shell $?"\n`,
      );
      program(
        'taskkill',
        `#!/bin/sh\necho "$@" > ${directory}/killed\nkill -9 $(cat /proc/$2/task/$2/children) $2\n`,
      );
      writeFileSync(
        join(directory, 'windows.js'),
        `Object.defineProperty(process, 'platform', { value: 'win32' });`,
      );
      writeFileSync(
        join(directory, 'app.js'),
        `process.on('SIGINT', () => {}); setInterval(() => {}, 1000); console.log('app ' + process.pid);`,
      );
      const env = { PATH: `${directory}:${process.env.PATH}`, comspec: 'cmd.exe' };
      const args = [
        '--require',
        join(directory, 'windows.js'),
        CLI,
        'dev',
        '-p',
        '0',
        '--',
        'node',
        join(directory, 'app.js'),
      ];
      const { child, seen, exit, printed } = start(process.execPath, args, env);
      await printed(/app \d+\n/);
      const [, pid = ''] = /app (\d+)/.exec(seen.out) ?? [];
      const shell = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3];
      child.kill('SIGINT');
      await exit;
      expect(readFileSync(join(directory, 'killed'), 'utf8')).toBe(`/pid ${shell} /t /f\n`);
      expect(runs(pid)).toBe(false);
      expect(seen.err).toContain('warning: the application did not end, and was killed\n');
    });
  },
);
