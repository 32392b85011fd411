import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCollector } from '../tools/collector';
import type { Collector, CollectorOptions, Span } from '../tools/collector/types';
import { buildProject, post, serving, type Target } from './support/cloudflare';
import { until } from './support/project';
import { destination, ROOT, run } from './support/run';

const made: string[] = [];

const projects = new Map<string, Promise<string>>();

/** A project that lives as long as these tests, built once. */
function project(...args: string[]) {
  const key = args.join(' ');
  const built = projects.get(key) ?? build(args);
  projects.set(key, built);
  return built;
}

async function build(args: string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-'));
  made.push(directory);
  await buildProject(directory, ...args);
  return directory;
}

afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** Serves a project with a collector; gives what was written to stderr. */
async function traced(
  directory: string,
  target: Target,
  use: (url: string, collector: Collector) => Promise<void>,
  options: CollectorOptions = {},
) {
  const collector = await startCollector(options);
  try {
    return await serving(directory, target, destination(collector), (url) => use(url, collector));
  } finally {
    await collector.close();
  }
}

const ask = (url: string) =>
  post(`${url}/agents/gardener/house-1`, { kind: 'user', body: 'How are the orchids?' });

const finished = (count: number) => (collector: Collector) =>
  collector.traces().filter((trace) => trace.finished).length === count;

/** A submission is settled after its answer: on a slow machine by another request. */
const settled = (collector: Collector) =>
  collector.rows().some(({ metadata }) => Object.hasOwn(metadata ?? {}, 'flue.submission_outcome'));

/** What Durable Objects have stored in a directory, as far as it is text. */
const storedText = (state: string) =>
  globSync('**/*.sqlite*', { cwd: state })
    .map((name) => readFileSync(join(state, name), 'latin1'))
    .join('');

const hasEnded = ({ end }: Span) => end !== null;

const outline = ({ name, type, children }: Span): unknown[] => [name, type, children.map(outline)];

const ID =
  /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9a-f]{16}|tool:\d+:\w+|\b[a-z]+_[0-9A-Z]{20,}\b/g;

/** A row without times and without what the server sets, as text that does not depend on the order of its members. */
const withoutTimes = (row: object) =>
  JSON.stringify(row, (name, value) => {
    const ofServer = ['_xact_id', 'created', 'project_id', 'caller_functionname'];
    const isTime = /^(start|end|time_to_first_token|timestamp|durationMs)$|(_ms|At)$/.test(name);
    if (isTime || ofServer.includes(name)) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted());
  });

/** Rows in the order of their content, each id as the number of its first appearance, without times. */
function withoutIds(rows: object[]) {
  const ids = new Map<string, string>();
  const texts = rows.map(withoutTimes).map((text) => [text.replaceAll(ID, ''), text]);
  const sorted = texts.toSorted().map(([, text]) => text);
  const numbered = `[${sorted.join()}]`.replaceAll(ID, (found) => {
    if (!ids.has(found)) ids.set(found, `id-${ids.size}`);
    return ids.get(found) ?? '';
  });
  return JSON.parse(numbered);
}

const agentTrace = [
  'flue.prompt',
  'task',
  [
    ['llm:moss-1', 'llm', []],
    ['tool:read_house', 'tool', []],
    ['llm:moss-1', 'llm', []],
  ],
];

async function expectAgentTrace(url: string, collector: Collector) {
  await ask(url);
  await collector.waitFor(finished(1), 60_000);
  await collector.waitFor(settled, 60_000);
  expect(collector.traces().flatMap(({ roots }) => roots.map(outline))).toEqual([agentTrace]);
  expect(collector.problems).toEqual([]);
}

describe('one braintrust.ts, built by the Vite plugin of Flue', () => {
  const directories: Partial<Record<Target, string>> = {};
  const rows: Partial<Record<Target, unknown>> = {};

  test.each<[Target, string]>([
    ['node', 'by the native part'],
    ['cloudflare', 'in its Durable Object, in workerd'],
  ])('traces an agent on %s, %s', async (target) => {
    const directory = await project('--target', target);
    directories[target] = directory;
    const stderr = await traced(directory, target, async (url, collector) => {
      await expectAgentTrace(url, collector);
      rows[target] = withoutIds(collector.rows());
    });
    expect(stderr).toBe('');
  });

  test('has the traces of Node on Cloudflare, but for times and ids', () => {
    expect(rows.cloudflare).toEqual(expect.arrayContaining([expect.anything()]));
    expect(rows.cloudflare).toEqual(rows.node);
  });

  test('has nothing of the native part in its bundle for Cloudflare', () => {
    const worker = directories.cloudflare as string;
    const files = globSync('dist/**/*', { cwd: worker });
    expect(files.filter((name) => name.endsWith('.node'))).toEqual([]);

    const read = (name: string) => readFileSync(join(worker, name), 'utf8');
    const scripts = files.filter((name) => name.endsWith('.js'));
    const naming = (pattern: RegExp) => scripts.filter((name) => pattern.test(read(name)));
    expect(naming(/FLUE_BRAINTRUST_/)).not.toEqual([]);
    expect(naming(/flue-braintrust\/native|loadNative|flue-braintrust\.[\w-]+\.node/)).toEqual([]);

    const sources = files
      .filter((name) => name.endsWith('.js.map'))
      .flatMap((name) => JSON.parse(read(name)).sources as string[])
      .filter((source) => source.includes('flue-braintrust/'))
      .map((source) => source.replace(/.*flue-braintrust\//, ''));
    expect(sources).toContain('js/edge/index.mjs');
    expect(sources).not.toContain('js/node-host.js');
    expect(files.filter((name) => name.endsWith('.wasm'))).toHaveLength(1);
  });

  test.each(['tsconfig.json', 'tsconfig.cloudflare.json'])(
    'passes the type check of %s',
    async (file) => {
      const directory = await project('--target', 'cloudflare');
      const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
      const ending = await run([compiler, '-p', join(directory, file)]);
      expect(ending).toMatchObject({ code: 0, stdout: '' });
    },
  );
});

describe('a braintrust.ts with the storage of the Durable Object, as documented', () => {
  test('loses nothing when the server is down during a request and the isolate ends before the next', async () => {
    const kept = await project('--app', 'kept');
    const state = mkdtempSync(join(tmpdir(), 'flue-braintrust-'));
    made.push(state);
    let isDown = true;
    const collector = await startCollector({
      intercept: ({ path }) => (isDown && path === '/logs3' ? { status: 503 } : {}),
    });
    const serve = (use: (url: string) => Promise<void>) =>
      serving(kept, 'cloudflare', destination(collector), use, '--persist', state);
    try {
      await serve(async (url) => {
        await ask(url);
        // The last rows are stored after the reply: its text is in that of the turn, and in that of the root.
        await until(() => storedText(state).split('The orchid house holds').length > 2);
      });
      expect(collector.rows()).toEqual([]);
      isDown = false;
      await serve(async (url) => {
        await ask(url);
        await collector.waitFor(finished(2), 60_000);
      });
      const outlines = collector.traces().flatMap(({ roots }) => roots.map(outline));
      expect(outlines).toEqual([agentTrace, agentTrace]);
      expect(collector.problems).toEqual([]);
    } finally {
      await collector.close();
    }
  });

  test('passes the type check', async () => {
    const directory = await project('--app', 'kept');
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const ending = await run([compiler, '-p', join(directory, 'tsconfig.cloudflare.json')]);
    expect(ending).toMatchObject({ code: 0, stdout: '' });
  });
});

describe('a Worker whose isolate goes idle right after each of 20 replies', () => {
  const REQUESTS = 20;
  /** Slower than any reply. */
  const slow = { intercept: () => ({ delayMs: 50 }) };
  let idle: string;
  beforeAll(async () => {
    idle = await project('--target', 'cloudflare');
  });

  test("delivers every span of Flue's events", async () => {
    const lines = execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { copyOf, recordedRun, spansOf } from './__test__/lines/cloudflare/recorded.mjs';
         const run = recordedRun();
         console.log(JSON.stringify([spansOf(run), ...Array.from({ length: ${REQUESTS} }, (_, n) => copyOf(run, n))]));`,
      ],
      { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 },
    );
    const [spans, ...runs] = JSON.parse(lines);
    await traced(
      idle,
      'cloudflare',
      async (url, collector) => {
        for (const events of runs) await post(`${url}/observed`, events);
        const recorded = REQUESTS * spans;
        const ended = () => collector.traces().flatMap((trace) => trace.spans.filter(hasEnded));
        await collector.waitFor(() => ended().length === recorded, 60_000);
        expect(collector.problems).toEqual([]);
      },
      slow,
    );
  });

  test.each([
    ['at once', 0],
    ['while an upload for the one before is under way', 60],
  ])("delivers every span of the application's own, asked %s", async (_when, pauseMs) => {
    await traced(
      idle,
      'cloudflare',
      async (url, collector) => {
        for (let n = 0; n < REQUESTS; n++) {
          await post(`${url}/traced`, n);
          await sleep(pauseMs);
        }
        await collector.waitFor(finished(REQUESTS), 60_000);
        const outputs = collector.rows().map(({ output }) => output as number);
        expect(outputs.toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: REQUESTS }, (_, n) => n),
        );
      },
      slow,
    );
  });
});
