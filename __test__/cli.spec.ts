import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { version } from '../package.json';
import { suggestionFor } from '../tools/support/suggest';
import { CLI, cli } from './support/cli';
import { finished, withDirectory } from './support/run';

const children: ChildProcess[] = [];

/** The program as a child process, with what it printed so far. */
class Program {
  out = '';
  err = '';
  readonly child: ChildProcess;
  readonly exit: Promise<unknown>;

  constructor(args: string[]) {
    this.child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(this.child);
    this.child.stdout?.setEncoding('utf8').on('data', (text) => (this.out += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text) => (this.err += text));
    this.exit = once(this.child, 'close').then(([code]) => code);
  }

  /** Waits until what it printed matches, and gives the match. */
  async printed(stream: 'out' | 'err', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      const source = stream === 'out' ? this.child.stdout : this.child.stderr;
      const ended = this.exit.then(() => {
        throw new Error(`ended without printing ${pattern}: ${this.out}${this.err}`);
      });
      await Promise.race([once(source as NodeJS.EventEmitter, 'data'), ended]);
    }
  }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function startDev(...args: string[]): Promise<{ program: Program; url: string }> {
  const program = new Program(['dev', '--port', '0', ...args]);
  const [, url = ''] = await program.printed('out', /BRAINTRUST_API_URL=(\S+)\n/);
  return { program, url };
}

test.each([
  ['dev', ['dve', 'dec', 'deev', 'Dev', 'de', 'edv', 'develop']],
  ['init', ['int', 'innit', 'inti', 'INIT']],
  ['doctor', ['docter', 'dcotor', 'doc', 'doctr']],
  ['inspect', ['inspct', 'insepct', 'inspec', 'inspects']],
  ['drain', ['drian', 'drai', 'drains', 'darin']],
  ['replay', ['reply', 'relpay', 'repaly']],
  ['top', ['tpo', 'pot', 'topp']],
  [undefined, ['fly', 'x', '', 'list', 'run', '-', 'e'.repeat(1000)]],
])('what %s is meant by is found, and nothing is guessed', (meant, typed) => {
  const commands = ['dev', 'init', 'doctor', 'inspect', 'drain', 'replay', 'top'];
  for (const word of typed) expect([word, suggestionFor(word, commands)]).toEqual([word, meant]);
});

function row(digit: string, more: object = {}) {
  return {
    id: `row-${digit}`,
    span_id: digit.repeat(16),
    root_span_id: digit.repeat(32),
    project_id: '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f',
    log_id: 'g',
    _is_merge: true,
    created: '2026-11-23T06:58:22.500Z',
    span_attributes: { name: `workflow:${digit}`, type: 'task' },
    metrics: { start: 100, end: 100.32 },
    ...more,
  };
}

async function log(url: string, ...rows: object[]) {
  const response = await fetch(`${url}/logs3`, {
    method: 'POST',
    headers: { authorization: 'Bearer local' },
    body: JSON.stringify({ rows, api_version: 2 }),
  });
  expect(response.status).toBe(200);
}

test('dev says how to point an application at it, with its real port', async () => {
  const { program, url } = await startDev();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  expect(program.out).toContain(`Open ${url} to see them.`);
  expect(await (await fetch(url)).text()).toContain('/viewer/app.mjs');
  expect(program.out).toContain(
    `  export BRAINTRUST_API_KEY=local\n` +
      `  export BRAINTRUST_APP_URL=${url}\n` +
      `  export BRAINTRUST_API_URL=${url}\n` +
      `  export BRAINTRUST_ORG_NAME=local\n`,
  );
  expect((await fetch(`${url}/version`)).status).toBe(401);
});

test('dev prints a finished trace, warns about problems, and ends well on SIGINT', async () => {
  const { program, url } = await startDev();
  await log(url, row('a', { surprise: 1 }));
  await program.printed('err', /warning: row row-a: surprise is not a field of a row\n/);
  await program.printed('out', /trace a{32} · 320 ms .*\nworkflow:a +task +320 ms\n/);
  await log(url, row('b', { metrics: { start: 100 } }));
  program.child.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.out).toMatch(/still running: trace b{32} .* 1 open\nworkflow:b +task +open\n/);
  expect(program.out.trimEnd().split('\n').at(-1)).toBe(
    'Collected 2 traces, 2 spans, 2 requests, 1 problem.',
  );
  expect(program.out).not.toContain('\u001b');
});

test('dev names what a trace lacks in the end, and nothing that came later', async () => {
  const { program, url } = await startDev();
  const [above, missing] = ['a'.repeat(16), 'e'.repeat(16)];
  const below = { id: 'row-c', span_id: 'c'.repeat(16) };
  await log(url, row('a', { ...below, span_parents: [above] }));
  await log(url, row('b', { span_parents: [missing] }));
  await log(url, row('a'));
  await program.printed('out', /trace a{32} /);
  program.child.kill('SIGINT');
  expect(await program.exit).toBe(0);
  // Its parent is elsewhere: it does not run.
  expect(program.out).toMatch(/\ntrace b{32} /);
  const warnings = program.err.match(/warning: .*/g);
  expect(warnings).toEqual([`warning: row row-b: parent ${missing} is missing`]);
  expect(program.out).toMatch(/, 1 problem\.\n$/);
});

test('dev sums up a flood of problems, and states how many there are', async () => {
  const { program, url } = await startDev();
  const rows = Array.from({ length: 1000 }, (_, n) => row('a', { id: `row-${n}`, surprise: 1 }));
  await log(url, ...rows);
  await program.printed('err', /warning: and [\d,]+ more problems like these\n/);
  expect(program.err.split('\n').length).toBeLessThan(100);
  program.child.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.out).toMatch(/, [\d,]+ problems\.\n$/);
});

test('dev prints an updated trace in one line, and with --quiet none', async () => {
  const { program, url } = await startDev();
  const quiet = await startDev('--quiet');
  for (const to of [url, quiet.url]) await log(to, row('a'));
  await program.printed('out', /\ntrace a{32} .*\nworkflow:a .*\nhttp:\S+#\/trace\/a{32}\n/);
  const before = program.out.length;
  const child = { id: 'row-b', span_id: 'b'.repeat(16), span_parents: ['a'.repeat(16)] };
  for (const to of [url, quiet.url]) await log(to, row('a', { ...child, error: 'no' }));
  await program.printed('out', /\nupdated: trace a{32} · .* · 2 spans · 1 error · .*\n/);
  expect(program.out.slice(before)).toMatch(/^updated: [^\n]*\n$/);
  quiet.program.child.kill('SIGINT');
  expect(await quiet.program.exit).toBe(0);
  expect(quiet.program.out).toMatch(/BRAINTRUST_API_URL=/);
  expect(quiet.program.out).not.toMatch(/trace a|Collected/);
});

test('dev prints a line for each feedback, also for an id that no trace has', async () => {
  const { program, url } = await startDev();
  const span = { span_attributes: { name: 'flue.prompt', type: 'task' } };
  await log(url, row('a', { ...span, metadata: { 'flue.instance_id': 'house-1' } }));
  const about = { project_id: row('a').project_id, log_id: 'g', _audit_source: 'app' };
  await log(
    url,
    { ...about, id: 'row-a', _is_merge: true, scores: { user_rating: 1, tone: 0.5 } },
    { ...about, id: 'c1', origin: { id: 'row-a' }, comment: { text: 'Well\u001b[2J done.' } },
    { ...about, id: 'row-a', _is_merge: true, expected: { answer: 42 }, tags: ['x', 'y'] },
    { ...about, id: 'row-z', _is_merge: true, scores: { user_rating: 0 } },
  );
  // A span with a source is not feedback by that.
  await log(url, row('a', { ...span, _audit_source: 'app' }));
  await program.printed('out', /^feedback: user_rating 0 .*\n/m);
  // Its span comes a little later, as from another process.
  await log(url, { ...about, id: 'row-b', _is_merge: true, scores: { user_rating: null } });
  await log(url, row('b', span));
  await program.printed('out', /^feedback: user_rating null .*\n/m);
  // What is not a row of ours breaks nothing.
  const odd = { ...about, id: 'c2', origin: { id: { toString: 1 } }, comment: { text: 'x' } };
  await log(url, odd);
  const scores = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`score ${n}`, 1]));
  await log(url, { ...about, id: 'row-a', _is_merge: true, scores });
  await program.printed('out', /^feedback: score 0 .*\n/m);
  program.child.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.out.match(/^feedback: .*$/gm)).toEqual([
    'feedback: user_rating 1, tone 0.5 on flue.prompt (house-1)',
    'feedback: comment "Well\\u001b[2J done." on flue.prompt (house-1)',
    'feedback: expected {"answer":42}, tags x y on flue.prompt (house-1)',
    'feedback: user_rating 0 for the id row-z, which no trace here has',
    'feedback: user_rating null on flue.prompt',
    expect.stringMatching(
      /^feedback: score 0 1, score 1 1, .{0,400}… on flue\.prompt \(house-1\)$/,
    ),
  ]);
});

test('dev prints no control character of a row', async () => {
  const { program, url } = await startDev();
  await log(url, row('a', { id: 'row\u001b[2J\u0007\u009b-a', surprise: 1 }));
  await program.printed('err', /warning: row row \[2J -a: surprise is not a field of a row\n/);
  expect(program.err).not.toMatch(/(?!\n)\p{Cc}/u);
});

test('dev prints a chain of 5,000 nested spans in one line, ends well, and serves it', async () => {
  const { program, url } = await startDev();
  const id = (n: number) => n.toString(16).padStart(16, '0');
  const chain = Array.from({ length: 5_000 }, (_, n) =>
    row('a', {
      id: `row-${n}`,
      span_id: id(n),
      ...(n > 0 && { span_parents: [id(n - 1)] }),
      span_attributes: { name: `link ${n}`, type: 'task' },
    }),
  );
  // Its first span ends with the rest: until then, the trace is not finished.
  const [first, ...others] = chain;
  await log(url, { ...first, metrics: { start: 100 } }, ...others.slice(0, 2_500));
  await log(url, ...others.slice(2_500), { ...first });
  const [, printed = ''] = await program.printed('out', /\n(trace a{32} · [^]* 5,000 spans .*\n)/);
  expect(printed.split('\n')).toHaveLength(2);
  const trace = await fetch(`${url}/viewer/api/trace?id=${'a'.repeat(32)}`);
  const { spans } = (await trace.json()) as { spans: { name: string; depth: number }[] };
  expect(spans.at(-1)).toMatchObject({ name: 'link 4999', depth: 4_999 });
  program.child.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.err).toBe('');
  expect(program.out.trimEnd().split('\n').at(-1)).toMatch(/^Collected 1 trace, 5,000 spans, /);
});

test('dev stores rows that are nested more deeply than any stack, without what is too deep', async () => {
  const { program, url } = await startDev();
  const deep = `${'{"a":['.repeat(100_000)}1${']}'.repeat(100_000)}`;
  for (const output of ['1', '2']) {
    const text = JSON.stringify(row('a', { input: null, output })).replace('null', deep);
    const response = await fetch(`${url}/logs3`, {
      method: 'POST',
      headers: { authorization: 'Bearer local' },
      body: `{"rows":[${text}],"api_version":2}`,
    });
    expect(response.status).toBe(200);
  }
  await program.printed('err', /warning: row row-a: it is nested too deeply\n/);
  await program.printed('out', /workflow:a /);
  const list = await (await fetch(`${url}/viewer/api/traces?q=left+out`)).json();
  expect(list).toMatchObject({ total: 1 });
  program.child.kill('SIGINT');
  expect(await program.exit).toBe(0);
});

test('on an address that others can reach, dev warns once, and viewer and rows need the token', async () => {
  const { program, url } = await startDev('--host', '0.0.0.0');
  const [, page = '', token = ''] = /Open (\S+\/\?token=(\w+)) to see/.exec(program.out) ?? [];
  expect(token).toMatch(/^[0-9a-f]{32}$/);
  expect(program.out).toContain(`  export BRAINTRUST_API_KEY=${token}\n`);
  expect(program.err).toMatch(/^warning: other machines can reach 0\.0\.0\.0; .*\n$/);

  const opened = await fetch(page);
  expect(opened.status).toBe(200);
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
  const traces = `${url}/viewer/api/traces`;
  const status = async (address: string, headers = {}) =>
    (await fetch(address, { headers, redirect: 'manual' })).status;
  expect(await status(traces, { cookie })).toBe(200);
  expect(await status(`${traces}?token=${token}`)).toBe(200);
  for (const refused of ['', `?token=${'0'.repeat(32)}`]) {
    for (const path of [
      '/',
      '/viewer/app.mjs',
      '/viewer/api/traces',
      '/viewer/api/export',
      '/app/o/p',
    ])
      expect(await status(`${url}${path}${refused}`)).toBe(401);
  }
  expect(await status(traces, { cookie: 'flue-braintrust-token=0' })).toBe(401);

  const post = (key: string) =>
    fetch(`${url}/logs3`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ rows: [row('a')], api_version: 2 }),
    });
  expect((await post('local')).status).toBe(401);
  expect((await post(token)).status).toBe(200);
});

test.each(['127.0.0.1', 'localhost', '127.0.0.2'])('on %s, dev needs no token', async (host) => {
  const { program, url } = await startDev('--host', host);
  expect(program.out).toContain('BRAINTRUST_API_KEY=local\n');
  expect(program.err).toBe('');
  expect((await fetch(`${url}/viewer/api/traces`)).status).toBe(200);
});

test('dev ends well on SIGTERM', async () => {
  const { program } = await startDev();
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
  expect(program.out).toContain('Collected 0 traces, 0 spans, 0 requests, 0 problems.\n');
});

test('dev writes incoming rows to a file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cli-'));
  const file = join(directory, 'out.ndjson');
  try {
    const { url } = await startDev('--file', file);
    await log(url, row('a'));
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(row('a'));
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('dev keeps as many traces as --keep states, and clears its file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cli-'));
  const file = join(directory, 'out.ndjson');
  const shown = async (url: string) => {
    const { traces } = (await (await fetch(`${url}/viewer/api/traces`)).json()) as {
      traces: { name: string }[];
    };
    return traces.map(({ name }) => name);
  };
  try {
    const first = await startDev('--file', file, '--keep', '2');
    for (const digit of ['a', 'b', 'c']) await log(first.url, row(digit));
    expect((await shown(first.url)).toSorted()).toEqual(['workflow:b', 'workflow:c']);
    first.program.child.kill('SIGINT');
    expect(await first.program.exit).toBe(0);
    expect(first.program.out).toMatch(
      /\nCollected 3 traces \(2 kept\), 3 spans \(2 kept\), 3 requests, 0 problems\.\n$/,
    );
    // Those of the file were collected earlier.
    const again = await startDev('--file', file);
    await log(again.url, row('c', { output: 'more' }));
    again.program.child.kill('SIGINT');
    expect(await again.program.exit).toBe(0);
    expect(again.program.out).toMatch(/\nCollected 1 trace \(3 kept\), /);
    const second = await startDev('--file', file, '--clear');
    expect(await shown(second.url)).toEqual([]);
    await log(second.url, row('d'));
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(row('d'));
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('dev says so when its port is taken, and exits with 1', async () => {
  const { url } = await startDev();
  const second = new Program(['dev', '--port', new URL(url).port]);
  expect(await second.exit).toBe(1);
  const who = process.platform === 'linux' ? ' \\(process \\d+\\)' : '.*';
  expect(second.err).toMatch(
    new RegExp(
      `^flue-braintrust: port ${new URL(url).port} on 127.0.0.1 is taken by ` +
        `another \`flue-braintrust dev\`${who}; choose another with --port, .*\n$`,
    ),
  );
  expect(second.out).toBe('');
});

test('help and version go to standard output', async () => {
  const help = new Program(['--help']);
  const helpOfDev = new Program(['dev', '--help']);
  const versionOf = new Program(['--version']);
  expect(await Promise.all([help.exit, helpOfDev.exit, versionOf.exit])).toEqual([0, 0, 0]);
  expect(help.out).toContain('Usage: flue-braintrust <command>');
  expect(helpOfDev.out).toContain('Usage: flue-braintrust dev [options]');
  expect(versionOf.out).toBe(`${version}\n`);
});

test.each(['dev', 'init', 'doctor', 'inspect', 'drain', 'replay', 'top'])(
  'the command %s is listed, and has a help of its own',
  async (name) => {
    const list = new Program(['help']);
    const help = new Program([name, '--help']);
    const same = new Program(['help', name]);
    expect([await list.exit, await help.exit, await same.exit]).toEqual([0, 0, 0]);
    expect(same.out).toBe(help.out);
    expect(list.out).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
    expect(help.out).toMatch(new RegExp(`^Usage: flue-braintrust ${name}`));
    expect(help.out).toMatch(new RegExp(`^Examples:\n  npx flue-braintrust ${name} `, 'm'));
    expect(list.err + help.err).toBe('');
    const longest = Math.max(...`${list.out}${help.out}`.split('\n').map(({ length }) => length));
    expect(longest).toBeLessThanOrEqual(120);
  },
);

test.each([
  [[], 'no command given'],
  [['fly'], 'unknown command: fly\n'],
  [['dve'], 'unknown command: dve. Did you mean dev?\n'],
  [['help', 'docter'], 'unknown command: docter. Did you mean doctor?\n'],
  [['--dev'], 'unknown option: --dev. Did you mean dev?\n'],
  [['dev', '--prot', '1'], "Unknown option '--prot'. Did you mean --port?\n"],
  [['de\u001b[2Jv'], 'unknown command: de [2Jv'],
  [['dev', '--'], 'the command after -- is missing'],
  [['dev', '--stay'], '--stay is for a command'],
  [['dev', '--wings'], "Unknown option '--wings'"],
  [['dev', '--prot', 'npm', 'run', 'dev'], "Unknown option '--prot'. Did you mean --port?\n"],
  [['doctor', 'now'], "Unexpected argument 'now'"],
  [['doctor', 'sk-abcdefghijklmnop12'], "Unexpected argument '*********************'"],
  [['dev', '--port'], "Option '-p, --port <value>' argument missing"],
  [
    ['dev', '--port', '-1'],
    '--port has no value; one that begins with a dash is given as --port=-x\n',
  ],
  [['dev', '-p', '--open'], '-p has no value; one that begins with a dash is given as -p-x\n'],
  [['dev', '--port=-1'], '--port must be a number from 0 to 65535, but is -1'],
  [['dev', '--port', '70000'], '--port must be a number from 0 to 65535, but is 70000'],
  [['dev', '--keep', '0'], '--keep must be a number of traces, 1 or more, but is 0'],
  [['dev', '--keep', 'all'], '--keep must be a number of traces, 1 or more, but is all'],
])('wrong usage %j shows the usage on standard error and exits with 2', async (args, problem) => {
  const program = new Program(args);
  expect(await program.exit).toBe(2);
  expect(program.err).toContain(`flue-braintrust: ${problem}`);
  expect(program.err).toContain('Usage: flue-braintrust');
  // The mistake stays in sight.
  expect(program.err.split('\n').length).toBeLessThanOrEqual(24);
  expect(program.err).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(program.out).toBe('');
});

test.each([
  [['sk-abcdefghij0123456789']],
  [['doctor', 'sk-abcdefghij0123456789']],
  [['init', 'sk-abcdefghij0123456789']],
  [['inspect', 'BRAINTRUST_API_KEY=sk-abcdefghij0123456789']],
  [['replay', 'another-key-of-the-user']],
])('an API key in the place of a word is not repeated: %j', async (args) => {
  const { code, stdout, stderr } = await cli(args, {
    env: { BRAINTRUST_API_KEY: 'another-key-of-the-user' },
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain('*****');
  expect(stdout + stderr).not.toMatch(/abcdefghij|another-key/);
});

test('an API key in the command that dev starts is not repeated', async () => {
  const secrets = ['key=sk-abcdefghij0123456789', 'BRAINTRUST_API_KEY=fe01aa77bc9912de33445566'];
  const program = ['node', '-e', '0', ...secrets];
  const { code, stdout, stderr } = await cli(['dev', '--port', '0', '--', ...program]);
  expect(code).toBe(0);
  expect(stdout).toContain('Starting node -e 0 key=*****');
  expect(stdout + stderr).not.toMatch(/abcdefghij|fe01aa/);
});

(process.platform === 'win32' ? test.skip : test)(
  'a working directory that is gone is named in plain words',
  async () => {
    await withDirectory(async (directory) => {
      const line = `rmdir '${directory}'; exec '${process.execPath}' '${CLI}' init`;
      const { code, stderr } = await finished('sh', ['-c', line], {}, directory);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: 'flue-braintrust: the working directory no longer exists\n',
      });
    });
  },
);
