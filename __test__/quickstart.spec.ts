import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { closedPort } from './support/network';
import { ROOT, finished } from './support/run';
import { Terminal } from './support/terminal';

/*
 * The quickstart, as it is printed: its commands in their order, in the terminals that it names. The packages that it
 * installs come from elsewhere (`fixtures/quickstart-npm.mjs`), and servers listen on free ports.
 */

const PAGE = readFileSync(join(ROOT, 'docs/quickstart.md'), 'utf8');
/** The blocks of commands, each with the text before it. */
const BLOCKS = Array.from(PAGE.matchAll(/((?:(?!^```)[^])*?)^```sh\n([^]*?)^```$/gm), (match) => ({
  before: match[1] ?? '',
  commands: match[2] ?? '',
}));

let directory: string;
let ports: Record<'dev' | 'vite' | 'server', string>;
let env: Record<string, string>;
/** Those of the page, and one for the tests. */
let terminals: [Terminal, Terminal, Terminal];
/** The blocks that have not run. */
const left = [...BLOCKS];

beforeAll(async () => {
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'flue-braintrust-quickstart-'));
  const [dev, vite, server] = [await closedPort(), await closedPort(), await closedPort()];
  ports = { dev: String(dev), vite: String(vite), server: String(server) };
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const script = join(ROOT, '__test__/fixtures/quickstart-npm.mjs');
  for (const name of ['npm', 'npx']) {
    const text = `#!/bin/sh\nexec '${process.execPath}' '${script}' ${name} "$@"\n`;
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  const { stdout } = await finished('sh', ['-c', 'command -v npm'], {}, ROOT);
  const path = [bin, dirname(process.execPath), process.env.PATH].join(delimiter);
  env = {
    PATH: path,
    REAL_NPM: stdout.trim(),
    DEV_PORT: ports.dev,
    PORT: ports.server,
    NO_COLOR: '1',
  };
  const terminal = (cwd: string) => new Terminal(cwd, env);
  const project = join(directory, 'greenhouse');
  mkdirSync(project);
  terminals = [terminal(directory), terminal(project), terminal(project)];
  // It is made by the commands of the page.
  rmSync(project, { recursive: true });
});

afterAll(async () => {
  await Promise.all((terminals ?? []).map((terminal) => terminal.close()));
  rmSync(directory, { recursive: true, force: true });
});

const inProject = (name: string) => join(directory, 'greenhouse', name);

/** The next block, which must have these words in it, with the ports of this test. */
function next(words: string, terminal?: string): string {
  const block = left.shift();
  if (block === undefined) throw new Error(`the page ends before: ${words}`);
  expect(block.commands).toContain(words);
  if (terminal !== undefined)
    expect(block.before.replaceAll(/\s+/g, ' ')).toContain(`${terminal} terminal`);
  return block.commands
    .replaceAll('8723', ports.dev)
    .replaceAll('localhost:5173', `127.0.0.1:${ports.vite}`);
}

test('1: Node is new enough, and a project of Flue answers without a network', async () => {
  const [first] = terminals;
  const version = await first.run(next('node --version'));
  const [, oldest = ''] = /must print `v([\d.]+)`/.exec(PAGE) ?? [];
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(`>=${oldest}`).toBe(engines.node);
  expect(version.trim()).toMatch(/^v\d+\.\d+\.\d+$/);

  await first.run(next('@flue/cli init greenhouse'));
  expect(existsSync(inProject('src/agents/hello.ts'))).toBe(true);
  await first.run(next('npm install @flue/runtime@'));
  await first.run(next('npm install @earendil-works/pi-ai@'));
  await first.run(next('src/offline.ts'));
  const [, reply = 'no reply'] = /prints the reply, `([^`]+)`/.exec(PAGE) ?? [];
  expect(await first.run(next('npx flue run'))).toContain(reply);
});

test('2: the tracing is added', async () => {
  const printed = await terminals[0].run(next('npm install flue-braintrust'));
  expect(printed).toContain('src/braintrust.ts');
  expect(readFileSync(inProject('src/app.ts'), 'utf8')).toMatch(/^import '.\/braintrust.ts';$/m);
});

test('3: a message to the application, and one by `flue run`, show a trace each', async () => {
  const [first, second] = terminals;
  // It was opened before the project was made.
  await second.run(`cd ${inProject('')}`);
  const start = next('npx flue-braintrust dev -- npm run dev').replace(
    'npm run dev',
    `npm run dev -- --host 127.0.0.1 --port ${ports.vite} --strictPort`,
  );
  await first.start(start, new RegExp(`:${ports.vite}`));
  const send = next('curl -X POST', 'second');
  let answer = '';
  for (let attempt = 0; attempt < 100 && !answer.includes('streamUrl'); attempt++) {
    answer = await second.run(send);
    if (/error/.test(answer)) await new Promise((resolve) => setTimeout(resolve, 300));
    else break;
  }
  const tree =
    /^Hello: .*\ntrace [0-9a-f]{32} · .* · 2 spans · 0 open\nflue\.prompt .*\n└─ llm:hello .*\nhttp/m;
  await first.printed(tree);

  const from = first.output.length;
  const run = next('flue-braintrust/register', 'second');
  expect(await second.run(run)).toContain('Hello! I run without a network.');
  await first.printed(tree, from);
  expect(first.output).toContain('[flue-braintrust] Traces go to project "Flue"');
  for (const { output } of [first, second]) expect(output).not.toContain('FLUE_BRAINTRUST_');
});

test('4: the application that is built sends its traces with the key in `.env`', async () => {
  const [first, , third] = terminals;
  await first.close();
  const again = new Terminal(inProject(''), env);
  terminals[0] = again;
  // Not to Braintrust itself.
  await third.run(`cd ${inProject('')}`);
  await third.start('npx flue-braintrust dev', new RegExp(`127.0.0.1:${ports.dev}`));
  const url = `http://127.0.0.1:${ports.dev}`;
  appendFileSync(inProject('.env'), `BRAINTRUST_APP_URL=${url}\nBRAINTRUST_API_URL=${url}\n`);
  expect(await again.run(next('flue-braintrust doctor'))).toContain(url);

  const from = third.output.length;
  const [build = '', serve = ''] = next('npm run build').trim().split('\n');
  await again.run(build);
  await again.start(serve, /^/);
  const message = `-H 'content-type: application/json' -d '{"kind":"user","body":"Hello"}'`;
  const agent = `http://127.0.0.1:${ports.server}/agents/hello/chat`;
  await terminals[1].run(
    `curl -sS --retry 20 --retry-connrefused --retry-delay 1 -X POST ${agent} ${message}`,
  );
  await third.printed(/llm:hello /, from);
  expect(left).toEqual([]);
});
