import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector, Span } from '../tools/collector/types';
import { destination, run, withDirectory } from './support/run';

type Scenario = 'mid-tool' | 'mid-stream' | 'mid-task';

/** Runs a real agent on sqlite until it kills itself, and again until it has recovered. */
async function crashAndRecover(
  scenario: Scenario,
  check: (collector: Collector, before: Map<string, any>) => void,
  env: Record<string, string> = {},
) {
  await withDirectory(async (directory) => {
    const collector = await startCollector();
    try {
      const database = join(directory, 'agent.db');
      const phase = (number: string) =>
        run(['__test__/flue/crash.mjs', scenario, number, database], {
          ...destination(collector),
          FLUE_BRAINTRUST_SPOOL_DIR: join(directory, 'spool'),
          ...env,
        });
      expect(await phase('1')).toMatchObject({ signal: 'SIGKILL' });
      const before = new Map(collector.rows().map((row) => [row.id, structuredClone(row)]));
      expect(before.size).toBeGreaterThan(0);
      expect(await phase('2')).toMatchObject({ code: 0, stderr: '' });
      check(collector, before);
    } finally {
      await collector.close();
    }
  });
}

const facts = ({ row }: Span) => row.metadata as Record<string, unknown>;

test.each(['mid-tool', 'mid-stream', 'mid-task'] as const)(
  'an agent that was killed %s and has recovered leaves one trace with one root and nothing open',
  (scenario) =>
    crashAndRecover(scenario, (collector, before) => {
      expect(collector.problems).toEqual([]);
      const [trace, ...others] = collector.traces();
      expect(others).toEqual([]);
      expect(trace?.problems).toEqual([]);
      expect(trace?.openSpans).toBe(0);
      expect(trace?.roots).toHaveLength(1);

      const [root] = trace?.roots ?? [];
      const start = before.get(root?.rowId ?? '')?.metrics.start;
      expect(root?.metrics.start).toBe(start);
      expect(root?.row.error ?? null).toBeNull();
      expect(facts(root as Span)).toMatchObject({
        'flue.attempt': 2,
        'flue.submission_outcome': 'completed',
        'flue.interrupted': false,
      });

      // Spans that the killed process left open are closed as interrupted, at the time when it was last known to run.
      const left = [...before.values()].filter((row) => row.metrics.end === undefined);
      const ended = trace?.spans.filter(({ rowId }) => left.some(({ id }) => id === rowId)) ?? [];
      expect(left.length).toBeGreaterThan(1);
      for (const span of ended.filter((span) => span !== root)) {
        const resumed = span.name.startsWith('task:');
        if (!resumed) expect(facts(span)['flue.interrupted']).toBe(true);
        expect(span.row.span_parents).toEqual(before.get(span.rowId)?.span_parents);
        expect(span.metrics.start).toBe(before.get(span.rowId)?.metrics.start);
      }
    }),
);

test('a submission that ran under a span of the killed process stays in the trace of that span', () =>
  crashAndRecover(
    'mid-tool',
    (collector) => {
      expect(collector.problems).toEqual([]);
      const [trace, ...others] = collector.traces();
      expect(others).toEqual([]);
      expect(trace?.roots.map(({ name }) => name)).toEqual(['request']);
      const prompt = trace?.roots[0]?.children[0] as Span;
      expect(prompt.name).toBe('flue.prompt');
      expect(facts(prompt)).toMatchObject({
        'flue.attempt': 2,
        'flue.submission_outcome': 'completed',
      });
      // The turns of both attempts.
      expect(prompt.children.length).toBeGreaterThan(3);
    },
    { UNDER_SPAN: '1' },
  ));

test('a task that is resumed continues in the same span', () =>
  crashAndRecover('mid-task', (collector) => {
    const tasks = collector.traces()[0]?.spans.filter(({ name }) => name.startsWith('task:')) ?? [];
    expect(tasks).toHaveLength(1);
    const [task] = tasks;
    expect(task?.row.output).toBeDefined();
    // Both attempts of the child: the killed one, and the one that completed it.
    const children = task?.children.map((child) => facts(child)['flue.interrupted'] === true);
    expect(children).toEqual([true, false]);
  }));

test('without a spool there is one trace, and only spans of the killed process stay open', () =>
  crashAndRecover(
    'mid-tool',
    (collector, before) => {
      const [trace, ...others] = collector.traces();
      expect(others).toEqual([]);
      expect(trace?.roots).toHaveLength(1);
      const [root] = trace?.roots ?? [];
      expect(root?.metrics.start).toBe(before.get(root?.rowId ?? '')?.metrics.start);
      const open = trace?.spans.filter(({ end }) => end === null).map(({ rowId }) => rowId) ?? [];
      expect(open.length).toBeGreaterThan(0);
      for (const id of open) expect(before.has(id)).toBe(true);
    },
    { FLUE_BRAINTRUST_SPOOL_DIR: '' },
  ));
