import { startCollector } from '../tools/collector';
import { destination, run, runFlue } from './support/run';

/** What a program noted where it dispatched: the span, if any, that the submission must lie under. */
interface Seen {
  name: string;
  spanId?: string;
  rootSpanId?: string;
  submissionId: string;
  way: string;
}

interface Dispatched {
  seen: Seen[];
  rows: any[];
  report: { complete: boolean; sampled: number };
}

/** Runs `fixtures/callers.mjs` against a collector. */
async function dispatched(ways: string[], env: Record<string, string> = {}): Promise<Dispatched> {
  const collector = await startCollector();
  try {
    const args = ['__test__/fixtures/callers.mjs', ...ways];
    const { code, stderr, stdout } = await runFlue(args, { ...destination(collector), ...env });
    expect(stderr.replaceAll(/.*FLUE_BRAINTRUST_BAD_PARENT.*\n/g, '')).toBe('');
    expect(code).toBe(0);
    expect(collector.problems).toEqual([]);
    const [seen, report] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return { seen, report, rows: collector.rows() };
  } finally {
    await collector.close();
  }
}

const rowsOf = (rows: any[], submissionId: string) =>
  rows.filter(({ metadata }) => metadata?.['flue.submission_id'] === submissionId);

/** What is wrong with where the submissions landed. */
function misplaced({ seen, rows: all }: Dispatched) {
  return seen.flatMap(({ name, spanId, rootSpanId, submissionId }) => {
    const rows = rowsOf(all, submissionId);
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
  const ways = ['traced', 'receipt', 'withParent', 'concurrent', 'thrown', 'http', 'adopt'];
  const nested = ['nested', 'feedback'];
  let all: Dispatched;
  beforeAll(async () => {
    all = await dispatched([...ways, ...(REGISTER === 'instrument' ? nested : [])], { REGISTER });
  });
  const of = (way: string) => ({ ...all, seen: all.seen.filter((one) => one.way === way) });

  test.each(ways)('a submission that is dispatched within a span lies under it: %s', (way) => {
    expect(of(way).seen).not.toEqual([]);
    expect(misplaced(of(way))).toEqual([]);
  });

  test('a submission that a span adopts after it has ended refers to the span', () => {
    const { seen, rows } = of('adopt');
    const late = seen.find(({ name }) => name === 'late') as Seen;
    const root = rowsOf(rows, late.submissionId).find(({ span_parents: parents }) => !parents);
    expect(root.metadata).toMatchObject({
      'flue.caller_span_id': seen[0]?.spanId,
      'flue.caller_root_span_id': seen[0]?.rootSpanId,
    });
  });

  // Only Flue's interceptors tell which tool runs.
  if (REGISTER !== 'instrument') return;

  test('a dispatch within a tool lies under the span that the tool opens for it, else in a trace of its own', () => {
    const { seen, rows } = of('nested');
    expect(seen.map(({ name }) => name).toSorted()).toEqual(['bare', 'inner', 'outer', 'tool']);
    expect(misplaced(of('nested'))).toEqual([]);
    const traceOf = (wanted: string) => {
      const { submissionId } = seen.find(({ name }) => name === wanted) as Seen;
      return rowsOf(rows, submissionId)[0].root_span_id;
    };
    expect(traceOf('bare')).not.toBe(traceOf('outer'));
    expect([traceOf('inner'), traceOf('tool')]).toEqual([traceOf('outer'), traceOf('outer')]);
    // Also what the tool traces afterwards.
    const own = rows.find((row) => row.span_attributes.name === 'own');
    expect(own.root_span_id).toBe(traceOf('outer'));
  });

  test('feedback by the id of a submission lands on its root under a span', () => {
    const [asked, handle] = of('feedback').seen as [Seen, Seen];
    const [root, ...others] = all.rows.filter(({ scores }) => scores?.thumb === 1);
    expect(others).toEqual([]);
    expect(root.span_parents).toEqual([asked.spanId]);
    expect(handle).toMatchObject({ spanId: root.span_id, rootSpanId: asked.rootSpanId });
  });
});

test.each(['instrument', 'observe', 'twice'])(
  'dispatches of Flue 1.0-beta lie under the span that returns or adopts their receipt, and runs under the span that calls them: %s',
  async (register) => {
    const collector = await startCollector();
    try {
      const args = ['__test__/fixtures/callers-beta.mjs', register];
      const { code, stderr, stdout } = await runFlue(args, destination(collector));
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

test('a run whose receipt a function returns lies under its span, unless it had begun before', async () => {
  const collector = await startCollector();
  try {
    const program = `
      import * as bt from 'flue-braintrust';
      bt.initLogger({ projectName: 'P' });
      const at = { timestamp: new Date().toISOString(), v: 3 };
      const play = (runId) => {
        const start = { ...at, type: 'run_start', runId, workflowName: runId, startedAt: at.timestamp };
        bt.braintrustFlueObserver(start);
        bt.braintrustFlueObserver({ ...at, type: 'run_end', runId, result: 1, isError: false });
      };
      const returned = (receipt, name) => bt.traced(async () => receipt, { name });
      await returned({ runId: 'later' }, 'invoke');
      play('later');
      play('begun');
      await returned({ runId: 'begun' }, 'get');
      play('found');
      await returned({ runId: 'other', status: 'completed' }, 'list');
      play('other');
      // One that began before this process: its later events, and feedback about it.
      await returned({ runId: 'elsewhere' }, 'get');
      bt.braintrustFlueObserver({ ...at, type: 'run_resume', runId: 'elsewhere', workflowName: 'elsewhere', startedAt: at.timestamp });
      bt.braintrustFlueObserver({ ...at, type: 'run_end', runId: 'elsewhere', result: 1, isError: false });
      await returned({ runId: 'ended' }, 'get');
      bt.logFeedback({ runId: 'ended', scores: { thumb: 1 } });
      // One that begins within the call, in another context.
      const { AsyncResource } = await import('node:async_hooks');
      const outside = new AsyncResource('outside');
      await bt.traced(async () => {
        outside.runInAsyncScope(() => play('inside'));
        return { runId: 'inside' };
      }, { name: 'call' });
      // A message of somebody else, which is accepted meanwhile.
      const submissionId = 'sub_others';
      const ofSubmission = { ...at, submissionId, agentName: 'a', instanceId: 'i' };
      await bt.traced(async () => {
        outside.runInAsyncScope(() => bt.braintrustFlueObserver({ ...ofSubmission, type: 'submission_queued', kind: 'dispatch' }));
        return { submissionId, acceptedAt: new Date(Date.now() + 1000).toISOString() };
      }, { name: 'list' });
      bt.braintrustFlueObserver({ ...ofSubmission, type: 'operation_start', operationId: 'o', operationKind: 'prompt', conversationId: 'c' });
      await bt.flush();`;
    const { code, stderr } = await run(
      ['--input-type=module', '-e', program],
      destination(collector),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(collector.problems).toEqual([]);
    const rows = collector.rows() as any[];
    const named = (name: string) => rows.find((row) => row.span_attributes?.name === name);
    expect(named('workflow:later').span_parents).toEqual([named('invoke').span_id]);
    for (const name of ['begun', 'found', 'other', 'elsewhere'].map((run) => `workflow:${run}`)) {
      expect(named(name).span_parents).toBeUndefined();
      expect(named(name).metadata['flue.caller_span_id']).toBeUndefined();
    }
    expect(named('flue.prompt').span_parents).toBeUndefined();
    expect(named('flue.prompt').metadata['flue.caller_span_id']).toBeUndefined();
    expect(named('workflow:inside').metadata['flue.caller_span_id']).toBe(named('call').span_id);
    const rated = rows.find(({ scores }) => scores?.thumb === 1);
    expect(rows.filter((row) => row.root_span_id === rated.root_span_id)).toEqual([rated]);
  } finally {
    await collector.close();
  }
});

test('a submission follows the decision about its caller', async () => {
  const { seen, rows, report } = await dispatched(['traced'], { SAMPLE: 'false' });
  expect(seen).toHaveLength(1);
  // The request, the prompt, its two turns and the tool.
  expect({ rows, ...report }).toEqual({ rows: [], complete: true, sampled: 5 });
});

test('an evaluation of the braintrust package with an agent as the task is one trace for each row', async () => {
  const collector = await startCollector();
  try {
    const { code, stderr } = await run(['examples/agent/eval.mts'], destination(collector));
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('flue-') });
    expect(collector.problems).toEqual([]);
    const rows = collector.rows() as any[];
    expect(new Set(rows.map(({ experiment_id: id }) => id)).size).toBe(1);
    expect(rows[0].experiment_id).toEqual(expect.any(String));
    const types = ['eval', 'llm', 'score', 'task', 'task'];
    const traces = new Map<string, any[]>();
    for (const row of rows) {
      traces.set(row.root_span_id, [...(traces.get(row.root_span_id) ?? []), row]);
    }
    expect(
      [...traces.values()].map((trace) => trace.map((row) => row.span_attributes.type).toSorted()),
    ).toEqual([types, types]);
    for (const trace of traces.values()) {
      const named = (name: string) => trace.find((row) => row.span_attributes.name === name);
      expect(named('flue.prompt').span_parents).toEqual([named('task').span_id]);
      expect(named('task').span_parents).toEqual([named('eval').span_id]);
    }
  } finally {
    await collector.close();
  }
});

/** Events of keyed submissions with one id, and the span under which each root of a conversation lies. */
async function keyed(program: string, options = '{}') {
  const collector = await startCollector();
  try {
    const text = `
      import * as bt from 'flue-braintrust';
      bt.initLogger({ projectName: 'P', ...${options} });
      const submissionId = 'sub_ik_0123456789abcdef0123456789abcdef';
      let seconds = 0;
      const send = (event) => bt.braintrustFlueObserver({ v: 3, timestamp: new Date(1e12 + 1000 * seconds++).toISOString(),
        agentName: 'a', instanceId: 'i', submissionId, ...event });
      const queue = (more) => send({ type: 'submission_queued', kind: 'dispatch', ...more });
      const run = () => send({ type: 'submission_running', attemptCount: 1, maxAttempts: 2 });
      const begin = (c, more) => send({ type: 'operation_start', conversationId: c, operationId: 'op_' + c, operationKind: 'prompt', ...more });
      const end = (c) => {
        send({ type: 'operation', conversationId: c, operationId: 'op_' + c, operationKind: 'prompt', durationMs: 1, isError: false });
        send({ type: 'submission_settled', outcome: 'completed' });
      };
      const receipt = (more) => ({ submissionId, acceptedAt: new Date(Date.now() + 1000).toISOString(), ...more });
      const within = (name, work) => bt.traced(work, { name });
      ${program}
      await bt.flush();`;
    const args = ['--input-type=module', '-e', text];
    const { code, stderr } = await run(args, destination(collector));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(collector.problems).toEqual([]);
    const rows = collector.rows() as any[];
    const nameOf = (id: string) => rows.find((row) => row.span_id === id)?.span_attributes.name;
    const roots = rows.filter((row) => row.span_attributes.name === 'flue.prompt');
    return Object.fromEntries(
      roots.map((row) => [
        row.metadata['flue.conversation_id'],
        nameOf(row.span_parents?.[0]) ?? nameOf(row.metadata['flue.caller_span_id']),
      ]),
    );
  } finally {
    await collector.close();
  }
}

test.each([
  [
    'one after the other',
    `within('one', () => queue()); run(); begin('c1'); end('c1');
     within('two', () => queue()); run(); begin('c2'); end('c2');
     queue(); run(); begin('c3'); end('c3');`,
    { c1: 'one', c2: 'two', c3: undefined },
  ],
  [
    'side by side',
    `within('one', () => queue()); within('two', () => queue()); run(); run();
     begin('c1'); begin('c2'); end('c1'); end('c2');`,
    { c1: 'one', c2: 'two' },
  ],
  [
    'of two agents, the later one first',
    `within('one', () => queue()); within('two', () => queue({ agentName: 'b' })); run(); run();
     begin('c2', { agentName: 'b' }); begin('c1'); end('c1'); end('c2');`,
    { c1: 'one', c2: 'two' },
  ],
  [
    'while the first one runs, by the receipt',
    `within('one', () => queue()); run(); begin('c1');
     within('two', () => receipt()); queue(); run(); begin('c2'); end('c1'); end('c2');`,
    { c1: 'one', c2: 'two' },
  ],
  [
    'by a receipt that comes once both have begun',
    `within('one', () => queue()); run(); begin('c1'); queue(); run(); begin('c2');
     within('two', (span) => { span.adopt(receipt()); }); end('c1'); end('c2');`,
    { c1: 'one', c2: 'two' },
  ],
  [
    'with a duplicate delivery between them',
    `within('one', () => { queue(); return receipt(); }); run(); begin('c1'); end('c1');
     within('again', () => { queue(); return receipt({ deduplicated: true }); });
     within('again', (span) => { span.adopt(receipt({ deduplicated: true })); });
     queue(); run(); begin('c2'); end('c2');`,
    { c1: 'one', c2: undefined },
  ],
  [
    'with a receipt that two spans return',
    `within('outer', () => within('one', () => { queue(); return receipt(); })); run(); begin('c1'); end('c1');
     queue(); run(); begin('c2'); end('c2');`,
    { c1: 'one', c2: undefined },
  ],
  [
    'with a receipt that two spans return, while its event comes from elsewhere',
    `within('outer', () => within('one', () => receipt())); queue(); run(); begin('c1'); end('c1');
     queue(); run(); begin('c2'); end('c2');`,
    { c1: 'one', c2: undefined },
  ],
  [
    'with a receipt that an outer span returns once the work has ended',
    `within('outer', () => { within('one', () => void queue()); run(); begin('c1'); end('c1'); return receipt(); });
     queue(); run(); begin('c2'); end('c2');`,
    { c1: 'one', c2: undefined },
  ],
  [
    'with the receipt of a duplicate that is adopted and returned',
    `queue(); run(); begin('c1'); queue();
     within('again', (span) => { queue(); return span.adopt(receipt({ deduplicated: true })); });
     within('two', (span) => { span.adopt(receipt()); }); run(); begin('c2'); end('c1'); end('c2');`,
    { c1: undefined, c2: 'two' },
  ],
  [
    'of two agents, one of them without a span',
    `queue({ agentName: 'b' }); within('one', () => queue()); run(); run();
     begin('c2', { agentName: 'b' }); begin('c1'); end('c1'); end('c2');`,
    { c1: 'one', c2: undefined },
  ],
  [
    'with one that a receipt states and that runs elsewhere',
    `within('elsewhere', () => receipt()); const { now } = Date; Date.now = () => now() + 3_600_001;
     queue(); run(); begin('c1'); end('c1');`,
    { c1: undefined },
  ],
  [
    'with work of a tool in a conversation of its own',
    `within('one', () => queue()); run(); begin('c1'); begin('inner'); end('c1');
     within('two', () => queue()); run(); begin('c2'); end('c2');`,
    { c1: 'one', inner: 'flue.prompt', c2: 'two' },
  ],
])(
  'keyed submissions with one id have callers of their own: %s',
  async (_name, program, parents) => {
    expect(await keyed(program)).toEqual(parents);
  },
);

test('a keyed submission follows the decision about its own caller', async () => {
  const parents = await keyed(
    `within('left out', () => queue()); run(); begin('c1'); end('c1');
     within('kept', () => queue()); run(); begin('c2'); end('c2');`,
    `{ sample: ({ event }) => event.span?.name !== 'left out' }`,
  );
  expect(parents).toEqual({ c2: 'kept' });
});
