import { join } from 'node:path';
import type { Collector, Span } from '../js/collector/types';
import { ROOT, withTrace } from './support/run';

/** The entry for runtimes without native code runs on Node, too; there it meets all that Flue does. */
const EDGE = {
  BRAINTRUST_PACKAGE: 'official',
  BRAINTRUST_OFFICIAL_PATH: join(ROOT, 'js/workerd/edge-light.mjs'),
};

/** What both entries promise of a span, and of all below it. */
function outline({ name, type, row, children }: Span): unknown {
  const { prompt_tokens } = (row.metrics ?? {}) as Record<string, number>;
  return {
    name,
    type,
    error: firstLine(row.error),
    ...(type === 'llm' && { prompt_tokens }),
    ...(type === 'tool' && { args: row.input }),
    children: children.map(outline).toSorted(byText),
  };
}

/** Without the ids of this run. */
const firstLine = (error: unknown) =>
  typeof error === 'string' ? error.split('\n')[0]?.replace(/sub_\w+/, 'sub') : error;
const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** The traces of a scenario of real Flue. */
async function traces(scenario: string, env: Record<string, string>) {
  let roots: Span[] = [];
  const check = (_ending: unknown, _events: unknown, collector: Collector) => {
    expect(collector.problems).toEqual([]);
    roots = collector.traces().flatMap((trace) => trace.roots);
  };
  await withTrace(['__test__/flue/2.1.0.mjs', scenario], { REGISTER: 'instrument', ...env }, check);
  return roots.map(outline).toSorted(byText);
}

test.concurrent.each(['tools', 'task', 'errors', 'compaction', 'interleaved', 'nested-parallel'])(
  '%s: spans have the names, places, errors and prompt tokens that they have on Node',
  async (scenario) => {
    const [edge, native] = await Promise.all([traces(scenario, EDGE), traces(scenario, {})]);
    expect(native.length).toBeGreaterThan(0);
    expect(edge).toEqual(native);
  },
);
