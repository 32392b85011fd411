import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector, CollectorOptions } from '../tools/collector/types';
import { SlugDestinations } from '../js/slug-destinations';
import { writeSlug } from '../js/spans/slug';
import { recordings } from './support/replay';
import { EXIT_TIMEOUT_MS, run, withDirectory } from './support/run';

/** The destinations: each has a server, a key and a project of its own. */
const NAMES = ['A', 'B'] as const;
type Name = (typeof NAMES)[number];

interface Received {
  collector: Collector;
  /** All bytes that came, with the headers. */
  bytes: string;
}

/** Runs a program that has the package as `bt`, the options of the loggers as `A` and `B`, and `show`. */
async function program(
  code: string,
  check: (
    received: Record<Name, Received>,
    ending: Awaited<ReturnType<typeof run>> & { shown: any[] },
  ) => void | Promise<void>,
  {
    servers = {},
    args = [],
  }: { servers?: Partial<Record<Name, CollectorOptions>>; args?: string[] } = {},
) {
  const received = {} as Record<Name, Received>;
  for (const name of NAMES) {
    const one = { bytes: '' } as Received;
    one.collector = await startCollector({
      ...servers[name],
      intercept: (request) => {
        one.bytes +=
          JSON.stringify(request.headers) + request.query + request.body.toString('latin1');
        return servers[name]?.intercept?.(request);
      },
    });
    received[name] = one;
  }
  const optionsOf = (name: Name) => {
    const { url } = received[name].collector;
    return { apiKey: `KEY_${name}`, appUrl: url, apiUrl: url, projectName: `project ${name}` };
  };
  const text = `
    import * as bt from 'flue-braintrust';
    const [A, B] = ${JSON.stringify(NAMES.map(optionsOf))};
    const show = (value) => console.log(JSON.stringify(value));
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
    ${code}`;
  try {
    const env = { FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: String(EXIT_TIMEOUT_MS) };
    const ending = await run([...args, '--input-type=module', '-e', text], env);
    const lines = ending.stdout.split('\n').filter((line) => /^[[{]/.test(line));
    await check(received, { ...ending, shown: lines.map((line) => JSON.parse(line)) });
    for (const name of NAMES) {
      const other = name === 'A' ? 'B' : 'A';
      expect(received[name].bytes).not.toContain(`KEY_${other}`);
      expect(found(received[name].bytes, other)).toEqual([]);
      expect(received[name].collector.problems).toEqual([]);
    }
  } finally {
    await Promise.all(NAMES.map((name) => received[name].collector.close()));
  }
}

/** The first canaries of a destination in a text, with what is around them. */
function found(text: string, name: Name): string[] {
  return Array.from(
    text.matchAll(new RegExp(`.{0,80}CANARY_${name}.{0,20}`, 'g')),
    ([hit]) => hit,
  ).slice(0, 3);
}

const rowsOf = ({ collector }: Received) => collector.rows() as any[];
const namesOf = (received: Received) =>
  rowsOf(received)
    .map(({ span_attributes }) => span_attributes?.name)
    .toSorted();
const named = (received: Received, name: string) =>
  rowsOf(received).find(({ span_attributes }) => span_attributes?.name === name);

test('a span stays with the logger it began with, as do its children, its updates and the current span', () =>
  program(
    `
    const a = bt.initLogger(A);
    const late = bt.startSpan({ name: 'late', event: { input: 'CANARY_A' } });
    let b;
    await bt.traced(async (span) => {
      b = bt.initLogger(B);
      await sleep(5);
      span.log({ output: 'CANARY_A' });
      bt.currentSpan().log({ metadata: { canary: 'CANARY_A' } });
      bt.traced(() => {}, { name: 'child', event: { input: 'CANARY_A' } });
      bt.startSpan({ name: 'open', event: { input: 'CANARY_A' } });
      bt.wrapTraced(function wrapped(value) { return value; })('CANARY_A');
      span.traced((inner) => bt.logError(inner, new Error('CANARY_A')), { name: 'own child' });
      show([bt.currentLogger() === b]);
    }, { name: 'outer' });
    late.startSpan({ name: 'late child', event: { output: 'CANARY_A' } }).end();
    late.log({ output: 'CANARY_A' });
    bt.withCurrent(late, (span) => {
      show([span === late, bt.currentSpan() === late]);
      bt.traced(() => {}, { name: 'below late', event: { input: 'CANARY_A' } });
    });
    late.end();
    bt.traced((span) => span.log({ output: 'CANARY_B' }), { name: 'of B' });
    bt.startSpan({ name: 'open in B', event: { input: 'CANARY_B' } });
    show([(await a.flush()).complete, (await b.flush()).complete]);
    show([a.stats().accepted > b.stats().accepted, bt.stats().accepted === b.stats().accepted]);`,
    ({ A, B }, { code, stderr, shown }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(shown).toEqual([[true], [true, true], [true, true], [true, true]]);
      expect(namesOf(A)).toEqual([
        'below late',
        'child',
        'late',
        'late child',
        'open',
        'outer',
        'own child',
        'wrapped',
      ]);
      expect(namesOf(B)).toEqual(['of B', 'open in B']);
      for (const name of ['child', 'open', 'own child', 'wrapped']) {
        expect(named(A, name).span_parents).toEqual([named(A, 'outer').span_id]);
      }
      for (const name of ['late child', 'below late']) {
        expect(named(A, name).span_parents).toEqual([named(A, 'late').span_id]);
      }
      expect(named(A, 'outer')).toMatchObject({
        output: 'CANARY_A',
        metadata: { canary: 'CANARY_A' },
      });
      expect(named(A, 'late').metrics.end).toBeDefined();
      expect(named(A, 'late').metadata).toBeUndefined();
      expect(named(B, 'of B').span_parents).toBeUndefined();
    },
  ));

test('what a logger starts lies below the current span of the same logger, also of Flue; else it is a root, a task', () =>
  program(
    `
    const a = bt.initLogger(A);
    const b = bt.initLogger({ ...B, setCurrent: false });
    const { interceptor, observe } = bt.braintrustFlueInstrumentation();
    a.traced(() => {
      a.traced(() => a.startSpan({ name: 'CANARY_A innermost' }).end(), { name: 'CANARY_A inner' });
      b.traced(() => a.startSpan({ name: 'CANARY_A beside' }).end(), { name: 'CANARY_B root' });
      a.log({ input: 'CANARY_A logged' });
      bt.wrapTraced(() => {}, { name: 'CANARY_A wrapped child' })();
    }, { name: 'CANARY_A root' });
    bt.wrapTraced(() => {}, { name: 'CANARY_A wrapped' })();
    bt.startSpan({ name: 'CANARY_A typed', type: 'score' }).end();
    await interceptor({ type: 'workflow', runId: 'r' }, { runId: 'r' }, async () => {
      observe({ v: 3, type: 'run_start', runId: 'r', workflowName: 'CANARY_A', timestamp: new Date().toISOString() });
      a.startSpan({ name: 'CANARY_A in the run' }).end();
    });`,
    ({ A, B }, { code }) => {
      expect(code).toBe(0);
      const seen = (received: Received, name: string) => {
        const row = named(received, name);
        const parent = rowsOf(received).find(({ span_id: id }) => id === row.span_parents?.[0]);
        return [parent?.span_attributes.name, row.span_attributes.type];
      };
      expect(seen(A, 'CANARY_A root')).toEqual([undefined, 'task']);
      expect(seen(A, 'CANARY_A inner')).toEqual(['CANARY_A root', undefined]);
      expect(seen(A, 'CANARY_A innermost')).toEqual(['CANARY_A inner', undefined]);
      expect(seen(A, 'CANARY_A beside')).toEqual([undefined, 'task']);
      expect(seen(B, 'CANARY_B root')).toEqual([undefined, 'task']);
      expect(seen(A, 'root')).toEqual([undefined, 'task']);
      expect(seen(A, 'CANARY_A wrapped child')).toEqual(['CANARY_A root', 'function']);
      expect(seen(A, 'CANARY_A wrapped')).toEqual([undefined, 'function']);
      expect(seen(A, 'CANARY_A typed')).toEqual([undefined, 'score']);
      expect(seen(A, 'CANARY_A in the run')).toEqual(['workflow:CANARY_A', undefined]);
    },
  ));

test('two loggers work side by side, each with spans, counters and an end of its own', () =>
  program(
    `
    const a = bt.initLogger(A);
    const b = bt.initLogger({ ...B, setCurrent: false });
    show([bt.currentLogger() === a, a.kind, b.kind, a === bt.initLogger(A), a !== b]);
    const ids = await a.traced(async (outer) => {
      await sleep(1);
      const inner = await b.traced(async (span) => {
        await sleep(1);
        bt.traced(() => {}, { name: 'child in B', event: { input: 'CANARY_B' } });
        return [span.spanId, bt.currentSpan() === span];
      }, { name: 'root in B', event: { input: 'CANARY_B' } });
      bt.traced(() => {}, { name: 'child in A', event: { input: 'CANARY_A' } });
      return [bt.currentSpan() === outer, inner[1]];
    }, { name: 'root in A', event: { input: 'CANARY_A' } });
    show(ids);
    const row = b.log({ input: 'CANARY_B', output: 'logged' });
    show([row]);
    bt.traced(() => {}, { name: 'of the current' });
    const closed = await b.close();
    show([closed.complete, closed.sent === b.stats().accepted]);
    b.traced(() => {}, { name: 'refused', event: { input: 'CANARY_B' } });
    show([b.stats().lost.closed, bt.stats().lost]);
    bt.traced(() => {}, { name: 'still here' });
    const again = bt.initLogger({ ...B, setCurrent: false });
    show([again === b, bt.currentLogger() === a]);
    b.startSpan({ name: 'again' }).end();`,
    ({ A, B }, { code, shown }) => {
      expect(code).toBe(0);
      const [identities, current, [row], ...rest] = shown;
      expect(identities).toEqual([true, 'logger', 'logger', true, true]);
      expect(current).toEqual([true, true]);
      expect(rest).toEqual([
        [true, true],
        [2, {}],
        [true, true],
      ]);
      expect(namesOf(A)).toEqual(['child in A', 'of the current', 'root in A', 'still here']);
      expect(namesOf(B)).toEqual(['again', 'child in B', 'root', 'root in B']);
      expect(named(B, 'root in B').span_parents).toBeUndefined();
      expect(named(B, 'child in B').span_parents).toEqual([named(B, 'root in B').span_id]);
      expect(named(A, 'child in A').span_parents).toEqual([named(A, 'root in A').span_id]);
      expect(named(B, 'root')).toMatchObject({ id: row, input: 'CANARY_B', output: 'logged' });
    },
  ));

test('within a logger its functions are those of the package, across async calls and side by side', () =>
  program(
    `
    const a = bt.initLogger(A);
    const b = bt.initLogger({ ...B, setCurrent: false });
    const work = async (name) => {
      await sleep(2);
      return bt.traced(async (span) => {
        await sleep(2);
        bt.traced(() => {}, { name: 'inner', event: { input: 'CANARY_' + name } });
        return bt.currentLogger();
      }, { name: 'outer', event: { input: 'CANARY_' + name } });
    };
    const loggers = await Promise.all([
      bt.withLogger(a, () => work('A')),
      bt.withLogger(b, () => work('B')),
      bt.withLogger(b, (logger) => bt.withLogger(a, () => work('A'))),
    ]);
    show(loggers.map((logger) => logger === a ? 'a' : logger === b ? 'b' : 'none'));
    show(await a.traced(() => bt.withLogger(b, async () => [
      bt.currentSpan().id === '',
      await bt.flush().then(({ accepted }) => accepted === b.stats().accepted),
      bt.traced((span) => span.spanParents.length, { name: 'apart', event: { input: 'CANARY_B' } }),
    ]), { name: 'around' }));
    show(bt.withLogger(a, () => a.traced((span) => bt.withLogger(a, () => [bt.currentSpan() === span]), { name: 'same' })));
    show(bt.withLogger((logger) => [logger === b, bt.currentLogger() === b], B));
    show([bt.withLogger({}, () => 7), bt.currentLogger() === b]);`,
    ({ A, B }, { code, shown, stderr }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(shown).toEqual([['a', 'b', 'a'], [true, true, 0], [true], [true, true], [7, true]]);
      expect(namesOf(A)).toEqual(['around', 'inner', 'inner', 'outer', 'outer', 'same']);
      expect(namesOf(B)).toEqual(['apart', 'inner', 'outer']);
    },
  ));

test('a logger that cannot be started records nothing, and leaves nothing to the one before', () =>
  program(
    `
    const a = bt.initLogger(A);
    const open = bt.startSpan({ name: 'open', event: { input: 'CANARY_A' } });
    const none = bt.initLogger({ ...B, redact: { builtins: ['mails'] } });
    show([bt.currentLogger() === undefined, none === a]);
    bt.traced((span) => span.log({ output: 'CANARY_B' }), { name: 'untraced' });
    show([none.traced(() => 7), none.startSpan().id, none.log({}), none.stats().accepted, (await none.flush()).complete]);
    none.observer()({ type: 'run_start', runId: 'run_1', workflowName: 'CANARY_B' });
    show([bt.withLogger(none, () => bt.currentLogger() === undefined && bt.traced(() => 8))]);
    open.log({ output: 'CANARY_A' });
    open.end();
    bt.initLogger({ ...B, redact: { builtins: ['mails'] }, setCurrent: false });
    bt.initLogger(A);
    bt.initLogger({ ...B, apiUrl: 'no URL', setCurrent: false });
    show([bt.currentLogger() === a]);`,
    ({ A, B }, { code, shown, stderr }) => {
      expect(code).toBe(0);
      expect(stderr).toContain('FLUE_BRAINTRUST_NOT_STARTED');
      expect(shown).toEqual([[true, false], [7, '', '', 0, true], [8], [true]]);
      expect(namesOf(A)).toEqual(['open']);
      expect(named(A, 'open').output).toBe('CANARY_A');
      expect(rowsOf(B)).toEqual([]);
    },
  ));

const RUN = `
  let index = 0;
  const run = (id, canary) => {
    const at = () => ({ runId: id, timestamp: new Date().toISOString(), v: 3, eventIndex: index++ });
    const turn = { operationId: 'op_' + id, turnId: 'turn_' + id, conversationId: 'conv_' + id };
    const messages = Object.freeze([Object.freeze({ role: 'user', content: canary })]);
    return [
      { type: 'run_start', ...at(), workflowName: 'flow', input: canary },
      { type: 'operation_start', ...at(), operationId: turn.operationId, operationKind: 'prompt', conversationId: turn.conversationId },
      { type: 'turn_request', ...at(), ...turn, purpose: 'agent', request: { input: { messages }, requestedModel: 'moss-1' } },
      { type: 'text_delta', ...at(), ...turn, text: canary },
      { type: 'turn', ...at(), ...turn, purpose: 'agent', durationMs: 1, response: { output: [{ type: 'text', text: canary }] } },
      { type: 'operation', ...at(), operationId: turn.operationId, operationKind: 'prompt', conversationId: turn.conversationId, durationMs: 2, result: canary },
      { type: 'log', ...at(), level: 'info', message: canary },
      { type: 'run_end', ...at(), durationMs: 3, result: canary },
    ];
  };`;

test('events of a run go where it began, whenever another logger becomes the current one', () =>
  program(
    `${RUN}
    const length = run('x', '').length;
    bt.initLogger(A);
    // One for each moment at which the other logger may come.
    const runs = Array.from({ length }, (_, n) => run('run_' + n, 'CANARY_A'));
    for (let n = 0; n < length; n++) {
      const [first, ...rest] = runs[n].splice(0, n + 1);
      for (const event of [first, ...rest]) bt.braintrustFlueObserver(event);
    }
    bt.initLogger(B);
    const ofB = run('run_B', 'CANARY_B');
    for (let n = 0; n < length; n++) {
      for (const events of runs) if (events.length > 0) bt.braintrustFlueObserver(events.shift());
      bt.braintrustFlueObserver(ofB[n]);
    }`,
    ({ A, B }, { code, stderr }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const spans = ['flue.prompt', 'llm:moss-1', 'workflow:flow'];
      expect(namesOf(B)).toEqual(spans);
      expect(namesOf(A)).toEqual(spans.flatMap((name) => Array(8).fill(name)));
      for (const row of [...rowsOf(A), ...rowsOf(B)]) {
        expect(row.metrics.end).toBeDefined();
        expect(row.metadata?.['flue.interrupted']).toBeUndefined();
      }
      expect(found(A.bytes, 'A')).not.toEqual([]);
      expect(found(B.bytes, 'B')).not.toEqual([]);
    },
  ));

/** The events that begin and end work, where it is more than an operation. */
const STAGES_OF: Record<string, [first?: string, last?: string]> = {
  run: ['run_start', 'run_end'],
  submission: ['submission_queued', 'submission_settled'],
  operation: [],
};

test.each(['run', 'submission', 'operation'])(
  'the rest of a running %s whose logger was closed reaches no other logger, and counts as lost',
  (kind) =>
    program(
      `
      const b = bt.initLogger(B);
      const a = bt.initLogger({ ...A, setCurrent: false });
      const { interceptor, observe } = bt.braintrustFlueInstrumentation();
      const [first, last] = ${JSON.stringify(STAGES_OF[kind])};
      const idsOf = (work) => ({ ${kind}Id: '${kind}_' + work });
      const operationOf = (work) => ({ operationId: 'operation_' + work, operationKind: 'prompt', conversationId: 'conv_' + work });
      let index = 0;
      const emit = (work, type, more) =>
        observe({ v: 3, type, timestamp: new Date().toISOString(), eventIndex: index++, ...idsOf(work), ...more }, {});
      const begin = (work) => {
        if (first) emit(work, first, { workflowName: 'flow' });
        emit(work, 'operation_start', operationOf(work));
      };
      const goOn = (work, content, turnId) => {
        const turn = { ...operationOf(work), turnId, purpose: 'agent' };
        const messages = [{ role: 'user', content }];
        emit(work, 'turn_request', { ...turn, request: { input: { messages }, requestedModel: 'm' } });
        interceptor({ type: 'agent' }, { ...idsOf(work), ...operationOf(work) }, () => {
          bt.traced(() => {}, { name: 'own', event: { input: content } });
        });
        emit(work, 'turn', { ...turn, durationMs: 1, isError: false, response: { output: content } });
        bt.logFeedback({ ...idsOf(work), ...operationOf(work), comment: content });
      };
      const end = (work, content) => {
        emit(work, 'operation', { ...operationOf(work), durationMs: 2, isError: false, result: content });
        if (last) emit(work, last, { outcome: 'completed', durationMs: 3, result: content });
      };
      bt.withLogger(a, () => begin('open'));
      goOn('open', 'CANARY_A', 'first');
      bt.withLogger(a, () => begin('ended'));
      end('ended', 'CANARY_A');
      await a.close();
      goOn('open', 'CANARY_A', 'second');
      end('open', 'CANARY_A');
      goOn('ended', 'CANARY_A', 'late');
      show([a.stats().lost.closed, (await b.flush()).accepted]);
      begin('other');
      goOn('other', 'CANARY_B', 'third');
      end('other', 'CANARY_B');`,
      ({ B }, { code, shown }) => {
        expect(code).toBe(0);
        expect(shown).toEqual([[kind === 'operation' ? 11 : 12, 0]]);
        expect(namesOf(B)).toContain('own');
      },
    ),
);

test('work that begins after its logger was closed goes to the next one, whatever ids it has', () =>
  program(
    `${RUN}
    const submission = (canary) => {
      let index = 0;
      const at = () => ({ v: 3, timestamp: new Date().toISOString(), eventIndex: index++, submissionId: 'sub_ik_1' });
      const operation = { operationId: 'op', operationKind: 'prompt', conversationId: 'conv' };
      return [
        { type: 'submission_queued', ...at() },
        { type: 'submission_running', ...at(), attemptCount: 1 },
        { type: 'operation_start', ...at(), ...operation },
        { type: 'operation', ...at(), ...operation, durationMs: 1, isError: false, result: canary },
        { type: 'submission_settled', ...at(), outcome: 'completed' },
      ];
    };
    const lone = (canary) => [
      { type: 'operation_start', operationId: 'lone', operationKind: 'prompt' },
      { type: 'task_start', taskId: 'task', operationId: 'lone', prompt: canary },
      { type: 'operation_start', taskId: 'task', operationId: 'inner', operationKind: 'prompt' },
      { type: 'operation', taskId: 'task', operationId: 'inner', operationKind: 'prompt', durationMs: 1, result: canary },
      { type: 'task', taskId: 'task', operationId: 'lone', durationMs: 1, result: canary },
      { type: 'operation', operationId: 'lone', operationKind: 'prompt', durationMs: 1, result: canary },
    ];
    const all = (canary) => [...submission(canary), ...run('run', canary), ...lone(canary)];
    const open = (canary) => [submission(canary), run('run', canary), lone(canary)].flatMap((events) => events.slice(0, -1));
    const a = bt.initLogger(A);
    for (const event of [...all('CANARY_A'), ...open('CANARY_A')]) bt.braintrustFlueObserver(event);
    await a.close();
    const b = bt.initLogger(B);
    for (const event of all('CANARY_B')) bt.braintrustFlueObserver(event);
    show([a.stats().lost, (await b.flush()).lost]);
    await b.close();
    const [first, ...rest] = run('between', 'CANARY_A');
    bt.braintrustFlueObserver(first);
    bt.initLogger(A);
    for (const event of rest) bt.braintrustFlueObserver(event);
    show([b.stats().lost, (await bt.flush()).lost]);`,
    ({ A, B }, { code, shown }) => {
      expect(code).toBe(0);
      expect(shown).toEqual([
        [{}, {}],
        [{ closed: 1 }, {}],
      ]);
      const names = [...Array(4).fill('flue.prompt'), 'flue.task', 'llm:moss-1', 'workflow:flow'];
      expect(namesOf(B)).toEqual(names);
      expect(namesOf(A)).toEqual([...names, 'flue.prompt', 'llm:moss-1', 'workflow'].toSorted());
      for (const row of rowsOf(B)) expect(row.metrics.end).toBeDefined();
    },
  ));

test('the observer of a logger takes all that it is given, beside that of the package', () =>
  program(
    `${RUN}
    const [a, b] = [bt.initLogger(A), bt.initLogger({ ...B, setCurrent: false })];
    show([a.observer() === a.observer(), a.observer() !== b.observer(), a.observer().key !== b.observer().key]);
    const [one, two] = [run('run_1', 'CANARY_A'), run('run_2', 'CANARY_B')];
    while (one.length > 0) {
      a.observer()(one.shift());
      b.observer().observe(two.shift());
    }
    // Both: this one of its own, and the current one.
    for (const event of run('run_3', 'in both')) {
      b.observer()(event);
      bt.braintrustFlueObserver(event);
    }`,
    ({ A, B }, { code, shown }) => {
      expect({ code, shown }).toEqual({ code: 0, shown: [[true, true, true]] });
      const spans = ['flue.prompt', 'llm:moss-1', 'workflow:flow'];
      for (const one of [A, B]) expect(namesOf(one)).toEqual(spans.flatMap((name) => [name, name]));
    },
  ));

test('of no trace of the recordings do both loggers receive a part, wherever they are switched', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'events.json');
    const all = recordings().map(({ events }) => events);
    writeFileSync(file, JSON.stringify(all));
    await program(
      `
      import { readFileSync } from 'node:fs';
      const recordings = JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8'));
      bt.initLogger(A);
      let count = 0;
      for (const events of recordings) {
        for (const event of events) {
          // Work that goes on is switched at every event, sooner or later.
          if (count++ % 5 === 0) bt.initLogger(count % 2 === 0 ? A : B);
          bt.braintrustFlueObserver(event);
        }
      }`,
      ({ A, B }, { code }) => {
        expect(code).toBe(0);
        const [inA, inB] = [A, B].map((one) => new Set(rowsOf(one).map((row) => row.root_span_id)));
        expect(inA!.size).toBeGreaterThan(50);
        expect(inB!.size).toBeGreaterThan(50);
        expect([...inA!].filter((trace) => inB!.has(trace))).toEqual([]);
      },
    );
  }));

const AGENTS = `
  import { fauxAssistantMessage, fauxText, fauxToolCall } from '@earendil-works/pi-ai/providers/faux';
  import { defineTool, init, instrument, observe, useModel, useTool } from '@flue/runtime';
  import { start } from '@flue/runtime/node';
  import * as v from 'valibot';
  import { fauxModel } from './examples/agent/faux.mts';
  let midway = () => {};
  const look = defineTool({
    name: 'look', description: 'Look.', input: v.object({ canary: v.string() }),
    run: async ({ data }) => {
      await midway();
      return { output: await bt.traced(async (span) => {
        await sleep(5);
        bt.currentSpan().log({ metadata: { seen: data.canary } });
        return data.canary;
      }, { name: 'within look', event: { input: data.canary } }) };
    },
  });
  const { provider, model } = fauxModel({ reply: (context) => {
    const last = context.messages.at(-1);
    const [canary] = JSON.stringify(context.messages).match(/CANARY_[AB]/) ?? ['none'];
    return fauxAssistantMessage(last.role === 'user' ? [fauxToolCall('look', { canary })] : [fauxText(canary)]);
  } });
  function Alder() { useModel(model); useTool(look); return 'You look.'; }
  function Birch() { useModel(model); useTool(look); return 'You look.'; }
  const ask = async (agent, id, canary) => {
    const one = init(agent, { id });
    await one.read(await one.dispatch(canary));
  };`;

const SPANS = ['flue.prompt', 'llm:moss-1', 'llm:moss-1', 'tool:look', 'within look'];

const eachHasOneWholeTrace: Parameters<typeof program>[1] = ({ A, B }, { code, stderr }) => {
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const one of [A, B]) {
    expect(namesOf(one)).toEqual(SPANS);
    expect(named(one, 'within look').span_parents).toEqual([named(one, 'tool:look').span_id]);
  }
};

test('real agents: a submission stays with its logger, with the spans that its tools make', () =>
  program(
    `${AGENTS}
    bt.initLogger(A);
    instrument(bt.braintrustFlueInstrumentation());
    const flue = await start({ agents: [Alder, Birch], providers: [provider] });
    let second;
    midway = () => {
      midway = () => {};
      bt.initLogger(B);
      second = ask(Birch, 'birch', 'CANARY_B');
      return sleep(50);
    };
    await ask(Alder, 'alder', 'CANARY_A');
    await second;
    await flue.stop();`,
    eachHasOneWholeTrace,
  ));

test('real agents: each agent has a project of its own, by the observers of two loggers', () =>
  program(
    `${AGENTS}
    const loggers = { Alder: bt.initLogger(A), Birch: bt.initLogger({ ...B, setCurrent: false }) };
    const observers = Object.fromEntries(Object.entries(loggers).map(([name, logger]) => [name, logger.observer()]));
    instrument({
      ...bt.braintrustFlueInstrumentation(),
      observe: (event, ctx) => observers[event.agentName]?.(event, ctx),
    });
    const flue = await start({ agents: [Alder, Birch], providers: [provider] });
    await Promise.all([ask(Alder, 'alder', 'CANARY_A'), ask(Birch, 'birch', 'CANARY_B')]);
    await flue.stop();`,
    eachHasOneWholeTrace,
  ));

test("real agents: what is dispatched within a logger is that logger's", () =>
  program(
    `${AGENTS}
    const [a, b] = [bt.initLogger(A), bt.initLogger({ ...B, setCurrent: false })];
    instrument(bt.braintrustFlueObserver);
    const flue = await start({ agents: [Alder], providers: [provider] });
    await Promise.all([
      bt.withLogger(b, () => ask(Alder, 'one', 'CANARY_B')),
      bt.withLogger(a, () => ask(Alder, 'two', 'CANARY_A')),
    ]);
    await bt.withLogger(b, () => ask(Alder, 'three', 'CANARY_B'));
    await flue.stop();`,
    ({ A, B }, { code }) => {
      expect(code).toBe(0);
      expect(namesOf(A)).toEqual(SPANS);
      expect(namesOf(B)).toEqual(SPANS.flatMap((name) => [name, name]));
    },
  ));

describe('with rows of two loggers pending', () => {
  const pending = `
    bt.initLogger(A);
    bt.startSpan({ name: 'open', event: { input: 'CANARY_A' } });
    for (let n = 0; n < 20; n++) bt.traced(() => {}, { name: 'done', event: { input: 'CANARY_A' } });
    bt.initLogger(B);
    bt.startSpan({ name: 'open', event: { input: 'CANARY_B' } });
    for (let n = 0; n < 20; n++) bt.traced(() => {}, { name: 'done', event: { input: 'CANARY_B' } });`;
  const expected = [...Array(20).fill('done'), 'open'];

  test.each([
    ['process.exit', 'process.exit(3)', 3],
    ['a natural end', '', 0],
    ['an uncaught error', `setImmediate(() => { throw new Error('thrown'); })`, 1],
    [
      'process.exit in a listener',
      `process.prependListener('exit', () => process.exit(4)); process.exit(3)`,
      4,
    ],
    ['a signal', `process.kill(process.pid, 'SIGTERM'); await sleep(300_000)`, null],
  ])('%s delivers both', (_, ending, code) =>
    program(
      `${pending.replace('(A)', '({ ...A, handleSignals: true })')}\n${ending};`,
      ({ A, B }, ended) => {
        expect(ended.code).toBe(code);
        for (const one of [A, B]) {
          expect(namesOf(one)).toEqual(expected);
          expect(named(one, 'open').metadata).toEqual({ 'flue.interrupted': true });
        }
      },
    ),
  );

  test('the end of a worker delivers both', () =>
    program(
      `
      import { Worker } from 'node:worker_threads';
      const text = \`
        const bt = require('flue-braintrust');
        const [A, B] = \${JSON.stringify([A, B])};
        ${pending}
        require('node:worker_threads').parentPort.postMessage('ready');
        setInterval(() => {}, 1000);\`;
      const worker = new Worker(text, { eval: true, execArgv: [] });
      worker.once('message', () => worker.terminate());`,
      ({ A, B }, { code }) => {
        expect(code).toBe(0);
        for (const one of [A, B]) expect(namesOf(one)).toEqual(expected);
      },
    ));

  test('a server that hangs delays the end once, and costs the other logger nothing', () =>
    program(
      `${pending.replaceAll('(A)', '({ ...A, exitTimeoutMs: 1000 })')}
      const began = Date.now();
      process.on('exit', () => show([Date.now() - began]));
      process.exit(0);`,
      ({ A, B }, { shown, stderr }) => {
        expect(rowsOf(A)).toEqual([]);
        expect(namesOf(B)).toEqual(expected);
        expect(stderr.match(/FLUE_BRAINTRUST_EXIT/g)).toHaveLength(1);
        expect(shown[0][0]).toBeGreaterThanOrEqual(900);
      },
      { servers: { A: { intercept: () => ({ hang: true }) } } },
    ));

  test('a masking function and rules apply at each', () =>
    program(
      `
      bt.setMaskingFunction((value) => JSON.parse(JSON.stringify(value).replaceAll('SECRET', 'x')));
      bt.initLogger({ ...A, redact: { patterns: ['CANARY_A_\\\\d'] } });
      const open = bt.startSpan({ name: 'open', event: { input: 'CANARY_A_1 CANARY_B_1 SECRET'.replace('CANARY_B_1', '') } });
      bt.initLogger({ ...B, content: { input: false } });
      open.log({ output: 'CANARY_A_2 SECRET' });
      open.end();
      bt.traced((span) => span.log({ output: 'SECRET' }), { name: 'of B', event: { input: 'CANARY_B' } });
      process.exit(0);`,
      ({ A, B }, { code }) => {
        expect(code).toBe(0);
        expect(named(A, 'open')).toMatchObject({ input: '[redacted]  x', output: '[redacted] x' });
        expect(named(B, 'of B').output).toBe('x');
        for (const one of [A, B]) expect(one.bytes).not.toMatch(/CANARY|SECRET/);
      },
    ));

  test('a server that hangs costs the other logger nothing, even if rows wait for the masking function', () =>
    program(
      `
      bt.setMaskingFunction((value) => value);
      for (const options of [A, B]) {
        const logger = bt.initLogger(options);
        for (let n = 0; n < 20; n++) logger.log({ input: 'logged' });
      }
      process.exit(0);`,
      ({ A, B }, { code }) => {
        expect(code).toBe(0);
        expect(rowsOf(A)).toEqual([]);
        expect(rowsOf(B)).toHaveLength(20);
      },
      { servers: hangsUntilOtherDelivers() },
    ));

  test('a server that hangs costs the other logger nothing, even if it has spans to close', () =>
    program(
      `
      for (const options of [A, B]) {
        bt.initLogger(options).startSpan({ name: 'open' });
      }
      process.exit(0);`,
      ({ A, B }, { code }) => {
        expect(code).toBe(0);
        expect(rowsOf(A)).toEqual([]);
        expect(named(B, 'open').metrics).toHaveProperty('end');
      },
      { servers: hangsUntilOtherDelivers() },
    ));

  test('each has its own files in one spool directory, and each next process delivers its own', () =>
    withDirectory(async (directory) => {
      const spool = join(directory, 'spool');
      mkdirSync(spool);
      const options = JSON.stringify({ spool: { dir: spool } });
      const down = { intercept: () => ({ status: 503 }) };
      const withSpool = (code: string) =>
        code
          .replaceAll('(A)', `({ ...A, ...${options} })`)
          .replaceAll('(B)', `({ ...B, ...${options} })`);
      // The addresses are a part of the destination: both processes have the same servers.
      let isDown = true;
      await program(
        `
        import { spawnSync } from 'node:child_process';
        const setup = 'const bt = require("flue-braintrust"); const [A, B] = ' + JSON.stringify([A, B]) + ';';
        const first = ${JSON.stringify(withSpool(pending))};
        const killed = spawnSync(process.execPath, ['-e', setup + first + ${JSON.stringify(killOnceSpooled(spool))}]);
        show([killed.signal]);
        await fetch(A.apiUrl + '/up');
        const next = ${JSON.stringify(withSpool('const all = [bt.initLogger(A), bt.initLogger(B)];') + UNTIL_ADOPTED)};
        show([spawnSync(process.execPath, ['-e', setup + next]).status]);`,
        ({ A, B }, { shown }) => {
          expect(shown).toEqual([['SIGKILL'], [0]]);
          for (const one of [A, B]) expect(namesOf(one)).toEqual(expected);
          for (const file of filesIn(spool)) {
            const text = readFileSync(file, 'latin1');
            expect(text.includes('CANARY_A') && text.includes('CANARY_B')).toBe(false);
          }
        },
        {
          servers: {
            A: {
              intercept: ({ path }) => {
                if (path === '/up') isDown = false;
                return isDown ? down.intercept() : undefined;
              },
            },
            B: { intercept: () => (isDown ? down.intercept() : undefined) },
          },
        },
      );
    }));
});

/** A process may end before its loggers have searched the spool: the next one delivers then. */
const UNTIL_ADOPTED = `
  const look = () => all.every((one) => one.stats().accepted > 0) || setTimeout(look, 20);
  look();`;

/** A program that kills itself once the spans of two loggers are in the spool: of each, 20 that have ended and an open one. */
const killOnceSpooled = (spool: string) => `
  const { readdirSync, readFileSync } = require('node:fs');
  const files = (ending) => readdirSync('${spool}').filter((name) => name.endsWith(ending));
  const count = (ending, text) =>
    files(ending).map((name) => readFileSync('${spool}/' + name, 'latin1')).join().split(text).length - 1;
  const look = () => {
    if (count('.rows', '"done"') >= 40 && files('.open').length === 2) process.kill(process.pid, 'SIGKILL');
    setTimeout(look, 20);
  };
  look();`;

/** The server of A answers nothing, and refuses the key once rows have come to that of B: then A need not wait longer. */
function hangsUntilOtherDelivers(): Record<Name, CollectorOptions> {
  let delivers = () => {};
  const delivered = new Promise<void>((resolve) => (delivers = resolve));
  return {
    A: { intercept: () => delivered.then(() => ({ status: 401 })) },
    B: { intercept: ({ path }) => (path === '/logs3' ? delivers() : undefined) as undefined },
  };
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((name) => statSync(name).isFile());
}

test('each logger has its own function for diagnostics', () =>
  program(
    `
    const seen = { a: [], b: [] };
    const a = bt.initLogger({ ...A, onError: ({ code }) => seen.a.push(code) });
    const b = bt.initLogger({ ...B, onError: ({ code }) => seen.b.push(code) });
    a.log({});
    b.log({});
    await Promise.all([a.flush({ timeoutMs: 2000 }), b.flush()]);
    show([seen]);`,
    (_, { shown }) => {
      const [[{ a, b }]] = shown;
      expect(a).toContain('FLUE_BRAINTRUST_REFUSED');
      expect(b).toEqual([]);
    },
    { servers: { A: { intercept: () => ({ status: 401 }) } } },
  ));

const SETUP = `
  import { readdirSync, readFileSync } from 'node:fs';
  const threads = () => readdirSync('/proc/self/task').filter((id) => {
    try { return readFileSync('/proc/self/task/' + id + '/comm', 'utf8').startsWith('flue-braintrust'); } catch { return false; }
  }).length;
  const settled = async (isDone) => {
    for (let n = 0; !isDone() && n < 600; n++) { await sleep(50); globalThis.gc?.(); }
    return isDone();
  };`;

const linuxTest = process.platform === 'linux' ? test : test.skip;

linuxTest('one thread serves all loggers, and ends when all are closed', () =>
  program(
    `${SETUP}
    const loggers = [A, B, ...Array.from({ length: 20 }, (_, n) => ({ ...A, projectName: 'project ' + n }))].map((options) => bt.initLogger(options));
    for (const logger of loggers) logger.traced(() => {}, { name: 'work' });
    show([await settled(() => loggers.every((logger) => logger.stats().sent > 0)), threads()]);
    await Promise.all(loggers.map((logger) => logger.close()));
    show([await settled(() => threads() === 0)]);
    bt.initLogger(B).traced(() => {}, { name: 'again' });`,
    ({ A, B }, { code, shown, stderr }) => {
      expect({ code, shown, stderr }).toEqual({ code: 0, shown: [[true, 1], [true]], stderr: '' });
      expect(rowsOf(A)).toHaveLength(21);
      expect(namesOf(B)).toEqual(['again', 'work']);
    },
  ),
);

linuxTest(
  'a logger that is forgotten delivers what it has, also after an outage, and leaves nothing behind',
  () =>
    program(
      `${SETUP}
    const forget = () => {
      const logger = bt.initLogger({ ...A, setCurrent: false, exitTimeoutMs: 100 });
      logger.traced(() => {}, { name: 'forgotten', event: { input: 'CANARY_A' } });
      logger.startSpan({ name: 'open' });
      return new WeakRef(logger);
    };
    const reference = forget();
    for (let n = 0; n < 30; n++) { globalThis.gc(); await sleep(100); }
    await fetch(A.apiUrl + '/up');
    show([await settled(() => reference.deref() === undefined), await settled(() => threads() === 0)]);`,
      ({ A }, { code, shown, stderr }) => {
        expect({ code, shown }).toEqual({ code: 0, shown: [[true, true]] });
        expect(stderr).not.toContain('lost');
        expect(namesOf(A)).toEqual(['forgotten', 'open']);
        expect(named(A, 'open').metadata).toEqual({ 'flue.interrupted': true });
      },
      { servers: { A: outage() }, args: ['--expose-gc'] },
    ),
);

/** A server that is down until it is asked for `/up`. */
function outage(): CollectorOptions {
  let isDown = true;
  return {
    intercept: ({ path }) => {
      if (path === '/up') isDown = false;
      return isDown ? { status: 503 } : undefined;
    },
  };
}

test('a slug leads to the logger of its project, before and after the login, whoever is given it', () =>
  program(
    `
    const a = bt.initLogger(A);
    const b = bt.initLogger({ ...B, setCurrent: false });
    for (const when of ['before', 'after']) {
      const span = b.startSpan({ name: 'outer ' + when });
      const parent = await span.export();
      bt.updateSpan({ exported: parent, output: 'CANARY_B' });
      a.updateSpan({ exported: parent, metadata: { by: 'CANARY_B' } });
      bt.startSpan({ name: 'started ' + when, parent }).end();
      a.startSpan({ name: 'started by A ' + when, parent }).end();
      bt.traced(() => {}, { name: 'traced ' + when, parent });
      a.traced(() => bt.traced(() => {}, { name: 'below ' + when, parent }), { name: 'of A ' + when });
      bt.withParent(parent, () => bt.startSpan({ name: 'within ' + when }).end());
      bt.logFeedback({ span: parent, scores: { one: 1 }, comment: 'CANARY_B' });
      a.logFeedback({ span: parent, scores: { two: 1 } });
      span.end();
      const links = await Promise.all([bt, a, b].map((one) => one.permalink(parent)));
      show(links);
      await Promise.all([a.flush(), b.flush()]);
    }
    show([a.stats().accepted]);`,
    ({ A, B }, { code, stderr, shown }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(shown.pop()).toEqual([2]);
      for (const links of shown) {
        expect(new Set(links).size).toBe(1);
        expect(links[0]).toContain(B.collector.url);
      }
      expect(namesOf(A)).toEqual(['of A after', 'of A before']);
      for (const when of ['before', 'after']) {
        const outer = named(B, `outer ${when}`);
        expect(outer).toMatchObject({
          output: 'CANARY_B',
          metadata: { by: 'CANARY_B' },
          scores: { one: 1, two: 1 },
        });
        for (const name of ['started', 'started by A', 'traced', 'below', 'within']) {
          const child = named(B, `${name} ${when}`);
          expect(child.span_parents).toEqual([outer.span_id]);
          expect(child.project_id).toBe(outer.project_id);
        }
      }
    },
  ));

/** The slug of a span in what is given. */
const slugIn = (place: object, n = 1) =>
  writeSlug({
    row_id: `${n}`.padStart(32, '0'),
    span_id: `${n}`.padStart(16, '0'),
    root_span_id: `${n}`.padStart(32, 'a'),
    ...place,
  });

test('a trace begins where the slug of a logger or an experiment leads, whatever span runs', () => {
  const id = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f';
  const experiment = writeSlug({ isExperiment: true, object_id: id });
  return program(
    `
    const a = bt.initLogger(A);
    const b = bt.initLogger({ ...B, setCurrent: false });
    const ofLogger = await b.export();
    bt.traced(() => {
      for (const [name, parent] of [['b', ofLogger], ['e', '${experiment}']]) {
        bt.startSpan({ name: name + ' started', parent }).end();
        bt.traced(() => bt.startSpan({ name: name + ' child' }).end(), { name: name + ' traced', parent });
        bt.withParent(parent, (span) => {
          bt.startSpan({ name: name + ' within' }).end();
          show([span === bt.NOOP_SPAN]);
        });
      }
    }, { name: 'of A' });
    bt.updateSpan({ exported: ofLogger, output: 'no span' });
    await Promise.all([a.flush(), b.flush()]);`,
    ({ A, B }, { code, stderr, shown }) => {
      expect(code).toBe(0);
      expect(stderr.match(/FLUE_BRAINTRUST_\w+/g)).toEqual(['FLUE_BRAINTRUST_BAD_SPAN']);
      expect(shown).toEqual([[true], [true]]);
      for (const [server, name] of [
        [B, 'b'],
        [A, 'e'],
      ] as const) {
        for (const root of ['started', 'traced', 'within']) {
          const row = named(server, `${name} ${root}`);
          expect(row.span_parents ?? []).toEqual([]);
          if (name === 'e') expect(row.experiment_id).toBe(id);
        }
        const parent = named(server, `${name} traced`).span_id;
        expect(named(server, `${name} child`).span_parents).toEqual([parent]);
      }
      expect(namesOf(A)).toEqual(expect.arrayContaining(['of A']));
      expect(namesOf(B)).not.toContain('of A');
    },
  );
});

test('what a slug opens has the settings that its logger was made with, whatever has become of the variables', () => {
  const id = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f';
  return program(
    `
    const { apiKey, ...rest } = A;
    process.env.BRAINTRUST_API_KEY = apiKey;
    process.env.FLUE_BRAINTRUST_CONTENT = 'false';
    const a = bt.initLogger(rest);
    delete process.env.BRAINTRUST_API_KEY;
    delete process.env.FLUE_BRAINTRUST_CONTENT;
    bt.startSpan({ name: 'in it', parent: '${slugIn({ isExperiment: true, object_id: id })}', event: { input: 'SECRET' } }).end();
    await a.flush();`,
    ({ A }, { code, stderr }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(named(A, 'in it').experiment_id).toBe(id);
      expect(A.bytes).not.toContain('SECRET');
    },
  );
});

test('spans below those of a project without a logger go to that project by its id, with one warning', () => {
  const id = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f';
  const place = { compute_object_metadata_args: { project_name: 'elsewhere' } };
  return program(
    `
    const a = bt.initLogger({ ...A, enrich: () => ({ tags: ['enriched'] }) });
    bt.startSpan({ name: 'first' }).end();
    await a.flush();
    const [byId, byName] = ${JSON.stringify([slugIn({ object_id: id }), slugIn(place)])};
    for (const parent of [byId, byName]) bt.traced(() => {}, { name: 'child', parent });
    bt.logFeedback({ span: byId, scores: { one: 1 } });
    bt.updateSpan({ exported: byId, output: 1 });
    const { complete, accepted } = await a.flush();
    show([complete, accepted === a.stats().accepted, await bt.permalink(byId)]);
    await a.close();
    bt.traced(() => {}, { name: 'late', parent: byId });`,
    ({ A }, { code, stderr, shown }) => {
      expect(code).toBe(0);
      expect(stderr.match(/FLUE_BRAINTRUST_\w+/g)).toEqual(['FLUE_BRAINTRUST_OTHER_PROJECT']);
      expect(shown[0]).toEqual([true, true, expect.stringContaining(`object_id=${id}&`)]);
      const own = named(A, 'first').project_id;
      expect(rowsOf(A).map(({ project_id: project }) => project)).toEqual(
        expect.arrayContaining([own, id]),
      );
      const children = rowsOf(A).filter(({ span_attributes }) => span_attributes?.name === 'child');
      expect(children.map(({ project_id: project }) => project).toSorted()).toEqual(
        [own, id].toSorted(),
      );
      const rated = rowsOf(A).find(({ scores }) => scores?.one === 1);
      expect(rated).toMatchObject({ project_id: id, output: 1 });
      expect(named(A, 'late')).toBeUndefined();
    },
  );
});

test('a link of a slug is that of the project that the slug names, however it names it', () => {
  const id = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f';
  const slugs = [
    slugIn({ object_id: id }),
    slugIn({ compute_object_metadata_args: { project_id: id } }),
    slugIn({ compute_object_metadata_args: { project_name: 'else where' } }),
    slugIn({ compute_object_metadata_args: { project_name: 'of-a' } }),
    slugIn({ object_id: id, isExperiment: true }),
  ];
  return program(
    `
    const a = bt.initLogger({ ...A, projectName: 'of-a' });
    for (const slug of ${JSON.stringify(slugs)}) {
      show([await bt.permalink(slug), await a.permalink(slug)]);
    }
    bt.startSpan({ name: 'own' }).end();
    await a.flush();`,
    ({ A }, { code, stderr, shown }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const row = `id=${'1'.padStart(32, '0')}`;
      const own = named(A, 'own').project_id;
      const pages = [
        `object?object_type=project_logs&object_id=${id}&${row}`,
        `object?object_type=project_logs&object_id=${id}&${row}`,
        `p/else%20where/logs?o${row}`,
        `object?object_type=project_logs&object_id=${own}&${row}`,
        `object?object_type=experiment&object_id=${id}&${row}`,
      ];
      expect(shown.map(([link]) => link)).toEqual(
        pages.map((page) => `${A.collector.url}/app/local/${page}`),
      );
      for (const [link, ofLogger] of shown) expect(ofLogger).toBe(link);
    },
  );
});

test('feedback about a span in an experiment goes there, and its links stay, whoever gives it', () => {
  const id = '11111111-2222-4333-8444-555555555552';
  const slug = slugIn({ object_id: id, isExperiment: true });
  return program(
    `
    const l = bt.initLogger(A);
    await l.id;
    const slug = ${JSON.stringify(slug)};
    show([await bt.permalink(slug)]);
    const s = bt.startSpan({ parent: slug, name: 's' });
    s.end();
    l.logFeedback({ span: s, scores: { viaSpan: 1 } });
    l.logFeedback({ span: await s.export(), scores: { viaSlug: 1 } });
    await bt.flush();
    show([await bt.permalink(slug)]);
    show([await s.permalink(), await l.permalink(s)]);`,
    ({ A }, { code, stderr, shown }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(rowsOf(A)).toHaveLength(1);
      expect(named(A, 's')).toMatchObject({
        experiment_id: id,
        scores: { viaSpan: 1, viaSlug: 1 },
      });
      const [before, after, ofSpan] = shown;
      expect(before[0]).toContain(`object_type=experiment&object_id=${id}`);
      expect(after).toEqual(before);
      for (const link of ofSpan) expect(link).toContain(`object_type=experiment&object_id=${id}`);
    },
  );
});

test('a span that went to the wrong project is reported without a flush', () => {
  const slug = slugIn({ object_id: '11111111-2222-4333-8444-555555555555' });
  return program(
    `
    bt.initLogger({ ...A, onError: ({ code }) => { show([code]); clearTimeout(wait); } });
    const wait = setTimeout(() => show(['too late']), 60_000);
    bt.startSpan({ name: 'early', parent: ${JSON.stringify(slug)} }).end();`,
    (_, { code, shown }) => {
      expect(code).toBe(0);
      expect(shown).toEqual([['FLUE_BRAINTRUST_OTHER_PROJECT']]);
    },
  );
});

test('a project that goes by its id has no name that is known', () =>
  program(
    `const id = '11111111-2222-4333-8444-555555555555';
    show([await bt.initLogger({ ...A, projectName: undefined, projectId: id }).project]);`,
    (_, { shown }) => {
      expect(shown).toEqual([[{ id: '11111111-2222-4333-8444-555555555555', name: '' }]]);
    },
  ));

test('the id and the project of a logger are known before anything is recorded', () =>
  program(
    `
    const a = bt.initLogger({ ...A, projectName: 'early' });
    show([await a.id, await a.project]);
    bt.startSpan({ name: 'first' }).end();
    await a.flush();`,
    ({ A }, { code, stderr, shown }) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { project_id: id } = named(A, 'first');
      expect(shown).toEqual([[id, { id, name: 'early' }]]);
    },
  ));

test('a logger waits for all experiments below it, counts their rows, and closes them for good', () =>
  program(
    `
    const a = bt.initLogger(A);
    const slugs = ${JSON.stringify(
      Array.from({ length: 40 }, (_, n) =>
        slugIn(
          { isExperiment: true, object_id: `7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e${n + 10}` },
          n + 10,
        ),
      ),
    )};
    let span;
    for (const parent of slugs) {
      span = bt.startSpan({ name: 'row', parent });
      span.end();
    }
    bt.startSpan({ name: 'own' }).end();
    const { complete, accepted, pending } = await a.flush();
    show([complete, accepted, pending, a.stats().sent]);
    const handle = await span.export();
    await a.close();
    span.startSpan({ name: 'late' }).end();
    bt.withParent(handle, () => bt.startSpan({ name: 'late' }).end());
    bt.traced(() => {}, { name: 'late', parent: slugs[0] });
    show([a.stats().accepted - accepted, a.stats().lost]);`,
    ({ A }, { code, shown }) => {
      expect(code).toBe(0);
      expect(shown).toEqual([
        [true, 41, 0, 41],
        [expect.any(Number), { closed: expect.any(Number) }],
      ]);
      const [, [late, { closed }]] = shown;
      expect(late).toBeGreaterThanOrEqual(3);
      expect(closed).toBe(late);
      expect(new Set(rowsOf(A).map(({ experiment_id: id }) => id)).size).toBe(41);
      expect(rowsOf(A)).toHaveLength(41);
    },
  ));

/** The slugs of spans, each in another project; the number is a part of its id. */
const slugOf = (n: number, isExperiment = false) =>
  slugIn({ isExperiment, object_id: `7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e${n}` }, n);

test('loggers with the same settings do not share what slugs open: each counts and closes its own', () =>
  program(
    `
    const { projectName, ...K } = A;
    const idOf = (n) => '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e' + n;
    const logger = (n) => bt.initLogger({ ...K, projectId: idOf(n), spool: false });
    const slugs = ${JSON.stringify(Object.fromEntries([13, 14, 15].map((n) => [n, slugOf(n)])))};
    const one = logger(11);
    const two = logger(12);
    const late = two.startSpan({ name: 'late', parent: slugs[13] });
    const third = one.startSpan({ name: 'three', parent: slugs[13] });
    third.startSpan({ name: 'five', parent: slugs[15] }).end();
    one.startSpan({ name: 'five', parent: slugs[15] }).end();
    third.end();
    one.startSpan({ name: 'four', parent: slugs[14] }).end();
    const four = logger(14);
    four.startSpan({ name: 'own' }).end();
    await one.close();
    late.end();
    four.startSpan({ name: 'after' }).end();
    await Promise.all([two.flush(), four.flush()]);
    show([one.stats().accepted, ...[one, two, four].map((each) => each.stats().lost)]);`,
    ({ A }, { code, shown }) => {
      expect(code).toBe(0);
      expect(shown).toEqual([[4, {}, {}, {}]]);
      expect(named(A, 'late').metrics.end).toEqual(expect.any(Number));
      expect(namesOf(A)).toEqual(['after', 'five', 'five', 'four', 'late', 'own', 'three']);
    },
  ));

test('a logger waits for the open spans of any number of experiments, and counts those that are gone', () =>
  program(
    `
    const a = bt.initLogger(A);
    const slugs = ${JSON.stringify(Array.from({ length: 40 }, (_, n) => slugOf(n + 10, true)))};
    const begin = (parent) => bt.startSpan({ name: 'row', parent });
    let spans = slugs.slice(1).map(begin);
    await a.flush({ timeoutMs: 60_000 });
    begin(slugs[0]).end();
    for (const span of spans) span.end();
    const { complete } = await a.flush({ timeoutMs: 60_000 });
    const { accepted, pending } = a.stats();
    show([complete, pending]);
    spans = undefined;
    for (let round = 0; round < 15; round++) { await sleep(100); gc(); }
    for (const parent of slugs) begin(parent).end();
    await a.flush({ timeoutMs: 60_000 });
    show([a.stats().accepted - accepted, a.stats().pending, a.stats().lost]);`,
    ({ A }, { code, shown }) => {
      expect(code).toBe(0);
      expect(shown).toEqual([
        [true, 0],
        [40, 0, {}],
      ]);
      expect(rowsOf(A)).toHaveLength(80);
    },
    { args: ['--expose-gc'] },
  ));

test("Flue's work below a slug has the fields of the logger, in a project and in an experiment with the same id", () =>
  program(
    `
    const a = bt.initLogger({ ...A, tags: ['tagged'], environment: 'staging' });
    bt.startSpan({ name: 'first' }).end();
    await a.flush();
    const send = (event) => bt.braintrustFlueObserver({ v: 3, timestamp: new Date().toISOString(), agentName: 'a',
      instanceId: 'i', ...event });
    for (const [n, parent] of ${JSON.stringify([slugOf(13), slugOf(13, true)])}.entries()) {
      const submissionId = 'sub_' + n;
      bt.withParent(parent, () => send({ type: 'submission_queued', kind: 'dispatch', submissionId }));
      send({ type: 'operation_start', submissionId, conversationId: 'c', operationId: 'o' + n, operationKind: 'prompt' });
    }
    await a.flush();`,
    ({ A }, { code }) => {
      expect(code).toBe(0);
      const id = '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e13';
      const roots = rowsOf(A).filter(({ span_attributes: { name } }) => name === 'flue.prompt');
      expect(roots.map((row) => row.experiment_id ?? row.project_id)).toEqual([id, id]);
      expect(roots.filter((row) => row.experiment_id === id)).toHaveLength(1);
      for (const { tags, metadata } of roots) {
        expect({ tags, environment: metadata.environment }).toEqual({
          tags: ['tagged'],
          environment: 'staging',
        });
      }
    },
  ));

test('a logger that is being closed opens no other project', () =>
  program(
    `
    const { projectName, ...K } = A;
    const a = bt.initLogger({ ...K, projectId: '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e11' });
    const parent = ${JSON.stringify(slugOf(13))};
    bt.startSpan({ name: 'open', parent }).end();
    let read;
    const data = new Promise((done) => { read = done; }).then(() => new Blob(['x']));
    const file = { arrayBuffer: async () => (await data).arrayBuffer(), size: 1, type: 'text/plain' };
    const span = bt.startSpan({ name: 'with a file' });
    span.log({ input: new bt.Attachment({ data: Object.setPrototypeOf(file, Blob.prototype), filename: 'f', contentType: 'text/plain' }) });
    span.end();
    const closing = a.close();
    await sleep(10);
    bt.startSpan({ name: 'late', parent }).end();
    read();
    await closing;
    show([a.stats().pending, a.stats().lost]);`,
    ({ A }, { code, shown, stderr }) => {
      expect(stderr).not.toContain('Error');
      expect(code).toBe(0);
      expect(shown).toEqual([[0, { closed: expect.any(Number) }]]);
      expect(namesOf(A)).toEqual(['open', 'with a file']);
    },
  ));

test('opening an experiment costs the same, however many wait for the server; those at rest are dropped', () => {
  let looks = 0;
  let isIdle = false;
  const stats = () => ({ accepted: 1, lastError: null });
  const opened = () => ({
    isClosed: false,
    reference: { deref: () => undefined },
    stats,
    get isIdle() {
      looks += 1;
      return isIdle;
    },
  });
  const destinations = new SlugDestinations(
    { isOn: true, isClosed: false } as any,
    { live: () => [], open: opened } as any,
  );
  const accepted = () =>
    destinations.stats.reduce((sum: number, { accepted: one }: any) => sum + one, 0);
  for (let n = 0; n < 300; n++) destinations.at({ experimentId: `${n}` });
  expect(destinations.all).toHaveLength(300);
  expect(looks).toBeLessThan(300 * 10);
  isIdle = true;
  for (let n = 300; n < 400; n++) destinations.at({ experimentId: `${n}` });
  expect(destinations.all.length).toBeLessThan(20);
  expect(accepted()).toBe(400);
});

test('headers from outside open no more than a thousand experiments at once', () => {
  const base = { isOn: true, isClosed: false };
  const opened = () => ({ isClosed: false, isIdle: false, reference: {} });
  const destinations = new SlugDestinations(base as any, { live: () => [], open: opened } as any);
  const silent = jest.spyOn(console, 'warn').mockImplementation(() => {});
  const found = Array.from({ length: 1100 }, (_, n) => destinations.at({ experimentId: `${n}` }));
  silent.mockRestore();
  expect(found.filter((one) => (one as unknown) === base)).toHaveLength(1100 - 1024);
  expect(destinations.at({ experimentId: '0' })).toBe(found[0]);
});

test('a delivery that fails on every side ends no process', async () => {
  const { code, stdout, stderr } = await run([
    '-e',
    `const { Delivery } = require('./js/delivery.js');
    const fail = async () => { throw new Error('torn down'); };
    const one = { flush: fail, close: fail };
    const slugDestinations = { all: [one], close: () => [fail()], stats: [], check() {} };
    const delivery = new Delivery({
      schedule() {}, report() {}, leftOut: () => 0, files: { isEmpty: true }, slugDestinations, recorder: () => one,
    });
    const failed = ({ message }) => message;
    Promise.all([delivery.flush().catch(failed), delivery.close({}, () => {}).catch(failed)]).then(
      (all) => console.log(all.join()),
    );`,
  ]);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'torn down,torn down\n',
    stderr: '',
  });
});

test('no logger sends a key that another one, the environment or another thread has', () =>
  program(
    `
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    const keys = ['sk-of-a-0123456789abcdef', 'bt-of-b-0123456789abcdef', 'sk-of-env-0123456789abcdef', 'sk-of-thread-0123456789abcdef'];
    process.env.BRAINTRUST_API_KEY = keys[2];
    const thread = new Worker(
      "import('flue-braintrust').then((bt) => bt.initLogger({ apiKey: 'sk-of-thread-0123456789abcdef' }))",
      { eval: true },
    );
    await once(thread, 'exit');
    const a = bt.initLogger({ ...A, apiKey: keys[0], attachments: true, maxFieldBytes: 1000 });
    a.traced((span) => {
      span.log({ input: keys[1], output: 'x'.repeat(915) + keys[1] + 'x'.repeat(1000) });
    }, { name: 'early' });
    const b = bt.initLogger({ ...B, apiKey: keys[1] });
    for (const logger of [a, b])
      logger.traced((span) => span.log({ input: [...keys, { [keys[0]]: JSON.stringify(keys) }] }), { name: 'all' });
    const data = Buffer.from(keys[3].repeat(8));
    const file = new bt.Attachment({ data, filename: '.env', contentType: 'text/plain' });
    a.traced((span) => span.log({ input: { file } }), { name: 'file' });
    await bt.flush();
    await a.flush();
  `,
    ({ A, B }, { stderr }) => {
      expect(stderr).toBe('');
      expect(namesOf(A)).toEqual(['all', 'early', 'file']);
      expect(namesOf(B)).toEqual(['all']);
      expect(named(A, 'early').input).toBe('*'.repeat(24));
      expect(JSON.stringify([named(A, 'file').input])).toContain('data omitted');
      for (const { collector, bytes } of [A, B]) {
        expect(JSON.stringify(collector.rows())).not.toMatch(/of-[a-z]/);
        expect(bytes).not.toMatch(/of-(env|thread)/);
      }
    },
  ));
