import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { destination, run, withDirectory } from './support/run';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** Runs a program that has the package as `bt`, and `show` for what it finds. */
async function program(code: string, env: Record<string, string>) {
  const text = `
    import * as bt from 'flue-braintrust';
    const show = (value) => console.log(JSON.stringify(value));
    ${code}`;
  const { stdout, ...ending } = await run(['--input-type=module', '-e', text], env);
  const shown = stdout.split('\n').filter((line) => line.startsWith('{') || line.startsWith('['));
  return { ...ending, stdout, shown: shown.map((line) => JSON.parse(line)) };
}

/** The same with a collector, to which it delivers at its end. */
async function traced(
  code: string,
  check: (rows: any, ending: Awaited<ReturnType<typeof program>>, collector: Collector) => void,
  env: Record<string, string> = {},
) {
  const collector = await startCollector();
  try {
    const ending = await program(`bt.initLogger({ projectName: 'P' });\n${code}`, {
      ...destination(collector),
      ...env,
    });
    expect(collector.problems).toEqual([]);
    const named = (name: string) =>
      collector.rows().find(({ span_attributes: look }: any) => look?.name === name);
    check(named, ending, collector);
  } finally {
    await collector.close();
  }
}

test('outside of Flue a span is the root of a trace, and what is traced in it lies below it', () =>
  traced(
    `await bt.traced(async (outer) => {
      const late = bt.startSpan({ name: 'late', type: 'function', startTime: 1.5 });
      await null;
      bt.traced(() => bt.currentSpan().log({ output: 'seen' }), { name: 'inner' });
      show([late.end({ endTime: 2.5 }), late.end({ endTime: 9 }), late.close()]);
      await outer.traced(async () => {}, { name: 'aside', setCurrent: false });
    }, { name: 'outer' });
    bt.startSpan();`,
    (row, { shown, stderr, code }, collector) => {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const outer = row('outer');
      expect(outer.span_parents).toBeUndefined();
      for (const name of ['late', 'inner', 'aside']) {
        expect(row(name).span_parents).toEqual([outer.span_id]);
        expect(row(name).root_span_id).toBe(outer.root_span_id);
      }
      expect(row('late').metrics).toMatchObject({ start: 1.5, end: 2.5 });
      expect(row('late').span_attributes.type).toBe('function');
      expect(shown).toEqual([[2.5, 2.5, 2.5]]);
      expect(row('inner').output).toBe('seen');
      // Nobody ended it; the process did.
      expect(row('root').metadata).toEqual({ 'flue.interrupted': true });
      expect(collector.traces()).toHaveLength(2);
    },
  ));

test('what work gives is given, what it throws is recorded and thrown on, at once and later', () =>
  traced(
    `class Jammed extends Error { name = 'Jammed' }
    const thrown = new Jammed('the vent');
    const at = (work) => { try { return [work()] } catch (error) { return [error === thrown] } };
    show(at(() => bt.traced(() => 7)));
    show(at(() => bt.traced(() => { throw thrown }, { name: 'at once' })));
    show([await bt.traced(async () => 8), await bt.traced(async () => { throw thrown }, { name: 'later' }).catch((error) => error === thrown)]);
    const add = bt.wrapTraced(function add(a, b) { return { sum: a + b, self: this?.name } });
    show([add.call({ name: 'me' }, 1, 2), add.name]);
    const silent = bt.wrapTraced(async () => 'secret', { name: 'silent', noTraceIO: true });
    show([await silent('secret')]);
    const span = bt.startSpan({ name: 'noted' });
    bt.logError(span, thrown);
    span.end();`,
    (row, { shown, code }) => {
      expect(code).toBe(0);
      expect(shown).toEqual([[7], [true], [8, true], [{ sum: 3, self: 'me' }, 'add'], ['secret']]);
      for (const name of ['at once', 'later', 'noted']) {
        expect(row(name).error).toMatch(/^Jammed: the vent\n\nJammed: the vent\n {4}at /);
        expect(row(name).metrics.end).toBeDefined();
      }
      expect(row('add')).toMatchObject({ input: [1, 2], output: { sum: 3, self: 'me' } });
      expect(row('silent').input).toBeUndefined();
      expect(row('silent').output).toBeUndefined();
    },
  ));

test('what `updateSpan` cannot use has the name that it has there', () =>
  traced(`bt.updateSpan({ exported: 'no slug' });`, (_, { stderr }) => {
    expect(stderr).toContain('FLUE_BRAINTRUST_BAD_PARENT: `exported` is not a slug');
  }));

test('each call on a span that fails is reported, once', () =>
  traced(
    `const hostile = (Failure) => new Proxy({}, { get() { throw new Failure('no') } });
    for (let at = 0; at < 2; at += 1) {
      bt.traced(() => {}, hostile(RangeError));
      bt.traced(() => {}, hostile(TypeError));
      bt.traced(() => {}, { name: 'a', parent: 'no slug' });
      bt.traced(() => {}, { name: 'b', parentSpanIds: 'no ids' });
    }`,
    (_row, { code, stderr }) => {
      expect(code).toBe(0);
      const lines = stderr
        .trim()
        .split('\n')
        .filter((line) => /_BAD_/.test(line));
      expect(lines).toEqual([
        expect.stringMatching(/BAD_SPAN: A span was asked for .*RangeError/),
        expect.stringMatching(/BAD_SPAN: A span was asked for .*TypeError/),
        expect.stringContaining('BAD_PARENT: `parent` is not a slug'),
        expect.stringContaining('BAD_PARENT: `parentSpanIds` has no ids'),
      ]);
    },
  ));

// OpenTelemetry has such ids where no span is active: spans would share one trace.
test('ids of zeros name no parent', () =>
  traced(
    `const [id, trace] = ['0'.repeat(16), '0'.repeat(32)];
    bt.startSpan({ name: 'a', parentSpanIds: { spanId: id, rootSpanId: trace } }).end();
    bt.startSpan({ name: 'b', parentSpanIds: { spanId: 'f'.repeat(16), rootSpanId: trace } }).end();
    const nil = '00000000-0000-0000-0000-000000000000';
    bt.startSpan({ name: 'c', parentSpanIds: { spanId: nil, rootSpanId: nil } }).end();`,
    (row, { stderr }) => {
      const rows: any[] = ['a', 'b', 'c'].map(row);
      expect(rows.map(({ span_parents }) => span_parents)).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(new Set(rows.map(({ root_span_id }) => root_span_id)).size).toBe(3);
      expect(stderr).toContain('BAD_PARENT: `parentSpanIds` has no ids');
    },
  ));

test('values that no JSON holds, and nonsense in every place, harm nobody', () =>
  traced(
    `const cycle = {}; cycle.self = cycle;
    const hostile = { get input() { throw new Error('no') }, output: 10n, metadata: [1], tags: 'one',
      scores: { good: 0.5, bad: 'x' }, metrics: { n: 3, m: NaN }, expected: new Map([['k', cycle]]) };
    bt.traced((span) => {
      span.log(hostile);
      for (const nonsense of [undefined, null, 7, 'text', [], () => {}]) {
        span.log(nonsense); span.setAttributes(nonsense); span.end({ endTime: 'x' });
        span.end({ get endTime() { throw new Error('no') } });
      }
      new Proxy({}, { get() { throw new Error('no') } });
    }, { name: 'hostile', spanAttributes: null, event: new Proxy({}, { get() { throw new Error('no') } }) });
    bt.traced(() => {}, { name: 'orphan', parent: 'no slug' });
    show([bt.traced(() => 'ran', new Proxy({}, { get() { throw new Error('no') } }))]);
    bt.logError(bt.startSpan({ name: 'thrown' }), Object.create(null));
    show(bt.injectTraceContext(Object.freeze({ a: 1 })));`,
    (row, { code, stderr, shown }) => {
      expect(code).toBe(0);
      expect(stderr.trim().split('\n')).toEqual([
        expect.stringContaining('FLUE_BRAINTRUST_BAD_SCORE'),
        expect.stringContaining('FLUE_BRAINTRUST_BAD_METRIC'),
        expect.stringContaining('FLUE_BRAINTRUST_BAD_TIME: `endTime`'),
        expect.stringContaining('FLUE_BRAINTRUST_BAD_FIELD: What a span logs is not an object'),
        expect.stringContaining('FLUE_BRAINTRUST_BAD_PARENT: `parent` is not a slug'),
        expect.stringContaining('FLUE_BRAINTRUST_BAD_SPAN'),
      ]);
      expect(row('hostile')).toMatchObject({
        output: '10',
        metadata: { value: [1] },
        tags: ['one'],
        scores: { good: 0.5 },
        metrics: { n: 3 },
      });
      expect(JSON.stringify(row('hostile').expected)).toContain('[flue-braintrust: cycle]');
      expect(row('hostile').metadata['flue-braintrust.unreadable']).toContain('input');
      expect(row('orphan').span_parents).toBeUndefined();
      expect(shown).toEqual([['ran'], { a: 1 }]);
    },
  ));

test('a slug carries a trace to another process, and what it propagates to all that is below', () =>
  traced(
    `const outer = bt.startSpan({ name: 'outer' });
    const slug = await outer.export();
    const there = bt.startSpan({ name: 'there', parent: slug });
    await bt.traced(async (span) => {
      bt.startSpan({ name: 'inside', parent: slug }).end();
      bt.startSpan({ name: 'of UUIDs', parent: 'AwIEAX88Kxqdjk9qiywKGyw9Tl8CPQ9sHitKTI2eDxEiM0RVZgOhssPU5fZHiYq83vASNFZ4BKGyw9Tl9keJirze8BI0Vnh7fQ==' }).end();
    }, { name: 'elsewhere' });
    const scorer = { object_id: '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f', row_id: 'r', span_id: '89abcdef01234567',
      root_span_id: '00112233445566778899aabbccddeeff', propagated_event: { span_attributes: { purpose: 'scorer' } } };
    const written = Buffer.concat([Buffer.from([3, 2, 0]), Buffer.from(JSON.stringify(scorer))]).toString('base64');
    bt.traced((span) => bt.traced(() => {}, { name: 'scored' }), { parent: written });
    there.end(); outer.end();
    show([await outer.permalink()]);`,
    (row, { shown, code }) => {
      expect(code).toBe(0);
      const outer = row('outer');
      for (const name of ['there', 'inside']) {
        expect(row(name).span_parents).toEqual([outer.span_id]);
        expect(row(name).root_span_id).toBe(outer.root_span_id);
      }
      const uuid = 'a1b2c3d4-e5f6-4789-8abc-def012345678';
      expect(row('of UUIDs')).toMatchObject({ span_parents: [uuid], root_span_id: uuid });
      expect(row('scored').span_attributes.purpose).toBe('scorer');
      expect(row('scored').root_span_id).toBe('00112233445566778899aabbccddeeff');
      expect(shown[0][0]).toMatch(new RegExp(`/app/[^/]+/object\\?.*&id=${outer.id}$`));
    },
  ));

test("what a span propagates reaches Flue's work below it and the own spans in that, redacted", () =>
  traced(
    `const { interceptor, observe } = bt.braintrustFlueInstrumentation();
    let eventIndex = 0;
    const emit = (type, event) =>
      observe({ v: 3, type, eventIndex: eventIndex++, timestamp: new Date().toISOString(), ...event });
    const inTool = (toolCallId, ids, work) =>
      interceptor({ type: 'tool', toolCallId }, ids, async () => {
        emit('tool_start', { ...ids, toolCallId, toolName: toolCallId });
        await work();
        emit('tool', { ...ids, toolCallId, toolName: toolCallId });
      });
    // A judge: an agent that a workflow asks, and a tool of it that asks another agent.
    const judge = (runId, between = () => {}) =>
      interceptor({ type: 'workflow', runId }, { runId }, async () => {
        emit('run_start', { runId, workflowName: runId });
        between();
        const o = { runId, operationId: runId + '-o' };
        emit('operation_start', { ...o, operationKind: 'prompt' });
        await inTool(runId + ' look', o, async () => {
          bt.currentSpan().startSpan({ name: runId + ' own' }).end();
          await bt.traced(async () => {
            const below = { runId, operationId: runId + '-below' };
            emit('operation_start', { ...below, operationKind: 'skill' });
            await interceptor({ type: 'agent', operationId: below.operationId }, below, async () => {
              await inTool(runId + ' deep', below, async () => bt.traced(() => {}, { name: runId + ' deepest' }));
              emit('operation', { ...below, operationKind: 'skill' });
            });
          }, { name: runId + ' nearer', propagatedEvent: { metadata: { tenant: 'near' } } });
        });
        const usage = { input: 1, output: 1, totalTokens: 2, cost: { total: 0.5 } };
        emit('operation', { ...o, operationKind: 'prompt', usage });
        emit('run_end', { runId });
      });
    const propagatedEvent = { metadata: { tenant: 'far', email: 'moss@example.com' },
      span_attributes: { type: 'score', purpose: 'scorer' } };
    const scorer = bt.startSpan({ name: 'scorer', propagatedEvent });
    await bt.withParent(await scorer.export(), () => judge('called'));
    await judge('adopted', () => scorer.adopt({ runId: 'adopted' }));
    bt.flueSpan({ runId: 'called' }).startSpan({ name: 'later' }).end();
    await judge('free');
    scorer.end();
    const namer = bt.startSpan({ propagatedEvent: { span_attributes: { name: 'namer' } } });
    await bt.withParent(namer, () => judge('named'));
    namer.end();`,
    (row, { shown }, collector) => {
      expect(shown).toEqual([]);
      expect(JSON.stringify(collector.rows())).not.toContain('moss@example.com');
      const seen = (name: string) => {
        const {
          metadata,
          span_attributes: { type, purpose },
        } = row(name);
        // Flue's spans keep their types.
        expect([name, type === 'score']).toEqual([name, /^(called own|later)$/.test(name)]);
        return [metadata?.tenant, purpose];
      };
      for (const run of ['called', 'adopted']) {
        for (const name of [`workflow:${run}`, `tool:${run} look`]) {
          expect([name, ...seen(name)]).toEqual([name, 'far', 'scorer']);
        }
        for (const name of [`${run} nearer`, `tool:${run} deep`, `${run} deepest`]) {
          expect([name, ...seen(name)]).toEqual([name, 'near', undefined]);
        }
      }
      expect(row('workflow:called').metadata.email).toMatch(/redacted/i);
      expect(seen('called own')).toEqual(['far', 'scorer']);
      expect(seen('later')).toEqual(['far', 'scorer']);
      expect(seen('workflow:free')).toEqual([undefined, undefined]);
      expect(row('workflow:named').span_parents).toEqual([row('namer').span_id]);
      const costs = (collector.rows() as any[])
        .filter(({ span_attributes: { name } }) => name === 'flue.prompt')
        .map(({ metadata, metrics }) => [metadata['flue.run_id'], metrics.estimated_cost]);
      expect(Object.fromEntries(costs)).toEqual({
        called: undefined,
        adopted: undefined,
        free: 0.5,
        named: 0.5,
      });
    },
    { FLUE_BRAINTRUST_REDACT: 'emails' },
  ));

test('headers are given where another span stands, if one is named', () =>
  traced(
    `const other = bt.startSpan({ name: 'other' });
     bt.traced(() => show(bt.injectTraceContext({}, { span: other })));
     show([other.rootSpanId, other.spanId]);
     other.end();`,
    (_row, { shown: [{ traceparent }, [trace, span]] }) => {
      expect(traceparent).toBe(`00-${trace}-${span}-01`);
    },
  ));

test('headers of every kind are given where the span stands, beside what is there', () =>
  traced(
    `bt.traced((span) => {
      const headers = [{ Baggage: 'a=b, braintrust.parent=old' }, new Headers({ baggage: 'a=b' }), [['traceparent', 'old']]];
      for (const given of headers) {
        const same = bt.injectTraceContext(given);
        show({ same: same === given, ...(given instanceof Headers || Array.isArray(given) ? Object.fromEntries(given) : given) });
      }
      show({ ids: [span.rootSpanId, span.spanId] });
    });
    show(bt.injectTraceContext());`,
    (_row, { shown }) => {
      const [plain, web, pairs, { ids }, outside] = shown;
      const [trace, span] = ids;
      const traceparent = `00-${trace}-${span}-01`;
      // By name, or by the id once the login has returned it.
      const own = 'braintrust\\.parent=project_(name%3AP|id%3A[0-9a-f-]{36})';
      const beside = expect.stringMatching(new RegExp(`^${own},a=b$`));
      expect(plain).toEqual({ same: true, traceparent, baggage: beside });
      expect(web).toEqual({ same: true, traceparent, baggage: beside });
      const alone = expect.stringMatching(new RegExp(`^${own}$`));
      expect(pairs).toEqual({ same: true, traceparent, baggage: alone });
      expect(outside).toEqual({});
    },
  ));

test('headers that an object has behind functions of its own are set and read by these', () =>
  traced(
    `class Bag { #all = {}; keys = () => Object.keys(this.#all).toSorted(); put(name, value) { this.#all[name] = value; } read(name) { return this.#all[name]; } }
    // A reply of Fastify, one that is only written, and one that is only read.
    class Reply extends Bag { header(name, value) { this.put(name, value); } getHeader(name) { return this.read(name); } }
    class Written extends Bag { set(name, value) { this.put(name, value); } }
    class Read extends Bag { get(name) { return this.read(name); } }
    const [reply, written, read] = [new Reply(), new Written(), new Read()];
    reply.header('baggage', 'a=b');
    bt.traced((span) => {
      for (const given of [reply, written]) span.inject(given);
      for (const [name, value] of Object.entries(span.inject())) read.put(name, value);
    });
    show([reply, written].map((given) => [given.keys(), Object.keys(given)]));
    show(reply.getHeader('baggage').split(',').slice(1));
    for (const given of [reply, read]) show(Object.keys(bt.extractTraceContextFromHeaders(given) ?? {}).toSorted());`,
    (_row, { shown }) => {
      const names = ['baggage', 'traceparent'];
      const set = [names, ['keys']];
      expect(shown).toEqual([[set, set], ['a=b'], names, names]);
    },
  ));

test('headers that come more than once are read as one, in every kind of headers', () =>
  traced(
    `import { createServer, request } from 'node:http';
    const traceparent = '00-${TRACE}-00f067aa0ba902b7-01';
    const stale = '00-${TRACE}-1111111111111111-01';
    const own = 'braintrust.parent=experiment_id%3Ae';
    const distinct = { traceparent: [traceparent, stale], tracestate: [' quay=1', 'pier=2 '], baggage: ['user=1', own] };
    const pairs = Object.entries(distinct).flatMap(([name, values]) => values.map((value) => [name, value]));
    const outgoing = request('http://127.0.0.1:9').on('error', () => {});
    for (const name in distinct) outgoing.setHeader(name, distinct[name]);
    outgoing.destroy();
    const server = createServer((request, response) => {
      show(bt.extractTraceContextFromHeaders(new Map(Object.entries(request.headersDistinct))));
      response.end();
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const web = new Headers(pairs.filter(([, value]) => value !== stale));
    await fetch('http://127.0.0.1:' + server.address().port, { headers: web });
    server.close();
    const mixed = { traceparent, tracestate: 'quay=1', TraceState: 'pier=2', baggage: 'user=1', Baggage: own };
    for (const headers of [distinct, pairs, outgoing, web, mixed]) {
      show(bt.extractTraceContextFromHeaders(headers));
    }`,
    (_row, { shown }) => {
      const [overHttp, ...all] = shown;
      expect(overHttp.baggage.replaceAll(' ', '')).toBe(
        'user=1,braintrust.parent=experiment_id%3Ae',
      );
      expect(all).toHaveLength(5);
      for (const found of all) {
        expect({
          ...found,
          tracestate: found.tracestate.replace(', ', ','),
          baggage: found.baggage.replace(', ', ','),
        }).toEqual({
          traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
          tracestate: 'quay=1,pier=2',
          baggage: 'user=1,braintrust.parent=experiment_id%3Ae',
        });
      }
    },
  ));

test('headers that come more than once are given one trace context, beside all else', () =>
  traced(
    `import { request } from 'node:http';
    const outgoing = request('http://127.0.0.1:9').on('error', () => {});
    outgoing.setHeader('baggage', ['a=1', 'b=2']);
    outgoing.destroy();
    bt.traced((span) => {
      const pairs = [['traceparent', 'x'], ['baggage', 'a=1'], ['Traceparent', 'y'], ['BAGGAGE', 'b=2'], ['other', 'z'], ['other', 'z']];
      show(bt.injectTraceContext(pairs));
      show(Object.entries(bt.injectTraceContext({ baggage: ['a=1', 'b=2'] })));
      show(Object.entries(bt.injectTraceContext(outgoing).getHeaders()));
    });`,
    (_row, { shown }) => {
      const traceparent = ['traceparent', expect.stringMatching(/^00-\w+-\w+-01$/)];
      const own = 'braintrust\\.parent=project_[^,]+';
      const baggage = ['baggage', expect.stringMatching(new RegExp(`^${own},a=1,b=2$`))];
      const [pairs, plain, outgoing] = shown;
      expect(pairs).toEqual([traceparent, baggage, ['other', 'z'], ['other', 'z']]);
      for (const headers of [plain, outgoing]) {
        expect(headers).toHaveLength(headers === plain ? 2 : 3);
        expect(headers).toEqual(expect.arrayContaining([traceparent, baggage]));
      }
    },
  ));

test("calls below a span that continues headers have the flags and the state of these, including those of Flue's tools", () =>
  traced(
    `const inbound = { traceparent: '00-${TRACE}-00f067aa0ba902b7-00', tracestate: 'quay=1' };
    const call = (span) => show(bt.injectTraceContext({}, { span }));
    bt.traced(() => { call(); bt.traced(() => call()); }, { parent: bt.extractTraceContextFromHeaders(inbound) });
    const { interceptor, observe } = bt.braintrustFlueInstrumentation();
    const run = { v: 3, type: 'run_start', runId: 'r', workflowName: 'w', timestamp: new Date().toISOString() };
    await bt.withParent(inbound, async () => {
      bt.traced(() => call());
      await interceptor({ type: 'workflow', runId: 'r' }, { runId: 'r' }, async () => {
        observe(run);
        await interceptor({ type: 'tool', toolCallId: 't' }, { runId: 'r' }, async () => {
          call();
          await bt.traced(() => interceptor({ type: 'operation', operationId: 'o' }, { runId: 'r' }, async () => call()));
        });
      });
    });
    call(bt.flueSpan({ runId: 'r' }));
    bt.traced(() => call(), { parent: { traceparent: inbound.traceparent } });
    bt.traced(() => call());`,
    (_row, { shown }) => {
      expect(shown.map(({ tracestate }) => tracestate)).toEqual([
        ...Array(6).fill('quay=1'),
        undefined,
        undefined,
      ]);
      const flags = shown.map(({ traceparent }) => traceparent.slice(-2));
      expect(flags).toEqual([...Array(7).fill('00'), '01']);
      const traces = shown.map(({ traceparent }) => traceparent.split('-')[1]);
      expect(traces.slice(0, 7)).toEqual(Array(7).fill(TRACE));
    },
  ));

test('a run and a dispatch of Flue 0.x stay whole if a tool of a later release calls them', () =>
  traced(
    `const { interceptor, observe } = bt.braintrustFlueInstrumentation();
    let eventIndex = 0;
    const emit = (type, event) =>
      observe({ type, eventIndex: eventIndex++, timestamp: new Date().toISOString(), ...event });
    const prompt = (operationId, ids) => {
      emit('operation_start', { ...ids, operationId, operationKind: 'prompt' });
      emit('operation', { ...ids, operationId, operationKind: 'prompt' });
    };
    const ids = { submissionId: 's', conversationId: 'c', operationId: 'o' };
    const later = { ...ids, v: 3 };
    const tool = { toolCallId: 't', toolName: 't', turnId: 'u' };
    await interceptor({ type: 'agent', operationId: 's' }, { submissionId: 's' }, async () => {
      emit('operation_start', { ...later, operationKind: 'prompt' });
      await interceptor({ type: 'agent', operationId: 'o' }, { ...ids, submissionId: undefined }, async () => {
        emit('tool_start', { ...later, ...tool });
        await interceptor({ type: 'tool', ...tool }, { ...ids, ...tool, submissionId: undefined }, async () => {
          emit('run_start', { runId: 'r', workflowName: 'w' });
          prompt('of the run', { runId: 'r' });
          emit('run_end', { runId: 'r' });
          prompt('of the dispatch', { dispatchId: 'd', instanceId: 'i' });
          prompt('of the tool', { instanceId: 'i' });
        });
        emit('tool', { ...later, ...tool });
      });
      emit('operation', { ...later, operationKind: 'prompt' });
    });`,
    (row, _child, collector) => {
      const prompt = (id: string) =>
        collector.rows().find(({ metadata }: any) => metadata['flue.operation_id'] === id) as any;
      expect(prompt('of the run').span_parents).toEqual([row('workflow:w').span_id]);
      expect(prompt('of the dispatch').span_parents ?? []).toEqual([]);
      expect(prompt('of the tool').span_parents).toEqual([row('tool:t').span_id]);
    },
  ));

test('within the no-op span no span is the current one, also in a tool of Flue', () =>
  traced(
    `const holds = [];
    const hold = (value) => holds.push(value);
    const detached = (name, logger) => bt.withCurrent(bt.NOOP_SPAN, async (given) => {
      hold(given === bt.NOOP_SPAN && bt.currentSpan() === bt.NOOP_SPAN);
      await null;
      bt.currentSpan().log({ metadata: { leaked: true } });
      hold(Object.keys(bt.injectTraceContext()).length === 0);
      bt.traced((span) => {
        hold(bt.currentSpan() === span);
        bt.traced(() => {}, { name: name + ' below' });
      }, { name });
      return bt.currentSpan() === bt.NOOP_SPAN;
    });
    await bt.traced(async (outer) => {
      hold(await detached('in a span'));
      hold(bt.currentSpan() === outer);
    }, { name: 'outer' });
    const { interceptor, observe } = bt.braintrustFlueInstrumentation();
    await interceptor({ type: 'workflow', runId: 'r' }, { runId: 'r' }, async () => {
      observe({ v: 3, type: 'run_start', runId: 'r', workflowName: 'w', timestamp: new Date().toISOString() });
      await interceptor({ type: 'tool', toolCallId: 't' }, { runId: 'r' }, async () => {
        hold(await detached('in a tool'));
        hold(bt.currentSpan() !== bt.NOOP_SPAN);
      });
    });
    show(holds);`,
    (row, { shown }, collector) => {
      expect(shown).toEqual([Array(10).fill(true)]);
      expect(JSON.stringify(collector.rows())).not.toContain('leaked');
      for (const name of ['in a span', 'in a tool']) {
        expect(row(name).span_parents).toBeUndefined();
        expect(row(`${name} below`).span_parents).toEqual([row(name).span_id]);
      }
      expect(row('in a span').root_span_id).not.toBe(row('outer').root_span_id);
    },
  ));

test('without a key everything runs, and nothing is there', async () => {
  const { shown, stderr, code } = await program(
    `const seen = [];
    const work = bt.wrapTraced((n) => n + 1);
    seen.push(bt.traced((span) => span.traced((inner) => inner.id), {}), work(1), await bt.traced(async () => 3));
    const span = bt.startSpan({ name: 'n' });
    span.log({ input: 1 }); span.setAttributes({ name: 'm' }); bt.logError(span, new Error('no'));
    seen.push(span.id, typeof span.end(), span.end({ endTime: 5 }), await span.export(), bt.currentSpan() === span);
    await span.flush();
    seen.push(bt.injectTraceContext({ a: 1 }), span.link() === await span.permalink());
    try { bt.traced(() => { throw new Error('mine') }) } catch (error) { seen.push(error.message) }
    show(seen);
    show(bt.stats());`,
    {},
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(shown[0]).toEqual(['', 2, 3, '', 'number', 5, '', true, { a: 1 }, true, 'mine']);
  expect(shown[1].events).toBe(0);
});

test('after SIGKILL the next process delivers the updates of a span, and ends it', () =>
  withDirectory(async (spool) => {
    const collector = await startCollector();
    const env = { ...destination(collector), FLUE_BRAINTRUST_SPOOL_DIR: spool };
    try {
      const { signal } = await program(
        `bt.initLogger({});
        bt.startSpan({ name: 'killed', event: { input: 'recorded before' } });
        bt.traced(() => {}, { name: 'ended before' });
        await bt.flush();
        process.kill(process.pid, 'SIGKILL');`,
        env,
      );
      expect(signal).toBe('SIGKILL');
      await program(`bt.initLogger({}); await bt.flush();`, env);
      const row = (name: string): any =>
        collector.rows().find(({ span_attributes: look }: any) => look?.name === name);
      expect(row('killed').input).toBe('recorded before');
      expect(row('killed').metrics.end).toBeGreaterThanOrEqual(row('killed').metrics.start);
      expect(row('killed').metadata['flue.interrupted']).toBe(true);
      expect(row('ended before').metadata).toBeUndefined();
    } finally {
      await collector.close();
    }
  }));

test('content that is off, rules and a masking function apply to the spans of the application, too', async () => {
  const code = `bt.traced((span) => {
      span.log({ input: 'SECRET', output: { a: 'SECRET' }, expected: 'SECRET', metadata: { SECRET: 'SECRET' }, tags: ['SECRET'], error: new Error('SECRET') });
    }, { name: 'n', spanAttributes: { SECRET: 'SECRET' } });`;
  const check = (row: any) => {
    expect(row('n').metrics.end).toBeDefined();
    expect(JSON.stringify(row('n'))).not.toContain('SECRET');
  };
  await traced(code, check, { FLUE_BRAINTRUST_CONTENT: 'false' });
  await traced(
    `bt.initLogger({ projectName: 'P', redact: { patterns: ['SECRET'] } });${code}`,
    check,
  );
  const mask = `(value) => JSON.parse(JSON.stringify(value).replaceAll('SECRET', 'x'))`;
  await traced(`bt.setMaskingFunction(${mask});${code}`, check);
});

test('functions that this package calls may be traced: no delivery leaves another one', () =>
  traced(
    `const traced = (name, fn) => bt.wrapTraced(fn, { name, noTraceIO: true });
    bt.setMaskingFunction(traced('mask', (value) => (bt.log({ input: 'in' }), value)));
    globalThis.setTimeout = traced('timer', globalThis.setTimeout);
    const enrich = traced('enrich', () => ({}));
    const alive = setInterval(() => {}, 1000);
    await new Promise((resolve) =>
      bt.initLogger({ projectName: 'P', enrich, onReady: traced('ready', resolve) }));
    clearInterval(alive);
    bt.traced((span) => span.log({ input: 'x' }), { name: 'own' });
    const accepted = [];
    for (let n = 0; n < 3; n++) accepted.push((await bt.flush()).accepted);
    show(accepted);`,
    (row, { shown }) => {
      const [[first, ...later]] = shown;
      expect(later).toEqual([first, first]);
      const all = ['own', 'ready', 'enrich', 'mask', 'timer'];
      expect(all.filter((name) => row(name) !== undefined)).toEqual(['own', 'ready', 'enrich']);
    },
  ));

test('where there is no room a span is refused whole, and counted; nothing is half exported', () =>
  traced(
    `bt.initLogger({ projectName: 'P', maxQueueBytes: 1 });
    const event = { input: 'x'.repeat(2000) };
    for (let n = 0; n < 5000; n++) bt.traced((span) => span.log({ output: n }), { name: 'n', event });
    show([await bt.flush()]);`,
    (_row, { shown, code }, collector) => {
      expect(code).toBe(0);
      const { accepted, sent, pending, lost } = shown[0][0];
      expect(pending).toBe(0);
      expect(Object.keys(lost)).toEqual(['queue_full']);
      expect(lost.queue_full).toBeGreaterThan(1000);
      expect(sent + lost.queue_full).toBe(accepted);
      const rows = collector.rows() as any[];
      expect(rows.length).toBeGreaterThan(100);
      for (const row of rows) {
        expect(row.span_attributes.name).toBe('n');
        expect(row.metrics.end).toBeDefined();
      }
    },
  ));
