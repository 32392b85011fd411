import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { NO_LOSS, destination, run, runFlue } from './support/run';

/** Runs a program with a collector; the program has the package as `bt`, and `show` for what it finds. */
async function traced(
  code: string,
  check: (
    collector: Collector,
    ending: Awaited<ReturnType<typeof run>> & { shown: any[] },
  ) => void | Promise<void>,
  { env = {}, args = [] }: { env?: Record<string, string>; args?: string[] } = {},
) {
  const collector = await startCollector();
  try {
    const text = `
      import * as bt from 'flue-braintrust';
      const show = (value) => console.log(JSON.stringify(value));
      ${code}`;
    const variables = { ...destination(collector), ...env };
    const ending = await run([...args, '--input-type=module', '-e', text], variables);
    expect(collector.problems).toEqual([]);
    const shown = ending.stdout.split('\n').filter((line) => /^[[{]/.test(line));
    await check(collector, { ...ending, shown: shown.map((line) => JSON.parse(line)) });
  } finally {
    await collector.close();
  }
}

const SUBMISSIONS = 10_000;

/** Submissions of Flue 2.x: a prompt with one turn each, an own span below the root, and feedback. */
const submissions = (attempt: number) => `
  const at = { timestamp: new Date().toISOString(), v: 3, agentName: 'a', instanceId: 'i' };
  for (let n = 0; n < ${SUBMISSIONS}; n++) {
    const submissionId = 'sub_' + n;
    const ids = { ...at, submissionId, conversationId: 'conv_' + (n % 10), operationId: 'op_' + n + '_${attempt}' };
    const turnId = 'turn_' + n + '_${attempt}';
    const request = { requestedModel: 'm', input: { messages: [{ role: 'user', content: 'hi' }] } };
    bt.braintrustFlueObserver({ ...at, type: 'submission_queued', submissionId, kind: 'direct' });
    bt.braintrustFlueObserver({ ...at, type: 'submission_running', submissionId, attemptCount: ${attempt}, maxAttempts: 2 });
    bt.braintrustFlueObserver({ ...ids, type: 'operation_start', operationKind: 'prompt' });
    bt.braintrustFlueObserver({ ...ids, turnId, type: 'turn_request', purpose: 'agent', request });
    bt.braintrustFlueObserver({ ...ids, turnId, type: 'turn', purpose: 'agent', durationMs: 1, isError: false, request, response: { output: { role: 'assistant', content: 'ho' } } });
    bt.flueSpan({ submissionId }).traced(() => {}, { name: 'own' });
    bt.logFeedback({ submissionId, scores: { ['s' + ${attempt}]: 1 } });
    bt.braintrustFlueObserver({ ...ids, type: 'operation', operationKind: 'prompt', durationMs: 1, isError: false });
    bt.braintrustFlueObserver({ ...at, type: 'submission_settled', submissionId, outcome: 'completed' });
    if (n % 500 === 0) await bt.flush({ timeoutMs: 60_000 });
  }
  const { complete, lost, sampled } = await bt.flush({ timeoutMs: 60_000 });
  show({ complete, lost, sampled });`;

test('two processes record the same tenth of 10,000 submissions, each whole, with own spans and feedback', async () => {
  const collector = await startCollector();
  try {
    const env = { ...destination(collector), FLUE_BRAINTRUST_SAMPLE_RATE: '0.1' };
    const programs = [1, 2].map((attempt) =>
      run(
        [
          '--input-type=module',
          '-e',
          `import * as bt from 'flue-braintrust';
           const show = (value) => console.log(JSON.stringify(value));
           bt.initLogger();
           ${submissions(attempt)}`,
        ],
        env,
        300_000,
      ),
    );
    const endings = await Promise.all(programs);
    const traces = collector.traces();
    expect(traces.length).toBeGreaterThan(SUBMISSIONS * 0.085);
    expect(traces.length).toBeLessThan(SUBMISSIONS * 0.115);
    // Of each: a prompt, a turn, an own span and a feedback.
    const sampled = (SUBMISSIONS - traces.length) * 4;
    for (const { code, stderr, stdout } of endings) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ complete: true, lost: {}, sampled });
    }
    for (const { roots, spans, problems } of traces) {
      expect(problems).toEqual([]);
      expect(roots).toHaveLength(1);
      expect(roots[0]?.row.scores).toEqual({ s1: 1, s2: 1 });
      const names = spans.map(({ name }) => name).toSorted();
      expect(names).toEqual(['flue.prompt', 'llm:m', 'llm:m', 'own', 'own']);
    }
    // All feedback was about recorded spans.
    expect(collector.rows().filter((row) => row.root_span_id === undefined)).toEqual([]);
  } finally {
    await collector.close();
  }
});

test.each([
  ['2.1.0', 'task'],
  ['2.1.0', 'nested-parallel'],
  ['2.1.0', 'interleaved'],
  ['1.0.0-beta.9', 'nested-parallel'],
  ['1.0.0-beta.9', 'dispatched'],
  ['1.0.0-beta.9', 'workflow'],
  ['0.11.1', 'task'],
])('nothing of a trace that is left out is sent: Flue %s, %s', async (line, scenario) => {
  const collector = await startCollector();
  try {
    for (const [rate, keep] of [
      ['0', 'false'],
      ['0', 'true'],
      ['1', 'false'],
    ] as const) {
      const env = {
        ...destination(collector),
        FLUE_BRAINTRUST_SAMPLE_RATE: rate,
        FLUE_BRAINTRUST_KEEP_ERRORS: keep,
        ...(line.startsWith('0') ? {} : { REGISTER: 'instrument' }),
      };
      const { code, stderr } = await runFlue([`__test__/flue/${line}.mjs`, scenario], env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(collector.rows().length > 0).toBe(rate === '1');
    }
  } finally {
    await collector.close();
  }
});

test.each([
  ['2.1.0', 'errors'],
  ['1.0.0-beta.9', 'errors'],
  ['1.0.0-beta.9', 'workflow-failure'],
])(
  'with `keepErrors` a trace in which a span fails is sent whole: Flue %s, %s',
  async (line, scenario) => {
    const all: any[] = [];
    for (const rate of ['1', '0']) {
      const collector = await startCollector();
      try {
        const env = {
          ...destination(collector),
          FLUE_BRAINTRUST_SAMPLE_RATE: rate,
          FLUE_BRAINTRUST_KEEP_ERRORS: '1',
        };
        expect(await runFlue([`__test__/flue/${line}.mjs`, scenario], env)).toMatchObject({
          code: 0,
        });
        expect(collector.problems).toEqual([]);
        const traces = collector.traces();
        expect(traces.flatMap(({ problems }) => problems)).toEqual([]);
        const shape = (spans: any[]): any =>
          spans.map(({ name, children }) => [name, shape(children)]);
        all.push(
          traces
            .filter(({ spans }) => spans.some(({ error }) => error !== null))
            .map(({ roots }) => JSON.stringify(shape(roots)))
            .toSorted(),
        );
        if (rate === '0') expect(traces).toHaveLength(all[1].length);
      } finally {
        await collector.close();
      }
    }
    expect(all[0].length).toBeGreaterThan(0);
    expect(all[1]).toEqual(all[0]);
  },
);

test('spans that wait for an error are bounded, and those left out are counted', () =>
  traced(
    `bt.initLogger({ sampleRate: 0, keepErrors: true, maxQueueBytes: 1024 * 1024 });
     const big = 'x'.repeat(20_000);
     await bt.traced(async (span) => {
       for (let n = 0; n < 20; n++) {
         bt.traced(() => {}, { name: 'child', event: { input: big } });
         await bt.flush();
       }
       span.log({ error: new Error('too late') });
     }, { name: 'large' });
     for (let n = 0; n < 5; n++) bt.traced(() => bt.traced(() => {}, { name: 'child' }), { name: 'fine' });
     try {
       bt.traced(() => {
         bt.traced(() => {}, { name: 'child' });
         throw new Error('failed');
       }, { name: 'bad' });
     } catch {}
     const { lost, sampled, pending, accepted, sent } = await bt.flush();
     show({ lost, sampled, pending, isSent: accepted === sent });`,
    (collector, { shown }) => {
      expect(shown[0]).toEqual({ lost: {}, sampled: 21 + 10, pending: 0, isSent: true });
      const names = collector.traces().map(({ roots }) => roots.map(({ name }) => name));
      expect(names).toEqual([['bad']]);
      expect(collector.traces()[0]?.spans).toHaveLength(2);
    },
  ));

test('`sample` decides about each trace once, and its children, updates and feedback follow', () =>
  traced(
    `const roots = [];
     bt.initLogger({ sampleRate: 0, sample(root) {
       roots.push([root.event.type, root.isSampled, root.id.length, root.rootSpanId.length]);
       return root.event.span?.name === 'keep' || root.event.agentName === 'keep';
     } });
     for (const name of ['keep', 'drop']) {
       const span = bt.startSpan({ name });
       span.traced(() => {}, { name: 'child' });
       span.log({ output: name });
       span.logFeedback({ scores: { s: 1 }, comment: name });
       span.end();
       const ids = { v: 3, timestamp: new Date().toISOString(), agentName: name, submissionId: 's_' + name, conversationId: 'c', operationId: 'o_' + name };
       bt.braintrustFlueObserver({ ...ids, type: 'operation_start', operationKind: 'prompt' });
       bt.braintrustFlueObserver({ ...ids, type: 'tool_start', turnId: 't', toolCallId: 'k', toolName: 'tool', args: {} });
       bt.braintrustFlueObserver({ ...ids, type: 'tool', turnId: 't', toolCallId: 'k', toolName: 'tool', durationMs: 1, isError: false });
       bt.braintrustFlueObserver({ ...ids, type: 'operation', operationKind: 'prompt', durationMs: 1, isError: false });
     }
     const { lost, sampled } = await bt.flush();
     show({ roots, lost, sampled });`,
    (collector, { shown, stderr }) => {
      expect(stderr).toBe('');
      const custom = ['span_start', false, 32, 32];
      const flue = ['operation_start', false, 32, 32];
      expect(shown[0]).toEqual({ roots: [custom, flue, custom, flue], lost: {}, sampled: 5 });
      const traces = collector.traces();
      expect(traces.map(({ spans }) => spans.map(({ name }) => name).toSorted())).toEqual([
        ['child', 'keep'],
        ['flue.prompt', 'tool:tool'],
      ]);
      expect(traces[0]?.roots[0]?.row).toMatchObject({ output: 'keep', scores: { s: 1 } });
      const comments = collector.rows().filter((row: any) => row.comment) as any[];
      expect(comments.map(({ comment }) => comment.text)).toEqual(['keep']);
    },
  ));

test.each([
  `{ sampleRate: 0 }`,
  `{ sampleRate: 0, keepErrors: true }`,
  `{ sampleRate: 0, sample: () => false }`,
])(
  'feedback about a trace of another process is sent unless the rate alone decides: %s',
  (options) =>
    traced(
      `bt.initLogger(${options});
       bt.logFeedback({ submissionId: 's', scores: { a: 1 } });
       bt.logFeedback({ id: 'row', scores: { a: 1 } });
       show(await bt.flush());`,
      (collector, { shown }) => {
        const isSent = options !== '{ sampleRate: 0 }';
        expect(collector.rows()).toHaveLength(isSent ? 2 : 1);
        const { complete, lost, sampled } = shown[0];
        expect({ complete, lost, sampled }).toEqual({
          complete: true,
          lost: {},
          sampled: isSent ? 0 : 1,
        });
      },
    ),
);

test('each mistake of `sample` and `enrich` is reported, once', () =>
  traced(
    `let count = 0;
     const wrong = () => { count += 1; if (count % 4 > 1) throw new Error(); return 7; };
     bt.initLogger({ sample: wrong, enrich: wrong });
     for (let n = 0; n < 8; n++) bt.traced(() => {}, { name: 'span' });`,
    (_, { code, stderr }) => {
      expect(code).toBe(0);
      const reported = stderr.match(/BAD_\w+: `\w+` \w+/g);
      expect(reported?.toSorted()).toEqual([
        'BAD_ENRICH: `enrich` did',
        'BAD_ENRICH: `enrich` threw',
        'BAD_SAMPLE: `sample` did',
        'BAD_SAMPLE: `sample` threw',
      ]);
    },
  ));

test.each([
  [`() => { throw new Error('SECRET'); }`, 'threw'],
  [`async () => false`, 'true or false'],
  [`() => 1`, 'true or false'],
])('a `sample` that does wrong leaves the decision to the rate: %s', (sample, why) =>
  traced(
    `bt.initLogger({ sampleRate: 1, sample: ${sample} });
     bt.traced(() => {}, { name: 'one' });
     bt.traced(() => {}, { name: 'two' });`,
    (collector, { code, stderr }) => {
      expect(code).toBe(0);
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_BAD_SAMPLE: [^\n]*\n$/);
      expect(stderr).toContain(why);
      expect(stderr).not.toContain('SECRET');
      expect(collector.traces()).toHaveLength(2);
    },
  ),
);

test('the promise of another realm that `sample` returns is not an unhandled rejection', () =>
  traced(
    `const { runInNewContext } = await import('node:vm');
     bt.initLogger({ sample: () => runInNewContext("Promise.reject(new Error('SECRET'))") });
     bt.traced(() => {}, { name: 'one' });
     setTimeout(() => {}, 50);`,
    (collector, { code, stderr }) => {
      expect(code).toBe(0);
      expect(stderr).not.toContain('SECRET');
      expect(collector.traces()).toHaveLength(1);
    },
  ));

test('the rate decides about a span that `sample` begins', () =>
  traced(
    `let calls = 0;
     const sample = () => { calls += 1; bt.traced(() => {}, { name: 'inner' }); return true; };
     bt.initLogger({ sample });
     bt.traced(() => {}, { name: 'outer' });
     show([calls]);`,
    (collector, { shown }) => {
      expect(shown).toEqual([[1]]);
      expect(collector.traces()).toHaveLength(2);
    },
  ));

test('a slow `sample` is not called any more', () =>
  traced(
    `let calls = 0;
     const sample = () => {
       calls += 1;
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
       return false;
     };
     bt.initLogger({ sample });
     for (let n = 0; n < 5; n++) bt.traced(() => {}, { name: 'span' });
     show([calls]);`,
    (collector, { shown, stderr }) => {
      expect(shown).toEqual([[3]]);
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_SLOW_SAMPLE: [^\n]*\n$/);
      expect(collector.traces()).toHaveLength(2);
    },
  ));

test('spans that wait for an error at the end count as left out', () =>
  traced(
    `bt.initLogger({ sampleRate: 0, keepErrors: true });
     const slug = await bt.traced((span) => span.export(), { name: 'root' });
     bt.startSpan({ name: 'open' });
     await bt.close();
     show(bt.stats());`,
    (collector, { shown }) => {
      expect(collector.rows()).toEqual([]);
      expect(shown[0]).toMatchObject({ sampled: 2, accepted: 0, lost: NO_LOSS });
    },
  ));

test.each([false, true])(
  'by an observer that is registered twice, what is left out or comes too late counts once; errors are kept: %s',
  (keepErrors) =>
    traced(
      `const a = bt.initLogger({ sampleRate: 0, keepErrors: ${keepErrors} });
       const operation = { v: 3, submissionId: 'sub', conversationId: 'conv', operationId: 'op' };
       const tool = (toolCallId) => ({ type: 'tool_start', ...operation, turnId: 'turn', toolName: 'look', toolCallId });
       const events = [
         { type: 'operation_start', ...operation, operationKind: 'prompt' },
         { type: 'turn_request', ...operation, turnId: 'turn', purpose: 'agent', request: { requestedModel: 'm', input: { messages: [] } } },
         ...[tool('1'), tool('2'), tool(), tool()],
       ];
       const timestamp = new Date().toISOString();
       const emit = (event, eventIndex) => {
         // Flue 0.11 passes each observer an object of its own.
         for (const observe of [bt.braintrustFlueObserver, a.observer()]) observe({ ...event, timestamp, eventIndex });
       };
       events.forEach(emit);
       await bt.close();
       const { sampled, lost } = bt.stats();
       emit(events[0], 9);
       show({ sampled, lost, late: bt.stats().lost });`,
      (_, { shown }) =>
        expect(shown).toEqual([{ sampled: 6, lost: {}, late: keepErrors ? { closed: 1 } : {} }]),
    ),
);

test('what is left out counts from the latest `initLogger`, as all counters do', () =>
  traced(
    `const record = () => {
       bt.initLogger({ sampleRate: 0 });
       const before = bt.stats().sampled;
       bt.traced(() => {}, { name: 'root' });
       return [before, bt.stats().sampled];
     };
     const first = record();
     const closed = (await bt.close()).sampled;
     show([first, closed, record()]);`,
    (_, { shown }) => expect(shown[0]).toEqual([[0, 1], 1, [0, 1]]),
  ));

test.each(['1.5', '-0.1', 'half'])('a share that is none disables tracing: %s', (rate) =>
  traced(
    `bt.initLogger(); bt.traced(() => {});`,
    (collector, { stderr }) => {
      expect(stderr).toMatch(
        /^\[flue-braintrust\] FLUE_BRAINTRUST_NOT_STARTED: [^\n]*sampleRate[^\n]*\n$/,
      );
      expect(collector.rows()).toEqual([]);
    },
    { env: { FLUE_BRAINTRUST_SAMPLE_RATE: rate } },
  ),
);

/** A program whose spans adopt submissions that have begun a moment ago. */
const adopted = (options: string, names: string[]) => `
  bt.initLogger(${options});
  for (const name of ${JSON.stringify(names)}) {
    const submissionId = 'sub_' + name;
    const at = { v: 3, timestamp: new Date().toISOString(), agentName: name, instanceId: name, submissionId };
    const operation = { ...at, conversationId: 'conv_' + name, operationId: 'op_' + name };
    const turn = { ...operation, turnId: 'turn_' + name, purpose: 'agent' };
    const span = bt.startSpan({ name });
    bt.braintrustFlueObserver({ ...at, type: 'submission_running', attemptCount: 1 });
    bt.braintrustFlueObserver({ ...operation, type: 'operation_start', operationKind: 'prompt' });
    span.adopt(submissionId);
    bt.braintrustFlueObserver({ ...turn, type: 'turn_request', request: { requestedModel: 'm', input: { messages: [] } } });
    bt.braintrustFlueObserver({ ...turn, type: 'turn', durationMs: 1, isError: false, response: {} });
    bt.braintrustFlueObserver({ ...operation, type: 'operation', durationMs: 1, isError: false });
    bt.braintrustFlueObserver({ ...at, type: 'submission_settled', outcome: 'completed' });
    span.end();
  }
  await bt.flush();`;

/** The spans of each trace with their parents' names; a submission that refers to a span has an arrow. */
const storyOf = (collector: Collector) =>
  collector.traces().map(({ spans, openSpans, problems }) => {
    expect({ openSpans, problems }).toEqual({ openSpans: 0, problems: [] });
    const names = spans.map(({ name, row }) => {
      const refers = (row.metadata as any)?.['flue.caller_span_id'] !== undefined;
      const parent = spans.find(
        ({ row: { span_id } }) => span_id === (row.span_parents as any)?.[0],
      );
      expect(parent === undefined).toBe(row.span_parents === undefined);
      return `${parent?.name ?? (refers ? '->' : '')} ${name}`.trim();
    });
    return names.toSorted();
  });

test.each([false, true])(
  'a submission that a span adopts stays in its trace if only one of the two is recorded; errors are kept: %s',
  (keepErrors) =>
    traced(
      adopted(
        `{ keepErrors: ${keepErrors}, sample: ({ event }) => (event.span?.name ?? event.agentName).includes(event.span ? 'span' : 'work') }`,
        ['span', 'work', 'span and work', 'none'],
      ),
      (collector) => {
        // What waits for an error has not left its trace either.
        const own = ['-> flue.prompt', 'flue.prompt llm:m'];
        expect(storyOf(collector).toSorted()).toEqual(
          [
            ['span'],
            own,
            ['flue.prompt llm:m', 'span and work', 'span and work flue.prompt'],
          ].toSorted(),
        );
      },
    ),
);

test('submissions that spans adopt are sent whole or not at all, whatever the rate decides', () =>
  traced(
    adopted(
      '{ sampleRate: 0.5 }',
      Array.from({ length: 40 }, (_, n) => `span ${n}`),
    ),
    (collector) => {
      const kinds = new Set(
        storyOf(collector).map((names) => names.join().replaceAll(/ \d+/g, '')),
      );
      expect([...kinds].toSorted()).toEqual([
        '-> flue.prompt,flue.prompt llm:m',
        'flue.prompt llm:m,span,span flue.prompt',
        'span',
      ]);
    },
  ));

test('outgoing calls state whether the trace is recorded', () =>
  traced(
    `for (const sampleRate of [0, 1]) {
       bt.initLogger({ sampleRate });
       bt.traced(() => show([bt.injectTraceContext().traceparent.slice(-2)]));
     }`,
    (_, { shown }) => expect(shown).toEqual([['00'], ['01']]),
  ));

test('what is added to a trace before its root begins follows what `sample` then decides', () =>
  traced(
    `bt.initLogger({
       sampleRate: 0.5,
       sample: ({ event }) => event.agentName === 'kept',
       enrich: ({ agentName }) => ({ tags: [agentName] }),
     });
     const roots = [];
     for (let n = 0; n < 20; n++) {
       const submissionId = 'sub_' + n;
       const agentName = n % 2 === 0 ? 'kept' : 'left';
       const at = { timestamp: new Date().toISOString(), v: 3, agentName, instanceId: 'i', submissionId };
       bt.braintrustFlueObserver({ ...at, type: 'submission_queued', kind: 'direct' });
       const span = bt.flueSpan({ submissionId });
       span.log({ metadata: { early: n } });
       span.traced(() => {}, { name: 'early' });
       const operation = { ...at, conversationId: 'c' + n, operationId: 'op_' + n, operationKind: 'prompt' };
       bt.braintrustFlueObserver({ ...operation, type: 'operation_start' });
       span.log({ metadata: { late: n } });
       bt.braintrustFlueObserver({ ...operation, type: 'operation', durationMs: 1, isError: false });
       bt.braintrustFlueObserver({ ...at, type: 'submission_settled', outcome: 'completed' });
       roots.push(span.id);
     }
     const { complete, lost, sampled } = await bt.flush();
     show({ complete, lost, sampled, roots });`,
    (collector, { code, stderr, shown }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { roots, ...report } = shown[0];
      // Of each that is left out: the prompt and the span.
      expect(report).toEqual({ complete: true, lost: {}, sampled: 20 });
      const kept = roots.filter((_id: string, n: number) => n % 2 === 0);
      expect(collector.traces().flatMap(({ roots }) => roots.map(({ rowId }) => rowId))).toEqual(
        kept,
      );
      for (const [n, id] of kept.entries()) {
        expect(collector.row(id)).toMatchObject({
          metadata: { early: n * 2, late: n * 2 },
          tags: ['kept'],
        });
      }
      expect(collector.rows()).toHaveLength(kept.length * 2);
    },
  ));

test('what is added to a trace whose root never begins here is sent by a flush, and at the end', () =>
  traced(
    `bt.initLogger({ sample: () => false });
     bt.flueSpan({ runId: 'run_1' }).log({ metadata: { a: 1 } });
     await bt.flush();
     bt.flueSpan({ runId: 'run_2' }).log({ metadata: { b: 1 } });`,
    (collector, { code, stderr }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(collector.rows().map(({ metadata }) => metadata)).toEqual([{ a: 1 }, { b: 1 }]);
    },
  ));

test.each([
  ['one after the other', '12', ''],
  ['side by side', '', '12'],
])(
  'keyed submissions with one id in two conversations are decided, enriched and shown apart: %s',
  (_name, inOrder, sideBySide) =>
    traced(
      `const asked = [];
       bt.initLogger({
         sample: ({ event, id }) => { asked.push(id); return event.conversationId !== 'c3'; },
         enrich: ({ conversationId }) => ({ tags: [conversationId] }),
       });
       const submissionId = 'sub_ik_0123456789abcdef0123456789abcdef';
       let seconds = 0;
       const send = (event) => bt.braintrustFlueObserver({ timestamp: new Date(1e12 + 1000 * seconds++).toISOString(), v: 3,
         agentName: 'a', instanceId: 'i', submissionId, ...event });
       const announce = () => {
         send({ type: 'submission_queued', kind: 'dispatch' });
         send({ type: 'submission_running', attemptCount: 1, maxAttempts: 2 });
       };
       const begin = (n) => send({ type: 'operation_start', conversationId: 'c' + n, operationId: 'op_' + n, operationKind: 'prompt' });
       const end = (n) => {
         send({ type: 'operation', conversationId: 'c' + n, operationId: 'op_' + n, operationKind: 'prompt', durationMs: 1, isError: false });
         send({ type: 'submission_settled', outcome: 'completed' });
       };
       for (const n of '${inOrder}') { announce(); begin(n); end(n); }
       for (const n of '${sideBySide}') announce();
       for (const n of '${sideBySide}') begin(n);
       for (const n of '${sideBySide}') end(n);
       announce(); begin(3); end(3);
       await bt.flush();
       show({ asked, ids: [1, 2, 3].map((n) => bt.flueSpan({ submissionId, conversationId: 'c' + n }).id) });`,
      (collector, { code, stderr, shown }) => {
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const { asked, ids } = shown[0];
        expect(asked).toEqual(ids);
        const [first, second] = ids.map((id: string) => collector.row(id) as any);
        expect([first.tags, second.tags]).toEqual([['c1'], ['c2']]);
        for (const { metadata } of [first, second]) {
          expect(metadata).toMatchObject({
            'flue.attempt': 1,
            'flue.submission_outcome': 'completed',
          });
        }
        expect(collector.rows()).toHaveLength(2);
      },
    ),
);

test('feedback about work of other processes is sent once work runs under spans: its trace is not known', () =>
  traced(
    `bt.initLogger({ sampleRate: 0 });
    const rate = (submissionId) => bt.logFeedback({ submissionId, scores: { thumb: 1 } });
    rate('sub_before');
    const span = bt.startSpan();
    span.adopt('sub_under');
    rate('sub_under');
    rate('sub_elsewhere');
    show(bt.flueSpan({ submissionId: 'sub_elsewhere' }).id);
    show((await bt.flush()).sampled);`,
    (collector, { stdout, stderr }) => {
      expect(stderr).toBe('');
      const [id, sampled] = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect((collector.rows() as any[]).map((row) => row.id)).toEqual([id]);
      // Two feedbacks and the span.
      expect(sampled).toBe(3);
    },
  ));

test('however many keyed submissions run at once, each is decided once', async () => {
  const code = `
    let decided = 0;
    bt.initLogger({ sample: () => (decided++, false) });
    const at = { timestamp: new Date().toISOString(), v: 3, agentName: 'a', instanceId: 'i' };
    const each = (emit) => {
      for (let n = 0; n < 6_000; n++) {
        const submissionId = 'sub_ik_' + String(n).padStart(32, '0');
        const operation = { ...at, submissionId, conversationId: 'c' + n, operationId: 'op' + n, operationKind: 'prompt' };
        emit({ ...at, submissionId }, operation);
      }
    };
    each((ids, operation) => {
      bt.braintrustFlueObserver({ ...ids, type: 'submission_running', attemptCount: 1 });
      bt.braintrustFlueObserver({ ...operation, type: 'operation_start' });
    });
    each((ids, operation) => {
      bt.braintrustFlueObserver({ ...operation, type: 'operation', isError: false });
      bt.braintrustFlueObserver({ ...ids, type: 'submission_settled', outcome: 'completed' });
    });
    const { accepted, sampled } = await bt.flush({ timeoutMs: 60_000 }) && bt.stats();
    show([decided, accepted, sampled]);`;
  await traced(code, (_, { shown }) => expect(shown).toEqual([[6_000, 0, 6_000]]));
});
