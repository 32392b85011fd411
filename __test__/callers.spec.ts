import type { Collector } from '../tools/collector/types';
import { startCollector } from '../tools/collector';
import { destination, run } from './support/run';

/** What a program noted where it dispatched: the span, if any, that the submission must lie under. */
interface Seen {
  name: string;
  spanId?: string;
  rootSpanId?: string;
  submissionId: string;
}

/** Runs `fixtures/callers.mjs` against a collector. */
async function dispatched(
  way: string,
  check: (seen: Seen[], collector: Collector, report: any) => void,
  env: Record<string, string> = {},
) {
  const collector = await startCollector();
  try {
    const args = ['__test__/fixtures/callers.mjs', way];
    const { code, stderr, stdout } = await run(args, { ...destination(collector), ...env });
    expect(stderr.replaceAll(/.*FLUE_BRAINTRUST_BAD_PARENT.*\n/g, '')).toBe('');
    expect(code).toBe(0);
    expect(collector.problems).toEqual([]);
    const [seen, report] = stdout.trim().split('\n').map((line) => JSON.parse(line));
    check(seen, collector, report);
  } finally {
    await collector.close();
  }
}

const rowsOf = (collector: Collector, submissionId: string) =>
  (collector.rows() as any[]).filter(
    ({ metadata }) => metadata?.['flue.submission_id'] === submissionId,
  );

/** What is wrong with where the submissions landed. */
function misplaced(seen: Seen[], collector: Collector) {
  return seen.flatMap(({ name, spanId, rootSpanId, submissionId }) => {
    const rows = rowsOf(collector, submissionId);
    const root = rows.find(({ metadata }) => metadata['flue.submission_outcome'] !== undefined);
    const wrong = [];
    if (root?.span_attributes.name !== 'flue.prompt') wrong.push('it has no root');
    if (root?.span_parents?.[0] !== spanId) wrong.push('its root has another parent');
    if (rootSpanId !== undefined && root?.root_span_id !== rootSpanId) wrong.push('another trace');
    if (new Set(rows.map((row) => row.root_span_id)).size !== 1) wrong.push('several traces');
    if (rows.length < 2) wrong.push('its turns are missing');
    return wrong.map((what) => `${name}: ${what}`);
  });
}

describe.each(['instrument', 'observe'])('registered by %s', (REGISTER) => {
  test.each(['traced', 'receipt', 'withParent', 'concurrent', 'thrown'])(
    'a submission that is dispatched within a span lies under that span: %s',
    (way) =>
      dispatched(
        way,
        (seen, collector) => {
          expect(seen).not.toEqual([]);
          expect(misplaced(seen, collector)).toEqual([]);
        },
        { REGISTER },
      ),
  );
});

test('a receipt puts a submission under a span, unless that has ended long ago', () =>
  dispatched('adopt', (seen, collector) => {
    expect(misplaced(seen, collector)).toEqual([]);
    const late = seen.find(({ name }) => name === 'late') as Seen;
    const root = rowsOf(collector, late.submissionId).find(({ span_parents: p }) => !p);
    const { spanId, rootSpanId } = seen[0] as Seen;
    expect(root.metadata).toMatchObject({
      'flue.caller_span_id': spanId,
      'flue.caller_root_span_id': rootSpanId,
    });
  }));

test('a dispatch within a tool lies under the span that the tool opens for it, else in a trace of its own', () =>
  dispatched('nested', (seen, collector) => {
    expect(seen.map(({ name }) => name).toSorted()).toEqual(['bare', 'inner', 'outer', 'tool']);
    expect(misplaced(seen, collector)).toEqual([]);
    const rows = collector.rows() as any[];
    const bare = seen.find(({ name }) => name === 'bare') as Seen;
    const [request] = rows.filter((row) => row.span_attributes.name === 'request');
    const apart = new Set(rowsOf(collector, bare.submissionId).map((row) => row.root_span_id));
    expect(apart.has(request.root_span_id)).toBe(false);
    // All else is one trace, also what the tool traces afterwards.
    expect(new Set(rows.map((row) => row.root_span_id))).toEqual(
      new Set([...apart, request.root_span_id]),
    );
  }));

test('feedback by the id of a submission lands on its root under a span', () =>
  dispatched('feedback', (seen, collector) => {
    const [asked, handle] = seen as [Seen, Seen];
    const rows = (collector.rows() as any[]).filter(({ scores }) => scores?.thumb === 1);
    expect(rows.map((row) => row.span_parents)).toEqual([[asked.spanId]]);
    expect({ ...handle, name: '' }).toEqual({
      name: '',
      spanId: rows[0].span_id,
      rootSpanId: asked.rootSpanId,
      submissionId: asked.submissionId,
    });
  }));

test.each(['instrument', 'observe'])(
  'dispatches of Flue 1.0-beta lie under the span that returns or adopts their receipt, and runs under the span that calls them: %s',
  async (register) => {
    const collector = await startCollector();
    try {
      const args = ['__test__/fixtures/callers-beta.mjs', register];
      const { code, stderr, stdout } = await run(args, destination(collector));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(collector.problems).toEqual([]);
      const seen = JSON.parse(stdout.trim()) as any[];
      expect(seen).toHaveLength(9);
      const rows = collector.rows() as any[];
      for (const { name, spanId, rootSpanId, runId, dispatchId } of seen) {
        const [key, id] = runId ? ['flue.run_id', runId] : ['flue.dispatch_id', dispatchId];
        const own = rows.filter(({ metadata }) => metadata?.[key] === id);
        const ids = new Set(own.map(({ span_id: id }) => id));
        const root = own.filter(({ span_parents: [parent] = [] }) => !ids.has(parent));
        expect({ name, parents: root.map((row) => row.span_parents?.[0]) }).toEqual({
          name,
          parents: [spanId],
        });
        const traces = new Set(own.map(({ root_span_id: trace }) => trace));
        expect({ name, traces: traces.size, spans: own.length > 1 }).toEqual({
          name,
          traces: 1,
          spans: true,
        });
        if (rootSpanId !== undefined) expect([...traces]).toEqual([rootSpanId]);
      }
    } finally {
      await collector.close();
    }
  },
);

test.each(['true', 'false'])('a submission follows the decision about its caller: %s', (SAMPLE) =>
  dispatched(
    'traced',
    (seen, collector, report) => {
      expect(seen).toHaveLength(1);
      const count = SAMPLE === 'true' ? collector.traces().length : collector.rows().length;
      expect({ count, isSampled: report.sampled === 5 }).toEqual(
        SAMPLE === 'true' ? { count: 1, isSampled: false } : { count: 0, isSampled: true },
      );
    },
    { SAMPLE },
  ),
);

test('an evaluation of the braintrust package with an agent as the task is one trace for each row', async () => {
  const collector = await startCollector();
  try {
    const { code, stderr } = await run(['examples/agent/eval.mts'], destination(collector));
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('flue-') });
    expect(collector.problems).toEqual([]);
    const rows = collector.rows() as any[];
    expect(new Set(rows.map(({ experiment_id: id }) => id)).size).toBe(1);
    expect(rows[0].experiment_id).toEqual(expect.any(String));
    const traces = Map.groupBy(rows, ({ root_span_id: trace }) => trace as string);
    expect([...traces.values()].map((trace) => trace.map((row) => row.span_attributes.type).toSorted())).toEqual(
      Array(2).fill(['eval', 'llm', 'score', 'task', 'task']),
    );
    for (const trace of traces.values()) {
      const named = (name: string) => trace.find((row) => row.span_attributes.name === name);
      expect(named('flue.prompt').span_parents).toEqual([named('task').span_id]);
      expect(named('task').span_parents).toEqual([named('eval').span_id]);
    }
  } finally {
    await collector.close();
  }
});
