import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector, Row } from '../tools/collector/types';
import { destination, run, runFlue, withDirectory } from './support/run';

/** Runs a program with a collector; the program has the package as `bt`. */
async function traced(
  code: string,
  check: (collector: Collector, ending: Awaited<ReturnType<typeof run>>) => void,
  env: Record<string, string> = {},
) {
  const collector = await startCollector();
  try {
    const text = `import * as bt from 'flue-braintrust';\n${code}`;
    const variables = { ...destination(collector), ...env };
    const ending = await run(['--input-type=module', '-e', text], variables);
    expect(collector.problems).toEqual([]);
    check(collector, ending);
  } finally {
    await collector.close();
  }
}

const roots = (collector: Collector) => collector.traces().flatMap(({ roots }) => roots) as any[];
const others = (collector: Collector) =>
  collector.rows().filter((row: any) => row.span_parents) as (Row & { metadata: any })[];

const VARIABLES = {
  FLUE_BRAINTRUST_TAGS: 'blue, green,blue',
  FLUE_BRAINTRUST_METADATA: 'team = herbs, tier=2=b',
  FLUE_BRAINTRUST_ENVIRONMENT: 'staging',
  FLUE_BRAINTRUST_RELEASE: 'v1.2',
};
const FIELDS = {
  tags: ['blue', 'green'],
  metadata: { team: 'herbs', tier: '2=b', environment: 'staging', release: 'v1.2' },
};

test.each([
  ['2.1.0', 'task'],
  ['1.0.0-beta.9', 'nested-parallel'],
  ['1.0.0-beta.9', 'dispatched'],
  ['1.0.0-beta.9', 'workflow'],
])(
  'the root of every trace has the tags and the metadata of the variables: Flue %s, %s',
  async (line, scenario) => {
    const collector = await startCollector();
    try {
      const env = { ...destination(collector), ...VARIABLES };
      expect(await runFlue([`__test__/flue/${line}.mjs`, scenario], env)).toMatchObject({
        code: 0,
      });
      expect(collector.problems).toEqual([]);
      expect(roots(collector).length).toBeGreaterThan(0);
      for (const { row } of roots(collector)) expect(row).toMatchObject(FIELDS);
      expect(others(collector).length).toBeGreaterThan(0);
      for (const row of others(collector)) {
        expect(row.tags).toBeUndefined();
        expect(row.metadata.team).toBeUndefined();
      }
    } finally {
      await collector.close();
    }
  },
);

test.each([
  [{ BRAINTRUST_ENVIRONMENT_NAME: 'staging', BRAINTRUST_ENVIRONMENT_TYPE: 'server' }, 'staging'],
  [{ BRAINTRUST_ENVIRONMENT_NAME: ' ', BRAINTRUST_ENVIRONMENT_TYPE: 'server' }, 'server'],
  [{ FLUE_BRAINTRUST_ENVIRONMENT: 'ours', BRAINTRUST_ENVIRONMENT_NAME: 'staging' }, 'ours'],
])('the variables of the braintrust package state the environment: %j', (variables, name) =>
  traced(
    `bt.initLogger();
     bt.startSpan({ name: 'root' }).end();`,
    (collector) => expect(roots(collector)[0].row.metadata).toEqual({ environment: name }),
    variables,
  ),
);

const OPTIONS = `{ tags: ['blue', 'green', 'blue'], environment: { type: 'server', name: 'staging' }, release: 'v1.2',
  metadata: { team: 'herbs', tier: '2=b' } }`;

test('options do the same, and what a root has itself stays', () =>
  traced(
    `bt.initLogger(${OPTIONS});
     bt.traced((span) => {
       bt.traced(() => {}, { name: 'child' });
       span.log({ tags: ['own'], metadata: { late: 1 } });
     }, { name: 'root', event: { metadata: { team: 'mine' }, tags: ['first'] } });`,
    (collector, { stderr }) => {
      expect(stderr).toBe('');
      const [{ row }] = roots(collector);
      expect(row.tags.toSorted()).toEqual(['blue', 'first', 'green', 'own']);
      expect(row.metadata).toEqual({ ...FIELDS.metadata, team: 'mine', late: 1 });
      expect(others(collector)[0]?.tags).toBeUndefined();
    },
    { ...VARIABLES, FLUE_BRAINTRUST_TAGS: 'other', FLUE_BRAINTRUST_METADATA: '{"team":"other"}' },
  ));

test.each([
  [`{ release: true }`, { GITHUB_SHA: 'abc' }, 'abc'],
  [`{}`, { FLUE_BRAINTRUST_RELEASE: 'true', VERCEL_GIT_COMMIT_SHA: ' def ' }, 'def'],
  [`{ release: true }`, {}, undefined],
  [`{ release: 'v2' }`, { FLUE_BRAINTRUST_RELEASE: 'v1', GITHUB_SHA: 'abc' }, 'v2'],
  [`{ release: false }`, { GITHUB_SHA: 'abc' }, undefined],
])('the release is the commit when that is asked for: %s', (options, env, release) =>
  traced(
    `bt.initLogger(${options}); bt.traced(() => {});`,
    (collector) => expect(roots(collector)[0].row.metadata?.release).toBe(release),
    env as Record<string, string>,
  ),
);

test.each([`{ tags: 'a' }`, `{ tags: [1] }`, `{ metadata: 7 }`, `{ metadata: ['a'] }`])(
  'what is not a tag or metadata disables tracing, like any other invalid option: %s',
  (options) =>
    traced(`bt.initLogger(${options}); bt.traced(() => {});`, (collector, { code, stderr }) => {
      expect(code).toBe(0);
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_NOT_STARTED: [^\n]*\n$/);
      expect(collector.rows()).toEqual([]);
    }),
);

test.each([
  ['2.1.0', 'task'],
  ['2.1.0', 'nested-parallel'],
  ['2.1.0', 'compaction'],
  ['1.0.0-beta.9', 'nested-parallel'],
  ['1.0.0-beta.9', 'dispatched'],
  ['1.0.0-beta.9', 'parallel-runs'],
])('`enrich` is called once for each trace: Flue %s, %s', (line, scenario) =>
  withDirectory(async (directory) => {
    const collector = await startCollector();
    const file = join(directory, 'calls');
    try {
      const ending = await run(
        ['--import', './__test__/fixtures/enriched.mjs', `__test__/flue/${line}.mjs`, scenario],
        { ...destination(collector), ENRICH_FILE: file, REGISTER: 'instrument' },
      );
      expect(ending.code).toBe(0);
      expect(collector.problems).toEqual([]);
      const calls = readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text));
      expect(calls).toHaveLength(roots(collector).length);
      expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
      for (const { row } of roots(collector)) {
        expect(row.tags).toEqual(['enriched']);
        expect(row.metadata).toMatchObject({ user: { id: 7 }, session: 's-1' });
        const call = calls.find(({ id }) => id === row.metadata.id);
        expect(call.type).toBe(row.metadata.by);
      }
      for (const row of others(collector)) expect(row.metadata.session).toBeUndefined();
    } finally {
      await collector.close();
    }
  }),
);

test.each([
  [`() => { throw new Error('SECRET'); }`, 'threw'],
  [`async () => { throw new Error('SECRET'); }`, 'promise'],
  [`() => new Promise(() => {})`, 'promise'],
  [`() => 'text'`, 'object'],
  [`() => ['a']`, 'object'],
  [`() => ({ tags: [1, 'a', null] })`, 'tags'],
  [`() => ({ tags: ['x'.repeat(1000), 'a'] })`, 'tags'],
  [`() => ({ tags: Array.from({ length: 1000 }, (_, n) => 'a' + n) })`, 'tags'],
  [`() => ({ metadata: { big: 'SECRET'.repeat(10_000) }, tags: ['a'] })`, 'metadata'],
  [`() => ({ get tags() { throw new Error('SECRET'); } })`, 'threw'],
])('an `enrich` that does wrong costs the trace nothing but its fields: %s', (enrich, why) =>
  traced(
    `bt.initLogger({ enrich: ${enrich} });
     for (let n = 0; n < 3; n++) bt.traced(() => bt.traced(() => {}, { name: 'child' }), { name: 'root' });
     process.on('unhandledRejection', () => console.error('unhandled'));
     await new Promise((done) => setTimeout(done, 20));`,
    (collector, { code, stderr }) => {
      expect(code).toBe(0);
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_BAD_ENRICH: [^\n]*\n$/);
      expect(stderr).toContain(why);
      expect(collector.traces()).toHaveLength(3);
      for (const { row, children } of roots(collector)) {
        expect(children).toHaveLength(1);
        expect(JSON.stringify(row).length).toBeLessThan(20_000);
      }
      expect(JSON.stringify(collector.rows()) + stderr).not.toContain('SECRET');
    },
  ),
);

test('a slow `enrich` is not called any more, and one that traces does not call itself', () =>
  traced(
    `let calls = 0;
     bt.initLogger({ enrich() {
       calls += 1;
       bt.traced(() => {}, { name: 'within' });
       const end = performance.now() + 60;
       while (performance.now() < end);
       return { tags: ['slow'] };
     } });
     for (let n = 0; n < 10; n++) bt.traced(() => {}, { name: 'root' });
     console.log(calls);`,
    (collector, { code, stdout, stderr }) => {
      expect({ code, stdout }).toEqual({ code: 0, stdout: '3\n' });
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_SLOW_ENRICH: [^\n]*\n$/);
      const named = (name: string) => roots(collector).filter((root) => root.name === name);
      expect(named('root')).toHaveLength(10);
      expect(named('root').filter(({ row }) => row.tags)).toHaveLength(3);
      expect(named('within').filter(({ row }) => row.tags)).toHaveLength(0);
    },
  ));

const SECRETS = `{ tags: ['SECRET tag'], metadata: { deep: { note: 'SECRET' } }, environment: 'SECRET', release: 'SECRET',
  enrich: () => ({ tags: ['SECRET one'], metadata: { SECRET: 1 }, user: 'SECRET', session: { id: 'SECRET' } })`;

test.each([
  [`, redact: { patterns: ['SECRET'] } }`, ''],
  [
    ` }`,
    `bt.setMaskingFunction((value) => JSON.parse(JSON.stringify(value).replaceAll('SECRET', 'hidden')));`,
  ],
])('rules and the masking function apply to all of them: %s', (options, more) =>
  traced(
    `${more} bt.initLogger(${SECRETS}${options}); bt.traced(() => {});`,
    (collector, { stderr }) => {
      expect(stderr).toBe('');
      const [{ row }] = roots(collector);
      expect(row.tags).toHaveLength(2);
      expect(Object.keys(row.metadata)).toHaveLength(6);
      expect(JSON.stringify(row)).not.toContain('SECRET');
    },
  ),
);
