import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector, Span } from '../tools/collector/types';
import { destination, run, runFlue, withDirectory } from './support/run';

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
        runFlue(['__test__/flue/crash.mjs', scenario, number, database], {
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
      expect(trace).toMatchObject({ finished: true, openSpans: 0 });
    },
    { FLUE_BRAINTRUST_SPOOL_DIR: '' },
  ));

/** Runs programs one after the other, on one spool; the first kills itself. They have the package as `bt`. */
async function inTurn(
  programs: [killed: string, next: string],
  check: (collector: Collector, shown: any[]) => void,
) {
  await withDirectory(async (directory) => {
    const collector = await startCollector();
    try {
      const env = { ...destination(collector), FLUE_BRAINTRUST_SPOOL_DIR: directory };
      const shown: any[] = [];
      for (const [n, code] of programs.entries()) {
        const text = `
          import * as bt from 'flue-braintrust';
          const { interceptor, observe } = bt.braintrustFlueInstrumentation();
          const show = (value) => console.log(JSON.stringify(value));
          const emit = (type, members) => observe({ v: 3, type, timestamp: new Date().toISOString(), agentName: 'a', instanceId: 'i', ...members }, {});
          const operationOf = (submissionId) => ({ submissionId, conversationId: 'conv_' + submissionId, operationId: 'op_${n}_' + submissionId, operationKind: 'prompt' });
          /** What runs in the operation calls another service, and has a span of its own. */
          const inOperation = () => {
            bt.traced(() => {}, { name: 'own' });
            return { ...bt.injectTraceContext(), current: bt.currentSpan().rootSpanId };
          };
          const begin = (submissionId) => {
            emit('submission_running', { submissionId, attemptCount: ${n + 1}, maxAttempts: 3 });
            return interceptor({ type: 'agent' }, { submissionId }, () => {
              emit('operation_start', operationOf(submissionId));
              return interceptor({ type: 'agent' }, { ...operationOf(submissionId), submissionId: undefined }, inOperation);
            });
          };
          const end = (submissionId) => {
            emit('operation', { ...operationOf(submissionId), durationMs: 1, isError: false, result: 'of ' + submissionId });
            emit('submission_settled', { submissionId, outcome: 'completed' });
          };
          /** The snapshot of the killed process is restored once its spans are closed. */
          const restored = async (...loggers) => {
            while (loggers.some((logger) => logger.stats().accepted === 0)) await new Promise((done) => setTimeout(done, 10));
          };
          ${code}`;
        const {
          code: exit,
          signal,
          stderr,
          stdout,
        } = await run(['--input-type=module', '-e', text], env);
        expect({ exit, signal, stderr }).toEqual(
          n === 0
            ? { exit: null, signal: 'SIGKILL', stderr: '' }
            : { exit: 0, signal: null, stderr: '' },
        );
        shown.push(
          ...stdout
            .trim()
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line)),
        );
      }
      expect(collector.problems).toEqual([]);
      check(collector, shown);
    } finally {
      await collector.close();
    }
  });
}

const DIE = `await bt.flush(); process.kill(process.pid, 'SIGKILL');`;

test('what a killed process has left of several loggers goes on at each', () =>
  inTurn(
    [
      `bt.initLogger({ projectName: 'Support' });
       const sales = bt.initLogger({ projectName: 'Sales', setCurrent: false });
       for (const id of ['sub_sales', 'sub_ik_sales']) bt.withLogger(sales, () => emit('submission_queued', { submissionId: id }));
       for (const id of ['sub_support', 'sub_sales', 'sub_ik_sales']) begin(id);
       await sales.flush();
       ${DIE}`,
      `const support = bt.initLogger({ projectName: 'Support' });
       const sales = bt.initLogger({ projectName: 'Sales', setCurrent: false });
       await restored(support, sales);
       for (const id of ['sub_support', 'sub_sales', 'sub_ik_sales', 'sub_new']) begin(id);
       for (const id of ['sub_support', 'sub_sales', 'sub_ik_sales', 'sub_new']) end(id);`,
    ],
    (collector) => {
      const rows = (collector.rows() as any[]).filter(
        ({ span_attributes }) => span_attributes.name !== 'own',
      );
      const found = rows.map((row) => [
        row.output,
        row.metadata['flue.submission_outcome'],
        row.project_id,
      ]);
      const [[, , support] = [], [, , sales] = []] = ['of sub_new', 'of sub_sales'].map((output) =>
        found.find((one) => one[0] === output),
      );
      expect(sales).not.toBe(support);
      expect(found.toSorted()).toEqual([
        ['of sub_ik_sales', 'completed', sales],
        ['of sub_new', 'completed', support],
        ['of sub_sales', 'completed', sales],
        ['of sub_support', 'completed', support],
      ]);
    },
  ));

const SUBMISSIONS = `[...Array.from({ length: 20 }, (_, n) => 'sub_' + n), 'sub_ik_1', 'sub_ik_2']`;

test.each(['{ sampleRate: 0.5 }', `{ sample: ({ event }) => /[02468]$/.test(event.span?.name) }`])(
  'what ran under spans of a killed process follows the decisions about their traces: %s',
  (options) =>
    inTurn(
      [
        `bt.initLogger(${options});
         for (const submissionId of ${SUBMISSIONS}) {
           bt.traced(() => emit('submission_queued', { submissionId }), { name: 'request ' + submissionId });
           begin(submissionId);
         }
         ${DIE}`,
        `await restored(bt.initLogger(${options}));
         for (const id of ${SUBMISSIONS}) {
           begin(id);
           end(id);
         }`,
      ],
      (collector) => {
        const traces = collector.traces();
        expect(traces.length).toBeGreaterThan(4);
        expect(traces.length).toBeLessThan(18);
        for (const { roots, spans, openSpans } of traces) {
          expect({ openSpans, spans: spans.length }).toEqual({ openSpans: 0, spans: 4 });
          const prompt = roots[0]?.children[0] as Span;
          expect(prompt.row.output).toBe(roots[0]?.name.replace('request', 'of'));
        }
      },
    ),
);

test('the calls of what ran under a span of a killed process name the trace of that span', () =>
  inTurn(
    [
      `bt.initLogger();
       for (const submissionId of ['sub_1', 'sub_ik_2']) {
         bt.traced(() => emit('submission_queued', { submissionId }), { name: 'request' });
         show(begin(submissionId));
       }
       // These wait for their agents.
       bt.traced(() => emit('submission_queued', { submissionId: 'sub_ik_3' }), { name: 'request' });
       bt.traced(() => emit('submission_queued', { submissionId: 'sub_4' }), { name: 'request' });
       ${DIE}`,
      `await restored(bt.initLogger());
       for (const submissionId of ['sub_1', 'sub_ik_2', 'sub_ik_3', 'sub_4']) {
         show(begin(submissionId));
         end(submissionId);
       }`,
    ],
    (collector, shown) => {
      const traces = collector.traces();
      const stories = traces.map(({ spans }) => spans.map(({ name }) => name).toSorted());
      expect(stories.map(String).toSorted()).toEqual([
        'flue.prompt,own,own,request',
        'flue.prompt,own,own,request',
        'flue.prompt,own,request',
        'flue.prompt,own,request',
      ]);
      const ids = shown.map(({ traceparent, current }) => [traceparent.split('-')[1], current]);
      expect(ids).toHaveLength(6);
      expect(ids.slice(2, 4)).toEqual(ids.slice(0, 2));
      for (const { id, spans } of traces) {
        const calls = ids.filter(([trace, current]) => trace === id && current === id);
        expect(calls).toHaveLength(spans.filter(({ name }) => name === 'own').length);
      }
    },
  ));
