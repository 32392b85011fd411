import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { destination, readEvents, run, withDirectory, withTrace } from './support/run';

interface Ids {
  id: string;
  spanId: string;
  rootSpanId: string;
  spanParents: string[];
}

/** What the application saw where it opened a span. */
interface Sighting {
  kind: 'tool' | 'hook' | 'workflow' | 'operation' | 'provider';
  name?: string;
  input?: Record<string, unknown>;
  around: Ids;
  own: Ids;
  current: Ids;
  below: Ids;
}

/** Plays a scenario on real Flue in which all work of the application opens spans of its own. */
function opened(
  line: string,
  scenario: string,
  check: (sightings: Sighting[], collector: Collector, rows: any[]) => void,
) {
  return withDirectory(async (directory) => {
    const file = join(directory, 'own.ndjson');
    const env = { REGISTER: 'instrument', OWN_SPANS: file };
    await withTrace(
      [`__test__/flue/${line}.mjs`, scenario],
      env,
      ({ code, stderr }, _, collector) => {
        expect(stderr).not.toContain('[flue-braintrust]');
        expect(code).toBe(0);
        expect(existsSync(file)).toBe(true);
        const sightings = readEvents(file) as unknown as Sighting[];
        expect(collector.problems).toEqual([]);
        check(sightings, collector, collector.rows());
      },
    );
  });
}

/** What is wrong with where the spans landed. */
function misplaced(sightings: Sighting[], rows: any[]): string[] {
  const row = ({ spanId, rootSpanId }: Ids) =>
    rows.find((row) => row.span_id === spanId && row.root_span_id === rootSpanId);
  return sightings.flatMap((seen) => {
    const [around, own, below] = [row(seen.around), row(seen.own), row(seen.below)];
    const wrong = [];
    if (!around) wrong.push('the span around it never arrived');
    if (around?.id !== seen.around.id) wrong.push('the row around it has another id');
    if (own?.span_parents?.[0] !== around?.span_id) wrong.push('it is not below that');
    if (below?.span_parents?.[0] !== own?.span_id) wrong.push('what it opened is not below it');
    if (seen.current.spanId !== seen.own.spanId) wrong.push('it was not the current span');
    if (own?.metadata?.place !== seen.kind) wrong.push('what it logged is not there');
    if (own?.metrics?.end === undefined) wrong.push('it has no end');
    const name = around?.span_attributes?.name;
    const expected = {
      tool: `tool:${seen.name}`,
      hook: 'flue.prompt',
      operation: 'flue.prompt',
      provider: 'llm:moss-1',
      workflow: `workflow:${seen.name}`,
    };
    if (name !== expected[seen.kind]) wrong.push(`it is below ${name}`);
    // Calls with the same id, and several of one tool, are distinguished by their arguments.
    if (seen.input && JSON.stringify(around?.input) !== JSON.stringify(seen.input)) {
      wrong.push('it is below another call');
    }
    const root = rows.find(
      (other) => other.root_span_id === own?.root_span_id && !other.span_parents,
    );
    if (!/^(flue|workflow)/.test(root?.span_attributes?.name)) wrong.push("its root is not Flue's");
    return wrong.map((what) => `${seen.kind} ${seen.name} ${JSON.stringify(seen.input)}: ${what}`);
  });
}

/** How many there are of each kind; besides, two in each operation and one in each call of a model. */
const cases: [line: string, scenario: string, kinds: Record<string, number>][] = [
  ['2.1.0', 'tools', { tool: 3 }],
  ['2.1.0', 'task', { tool: 1 }],
  ['2.1.0', 'interleaved', { tool: 2 }],
  ['2.1.0', 'interleaved-shared', { tool: 2 }],
  ['2.1.0', 'call-ids', { tool: 3 }],
  ['2.1.0', 'logs', { tool: 1, hook: 1 }],
  ['2.1.0', 'nested-parallel', { tool: 3, hook: 1 }],
  ['1.0.0-beta.9', 'tools', { tool: 3 }],
  ['1.0.0-beta.9', 'task', { tool: 1 }],
  ['1.0.0-beta.9', 'interleaved', { tool: 2 }],
  ['1.0.0-beta.9', 'call-ids', { tool: 3 }],
  ['1.0.0-beta.9', 'nested-parallel', { tool: 3 }],
  ['1.0.0-beta.9', 'dispatched', { tool: 3 }],
  ['2.1.0', 'compaction', {}],
  ['1.0.0-beta.9', 'compaction', {}],
  ['1.0.0-beta.9', 'workflow', { tool: 2, workflow: 1 }],
  ['1.0.0-beta.9', 'workflow-failure', { workflow: 1 }],
  ['1.0.0-beta.9', 'parallel-runs', { tool: 3, workflow: 3 }],
];

test.concurrent.each(cases)(
  'Flue %s, %s: a span lands below the work that opened it',
  (line, scenario, kinds) =>
    opened(line, scenario, (sightings, _collector, rows) => {
      const counted: Record<string, number> = {};
      for (const { kind } of sightings) counted[kind] = (counted[kind] ?? 0) + 1;
      const rowsNamed = (name: string) =>
        rows.filter((row) => row.span_attributes.name === name).length;
      const operations = 2 * rowsNamed('flue.prompt');
      const everywhere = { operation: operations, provider: rowsNamed('llm:moss-1') };
      expect(counted).toEqual({ ...kinds, ...everywhere });
      expect(misplaced(sightings, rows)).toEqual([]);
    }),
);

test.concurrent.each(['2.1.0', '1.0.0-beta.9'])(
  'Flue %s: what the application prompts within a span of its own lies below that span',
  (line) =>
    opened(line, 'nested-parallel', (sightings, _collector, rows) => {
      const digests = sightings.filter(({ name }) => name === 'digest');
      expect(digests).toHaveLength(2);
      for (const { own, input } of digests) {
        const below = rows.filter(({ span_parents: parents }) => parents?.[0] === own.spanId);
        const prompts = below.filter((row) => row.span_attributes.name === 'flue.prompt');
        expect(prompts).toHaveLength(1);
        expect(JSON.stringify(prompts[0].input)).toContain(input?.subject);
      }
    }),
);

/** Runs a program with a logger, in which `span` is open; gives what it prints, and the reasons of unhandled rejections. */
async function printed(program: string) {
  const collector = await startCollector();
  try {
    const whole = `
      const { initLogger, ...api } = await import('flue-braintrust');
      const { flush, injectTraceContext, logError, startSpan, traced, withCurrent, withParent, wrapTraced } = api;
      const seen = [];
      process.on('unhandledRejection', (reason) => seen.push(reason));
      initLogger();
      const span = startSpan({ name: 'outer' });
      ${program}
      await new Promise((resolve) => setTimeout(resolve, 20));
      span.end();
      await flush();
      console.log(JSON.stringify(seen));`;
    const ended = await run(['--input-type=module', '-e', whole], destination(collector));
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(collector.problems).toEqual([]);
    return JSON.parse(ended.stdout);
  } finally {
    await collector.close();
  }
}

const WAYS = `
  const ways = {
    withCurrent: (reason) => withCurrent(span, async () => { throw reason; }),
    later: (reason) => withCurrent(span, async () => { await null; throw reason; }),
    withParent: (reason) => withParent(span, async () => { throw reason; }),
    adopt: (reason) => span.adopt(Promise.reject(reason)),
    traced: (reason) => traced(async () => { throw reason; }),
    wrapped: (reason) => wrapTraced(async () => { throw reason; })(),
    generator: (reason) => wrapTraced(async function* () { throw reason; })().next(),
  };`;

test('a rejection that the application does not handle stays unhandled, once', async () => {
  const program = `${WAYS} for (const [name, way] of Object.entries(ways)) void way(name);`;
  const names = ['adopt', 'generator', 'later', 'traced', 'withCurrent', 'withParent', 'wrapped'];
  expect((await printed(program)).toSorted()).toEqual(names);
});

test('a rejection that the application handles stays handled, and results arrive', async () => {
  const program = `${WAYS}
    for (const [name, way] of Object.entries(ways)) {
      await way(name).then(() => seen.push('resolved'), (reason) => reason === name || seen.push(reason));
    }
    seen.push(await withCurrent(span, async () => 1), await withParent(span, async () => 2));
    seen.push(await span.adopt(Promise.resolve(3)));
    for await (const value of wrapTraced(async function* () { yield 4; })()) seen.push(value);`;
  expect(await printed(program)).toEqual([1, 2, 3, 4]);
});

test('a promise with members of its own comes back as it is', async () => {
  const program = `
    class Answer extends Promise { asResponse() { return 'raw'; } }
    const answer = Object.assign(Promise.resolve(1), { asResponse: () => 'raw' });
    for (const one of [Answer.resolve(1), answer]) {
      for (const same of [withCurrent(span, () => one), withParent(span, () => one), span.adopt(one)]) {
        seen.push(same === one && same.asResponse());
      }
    }`;
  expect(await printed(program)).toEqual(Array.from({ length: 6 }, () => 'raw'));
});

test('spans, promises and generators that cannot be used change nothing', async () => {
  const program = `
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const odd of [proxy, new Proxy(span, {}), null, 7]) {
      seen.push(withCurrent(odd, () => 'ran'));
      logError(odd, new Error('boom'));
      const headers = { authorization: 'x' };
      seen.push(injectTraceContext(headers, { span: odd ?? undefined }) === headers);
    }
    logError(span, proxy);

    const odd = Object.assign(Promise.resolve(1), { then() { throw new Error('then'); } });
    const same = (run) => seen.push(run(() => odd) === odd);
    same((work) => traced(work));
    same((work) => wrapTraced(work)());
    same((work) => withCurrent(span, work));
    same((work) => span.adopt(work()));

    for (const result of [undefined, 7, {}, { next: 1 }, proxy, Promise.resolve(1)]) {
      const claims = Object.assign(() => result, { [Symbol.toStringTag]: 'GeneratorFunction' });
      seen.push(Object.is(wrapTraced(claims)(), result));
    }

    const callable = Proxy.revocable(() => {}, {});
    callable.revoke();
    const call = Object.assign(() => {}, { [Symbol.toStringTag]: 'JsRpcPromise' });
    for (const fn of [callable.proxy, call]) seen.push(traced(() => fn) === fn);`;
  const expected = [
    ...Array.from({ length: 4 }, () => ['ran', true]).flat(),
    ...Array.from({ length: 12 }, () => true),
  ];
  expect(await printed(program)).toEqual(expected);
});
