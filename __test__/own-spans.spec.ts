import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Collector } from '../tools/collector/types';
import { readEvents, withDirectory, withTrace } from './support/run';

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

/** How many there are of each kind; besides, one in each operation and one in each call of a model. */
const cases: [line: string, scenario: string, kinds: Record<string, number>][] = [
  ['2.1.0', 'tools', { tool: 3 }],
  ['2.1.0', 'task', { tool: 1 }],
  ['2.1.0', 'interleaved', { tool: 2 }],
  ['2.1.0', 'interleaved-shared', { tool: 2 }],
  ['2.1.0', 'logs', { tool: 1, hook: 1 }],
  ['2.1.0', 'nested-parallel', { tool: 3, hook: 1 }],
  ['1.0.0-beta.9', 'tools', { tool: 3 }],
  ['1.0.0-beta.9', 'task', { tool: 1 }],
  ['1.0.0-beta.9', 'interleaved', { tool: 2 }],
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
      const everywhere = { operation: rowsNamed('flue.prompt'), provider: rowsNamed('llm:moss-1') };
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
