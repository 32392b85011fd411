import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { activities } from './support/activities';
import type { FlueEvent } from './support/activity';
import { faults } from './support/activity-faults';
import type { Listener } from './support/network';
import { manifestIn, npm } from './support/npm';
import { Project, until } from './support/project';
import { type Publication, manifestOf, startRegistry } from './support/registry';
import { ROOT, destination, readEvents, run, withDirectory } from './support/run';

/*
 * What a user gets: the tarballs that are published, installed from a registry into a project of its own, built,
 * and run. Nothing of the source tree takes part but the collector.
 */

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** As the README prints them. */
const [, INSTALL = ''] = /^(npm install flue-braintrust)$/m.exec(README) ?? [];
const [, MODULE = ''] = /^```ts\n(import [^`]*\binstrument\([^`]*)```$/m.exec(README) ?? [];

const NODE_24 = join(ROOT, '__test__/node-24/node_modules/.bin/node');
/** Node 24 comes from packages that are there for Linux only. */
const NODES = [
  ['22', process.execPath],
  ...(process.platform === 'linux' ? [['24', NODE_24]] : []),
];

/** Turns that take their time, and how much they take at least; half a second of it is spent in a tool. */
const SLOW = { TOKENS_PER_SECOND: '12', TOOL_MS: '500' };
const TURNS_MS = 1400;
/** The events that show the progress of an agent. */
const STEPS = new Set(['turn_request', 'turn', 'tool_start', 'tool', 'operation']);
const RUNS = 20;
/** Two at a time: the machines that run this have two cores. */
const AT_ONCE = 2;

type Served = Awaited<ReturnType<Project['serve']>>;

let directory: string;
let project: Project;
let registry: Listener & { url: string; asked: string[] };
const modules = () => join(directory, 'project/node_modules');
const ours = () => readdirSync(modules()).filter((name) => name.startsWith('flue-braintrust'));

beforeAll(async () => {
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'flue-braintrust-e2e-'));
  const packed = await run(['scripts/pack.mjs', join(directory, 'packages')]);
  if (packed.code !== 0) throw new Error(packed.stderr);
  const tarballs = packed.stdout.trim().split('\n');
  const elsewhere = await npm(['config', 'get', 'registry'], ROOT);
  const served = await startRegistry(publications(tarballs), elsewhere);
  registry = served;

  project = new Project(join(directory, 'project'), '2.x', 'src').withApp();
  await project.withInstalledPackages();
  const [, ...words] = INSTALL.split(' ');
  const cache = join(directory, 'cache');
  await project.npm(words, { npm_config_registry: served.url, npm_config_cache: cache });

  writeFileSync(project.path('braintrust.ts'), MODULE);
  const fixture = 'record-events.mjs';
  copyFileSync(join(ROOT, '__test__/fixtures', fixture), project.path(fixture));
  const app = readFileSync(project.path('app.ts'), 'utf8');
  const record = `import { observe } from '@flue/runtime';\nimport { recordEvents } from './${fixture}';\n`;
  const expect = 'recordEvents(observe, process.env.EXPECT_FILE as string);\n';
  writeFileSync(project.path('record.ts'), record + expect);
  writeFileSync(project.path('app.ts'), `import './record.ts';\nimport './braintrust.ts';\n${app}`);
  const failure = await project.build();
  if (failure !== '') throw new Error(failure);
});

afterAll(async () => {
  await registry?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Our packages, those of other platforms without a tarball. */
function publications(tarballs: string[]): Publication[] {
  const packed = tarballs.map((tarball) => ({ manifest: manifestOf(tarball), tarball }));
  const others = readdirSync(join(ROOT, 'npm'))
    .map((name) => manifestIn(join(ROOT, 'npm', name)))
    .filter(({ name }) => !packed.some(({ manifest }) => manifest.name === name));
  return [...packed, ...others.map((manifest) => ({ manifest }))];
}

test('the command of the README installs the package and the binary for this machine, and no other', () => {
  const [main, binary, ...others] = ours();
  expect([main, others]).toEqual(['flue-braintrust', []]);
  const { os, cpu, version } = manifestIn(join(modules(), binary as string));
  expect([os, cpu]).toEqual([[process.platform], [process.arch]]);
  const fetched = registry.asked.filter((path) => path.endsWith('.tgz')).toSorted();
  expect(fetched).toEqual([`/-/flue-braintrust-${version}.tgz`, `/-/${binary}-${version}.tgz`]);
});

test('a project that pins braintrust 3.17.0, as the guide of Flue installs it, has no conflict', () =>
  withDirectory(async (own) => {
    const dependencies = { braintrust: '3.17.0' };
    writeFileSync(join(own, 'package.json'), JSON.stringify({ private: true, dependencies }));
    const cache = join(directory, 'cache');
    const install = ['install', 'flue-braintrust', '--package-lock-only', '--strict-peer-deps'];
    await npm(install, own, { npm_config_registry: registry.url, npm_config_cache: cache });
    const { packages } = JSON.parse(readFileSync(join(own, 'package-lock.json'), 'utf8'));
    const versionOf = (name: string) => packages[`node_modules/${name}`]?.version;
    expect(versionOf('braintrust')).toBe('3.17.0');
    expect(versionOf('flue-braintrust')).toBe(manifestIn(ROOT).version);
  }));

test('nothing of the installed package leads into the source tree', async () => {
  const linked = readdirSync(modules(), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map(({ parentPath, name }) => realpathSync(join(parentPath, name)))
    .filter((target) => !target.startsWith(directory));
  expect(linked).toEqual([]);
  const program = `
    require('flue-braintrust').initLogger({ apiKey: 'k', appUrl: 'http://127.0.0.1:9' });
    const binaries = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'));
    console.log(JSON.stringify([...Object.keys(require.cache), ...binaries]));`;
  const { stdout, stderr } = await run(['-e', program], {}, undefined, project.directory);
  expect(stderr).toBe('');
  const files = JSON.parse(stdout) as string[];
  expect(files).toEqual(
    expect.arrayContaining([
      join(modules(), 'flue-braintrust/index.js'),
      expect.stringMatching(/flue-braintrust-[^/]+\/[^/]+\.node$/),
    ]),
  );
  expect(files.filter((file) => !file.startsWith(modules()))).toEqual([]);
});

/** Starts the built server beside a collector, for a function that gets Flue's events so far, too. */
async function withServer<T>(
  env: Record<string, string>,
  node: string,
  use: (server: Served, events: () => FlueEvent[], collector: Collector) => Promise<T>,
) {
  return withDirectory(async (own) => {
    const collector = await startCollector();
    const file = join(own, 'events');
    const all = { ...destination(collector), ...env, EXPECT_FILE: file };
    const server = await project.serve(all, node);
    try {
      return await use(server, () => (existsSync(file) ? readEvents(file) : []), collector);
    } finally {
      await server.end('SIGKILL');
      await collector.close();
    }
  });
}

/** One server that gets SIGTERM so long after its agent has begun; how it ended, and what is wrong with its trace. */
async function terminated(node: string, afterMs: number) {
  return withServer({ ...SLOW }, node, async (server, events, collector) => {
    await server.ask('house-1');
    await until(() => events().some(({ type }) => type === 'turn_request'));
    await sleep(afterMs);
    const last = events().findLast(({ type }) => STEPS.has(type));
    const { code, stderr } = await server.end('SIGTERM');
    const expected = activities(events());
    const trace = faults(expected, collector.rows());
    const warnings = stderr.split('\n').filter((line) => line.includes('flue-braintrust'));
    return {
      code,
      spans: expected.length,
      wrong: [...trace, ...collector.problems, ...warnings],
      /** Flue's last event before the signal. */
      during: last?.type,
    };
  });
}

test.each(NODES)(
  `${RUNS} servers on Node %s that get SIGTERM in the middle of a turn lose no span`,
  async (_version, node) => {
    const outcomes: Awaited<ReturnType<typeof terminated>>[] = [];
    const moments = Array.from({ length: RUNS }, (_, run) => (run * TURNS_MS) / RUNS);
    const worker = async () => {
      for (let moment = moments.pop(); moment !== undefined; moment = moments.pop()) {
        outcomes.push(await terminated(node, moment));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));

    expect(outcomes.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(outcomes.map(({ code }) => code)).toEqual(outcomes.map(() => 143));
    // All of them in the middle, and not all at the same point of it.
    const points = outcomes.map(({ during }) => during);
    expect(points).not.toContain('operation');
    expect(points).toEqual(expect.arrayContaining(['turn_request', 'tool_start']));
    const spans = outcomes.map(({ spans }) => spans);
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(2);
    const total = spans.reduce((sum, count) => sum + count, 0);
    process.stdout.write(`${RUNS} SIGTERMs: ${total} spans, all delivered and closed\n`);
  },
);

describe('without its binary', () => {
  /** Where the binary of this machine is installed. */
  const place = () => join(modules(), ours()[1] as string);

  async function expectWarning(...says: string[]) {
    await withServer({}, process.execPath, async (server, events, collector) => {
      await server.ask('house-1');
      await until(() => events().some(({ type }) => type === 'submission_settled'));
      const { stderr } = await server.end('SIGTERM');
      const warnings = stderr.split('\n').filter((line) => line.includes('[flue-braintrust]'));
      expect(warnings).toHaveLength(1);
      expect(collector.requests).toEqual([]);
      const code = 'FLUE_BRAINTRUST_NOT_STARTED';
      const parts = [code, ...says, 'the application runs on without tracing.'];
      for (const part of parts) expect(warnings[0]).toContain(part);
    });
  }

  test('the application runs on, and a warning names the missing package and how to install it', async () => {
    const name = ours()[1] as string;
    const [from, to] = [place(), join(directory, 'removed')];
    renameSync(from, to);
    try {
      await expectWarning(`${name} is not installed`, '`npm install` without `--omit=optional`');
    } finally {
      renameSync(to, from);
    }
  });

  test.each([
    [0, 'file too short'],
    [0.5, 'is cut short'],
  ])(
    'the application runs on, and a warning names the damaged file, when %p of it is there',
    async (part, fault) => {
      const binary = join(place(), manifestIn(place()).main);
      const whole = join(directory, 'whole.node');
      copyFileSync(binary, whole);
      const { size } = statSync(whole);
      truncateSync(binary, Math.floor(size * part));
      try {
        await expectWarning(binary, fault, 'the file is damaged');
      } finally {
        copyFileSync(whole, binary);
      }
    },
  );

  test('the application runs on, and a warning names the file that is missing from its package', async () => {
    const binary = join(place(), manifestIn(place()).main);
    const away = join(directory, 'away.node');
    renameSync(binary, away);
    try {
      await expectWarning(binary, 'run `npm install` again');
    } finally {
      renameSync(away, binary);
    }
  });

  test.each(['freebsd', 'sunos'])(
    'a user of %s gets the list of platforms that have one',
    async (os) => {
      const program = `
      Object.defineProperty(process, 'platform', { value: '${os}' });
      require('flue-braintrust').initLogger({ apiKey: 'k' });
      console.log('goes on');`;
      const { code, stdout, stderr } = await run(['-e', program], {}, undefined, project.directory);
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'goes on\n' });
      expect(stderr).toMatch(
        new RegExp(`for ${os}-.*: there is no binary for it, only for .*linux-x64-gnu`),
      );
    },
  );
});
