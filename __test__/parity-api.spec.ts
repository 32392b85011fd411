import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSlug } from '../js/spans/slug';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { ROOT, destination, run, withDirectory } from './support/run';

/** Runs a program that has the package as `bt`, with a collector, to which it delivers at its end. */
async function program(
  code: string,
  check: (named: (name: string) => any, shown: any[], collector: Collector, stderr: string) => void,
  env: Record<string, string> = {},
) {
  const collector = await startCollector();
  try {
    const text = `
      import * as bt from 'flue-braintrust';
      const show = (value) => console.log(JSON.stringify(value) ?? 'null');
      ${code}`;
    const args = ['--input-type=module', '-e', text];
    const { code: exit, stdout, stderr } = await run(args, { ...destination(collector), ...env });
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
    expect(collector.problems).toEqual([]);
    const named = (name: string) =>
      (collector.rows() as any[]).find(({ span_attributes: look }) => look?.name === name);
    const lines = stdout.split('\n').filter((line) => line !== '');
    check(
      named,
      lines.map((line) => JSON.parse(line)),
      collector,
      stderr,
    );
  } finally {
    await collector.close();
  }
}

const START = `bt.initLogger({ projectName: 'P' });`;

test('within withParent, spans are children of a span, a slug or the headers of a request', () =>
  program(
    `${START}
    const outer = bt.startSpan({ name: 'outer' });
    const other = bt.startSpan({ name: 'other' });
    show(bt.withParent(outer, () => bt.startSpan({ name: 'by span' }).spanParents[0] === outer.spanId));
    const slug = await outer.export();
    show(await bt.withParent(slug, async (parent) => {
      await null;
      bt.traced(() => {}, { name: 'by slug' });
      return parent.spanId === outer.spanId && bt.currentSpan().spanId === outer.spanId;
    }));
    const request = new Request('http://localhost', { headers: bt.injectTraceContext({}, { span: outer }) });
    const context = bt.extractTraceContextFromHeaders(request.headers);
    show(Object.keys(context).toSorted());
    bt.withParent(context, () => bt.startSpan({ name: 'by headers' }).end());
    bt.startSpan({ name: 'by parent', parent: context }).end();
    bt.withCurrent(other, () => bt.withParent(slug, () => bt.startSpan({ name: 'innermost' }).end()));
    try { bt.withParent(slug, () => { throw new Error('own'); }); } catch ({ message }) { show(message); }
    show(await bt.withParent(slug, async () => { throw new Error('own'); }).catch(({ message }) => message));
    outer.end(); other.end();`,
    (row, shown, _, stderr) => {
      expect(shown).toEqual([true, true, ['baggage', 'traceparent'], 'own', 'own']);
      const outer = row('outer');
      for (const name of ['by span', 'by slug', 'by headers', 'by parent', 'innermost']) {
        expect({ name, parents: row(name).span_parents }).toEqual({
          name,
          parents: [outer.span_id],
        });
        expect(row(name).root_span_id).toBe(outer.root_span_id);
      }
      expect(stderr).toBe('');
    },
  ));

test('the headers of a span in an experiment name the experiment, before and after the login', () => {
  const experiment = '7a3f9d52-6c1e-4b08-9f4d-2e5b8c017a66';
  const slug = writeSlug({
    isExperiment: true,
    object_id: experiment,
    row_id: '1'.repeat(32),
    span_id: '2'.repeat(16),
    root_span_id: '3'.repeat(32),
  });
  return program(
    `${START}
    const span = bt.startSpan({ name: 'in experiment', parent: ${JSON.stringify(slug)} });
    const parentIn = ({ baggage }) => decodeURIComponent(baggage);
    show(parentIn(span.inject()));
    span.end();
    show((await bt.flush()).complete);
    show(parentIn(span.inject()));
    show(parentIn(bt.withCurrent(span, () => bt.injectTraceContext())));`,
    (row, shown) => {
      const parent = `braintrust.parent=experiment_id:${experiment}`;
      expect(shown).toEqual([parent, true, parent, parent]);
      expect(row('in experiment').experiment_id).toBe(experiment);
    },
  );
});

test('the span of a generator has all its steps, is current in it, and leaves the generator as it is', () =>
  program(
    `${START}
    const count = bt.wrapTraced(function* count(from) {
      const sent = yield from;
      bt.currentSpan().log({ metadata: { sent } });
      bt.startSpan({ name: 'within' }).end();
      try { yield 'second'; } finally { yield 'cleanup'; }
      return 'end';
    });
    const steps = count('first');
    show([steps.next(), steps.next('sent'), steps.return('given up'), steps.next(), steps.next()]);
    show([steps[Symbol.iterator]() === steps, Object.prototype.toString.call(steps), count.name]);
    const later = bt.traceable(async function* later() { yield 1; await null; yield 2; return 3; });
    const seen = [];
    for await (const value of later()) seen.push(value);
    show(seen);
    const fail = bt.wrapTraced(function* fail() { yield 1; throw new Error('boom'); });
    try { [...fail()]; } catch ({ message }) { show(message); }
    const failLater = bt.wrapTraced(async function* failLater() { yield 1; throw new Error('boom'); });
    try { for await (const _ of failLater()); } catch ({ message }) { show(message); }
    const caught = bt.wrapTraced(function* caught() { try { yield 1; } catch ({ message }) { yield message; } });
    const thrown = caught();
    show([thrown.next(), thrown.throw(new Error('in')), thrown.next()]);
    for (const _ of bt.wrapTraced(function* early() { yield 1; yield 2; })()) break;
    bt.wrapTraced(function* never() { yield 1; })().return();
    bt.wrapTraced(function* silent() { yield 1; }, { noTraceIO: true, name: 'silent' })().next();
    const many = bt.wrapTraced(function* many() { for (let n = 0; n < 5000; n++) yield n; });
    show([...many()].length);
    function* delegating() { return yield* count('delegated'); }
    show([...delegating()]);`,
    (row, shown) => {
      expect(shown).toEqual([
        [
          { value: 'first', done: false },
          { value: 'second', done: false },
          { value: 'cleanup', done: false },
          { value: 'given up', done: true },
          { done: true },
        ],
        [true, '[object Generator]', 'count'],
        [1, 2],
        'boom',
        'boom',
        [{ value: 1, done: false }, { value: 'in', done: false }, { done: true }],
        5000,
        ['delegated', 'second', 'cleanup'],
      ]);
      expect(row('count')).toMatchObject({
        input: ['first'],
        output: ['first', 'second', 'cleanup'],
        metadata: { sent: 'sent' },
        metrics: { end: expect.any(Number) },
        span_attributes: { type: 'function' },
      });
      expect(row('within').span_parents).toEqual([row('count').span_id]);
      expect(row('later').output).toEqual([1, 2]);
      for (const name of ['fail', 'failLater']) {
        expect(row(name)).toMatchObject({ output: [1], error: expect.stringMatching(/^boom/) });
      }
      expect(row('caught').output).toEqual([1, 'in']);
      expect(row('early')).toMatchObject({ output: [1], metrics: { end: expect.any(Number) } });
      expect(row('never')).toBeUndefined();
      expect(row('silent').output).toBeUndefined();
      expect(row('many').output).toHaveLength(1000);
    },
  ));

test('startSpan takes ids, parents and fields that all descendants get', () =>
  program(
    `${START}
    const parent = { spanId: '0123456789abcdef', rootSpanId: '0123456789abcdef0123456789abcdef' };
    const span = bt.startSpan({
      name: 'given', spanId: 'fedcba9876543210', parentSpanIds: parent,
      propagatedEvent: { metadata: { tenant: 7 }, span_attributes: { purpose: 'scorer' } },
    });
    // A list of the application's own.
    span.spanParents.push('odd');
    show([span.spanId, span.spanParents, span.rootSpanId, bt.currentLogger().asyncFlush]);
    span.startSpan({ name: 'below' }).startSpan({ name: 'further below' }).end();
    bt.startSpan({ name: 'elsewhere', parent: await span.export() }).end();
    bt.startSpan({ name: 'several', parentSpanIds: { parentSpanIds: ['0123456789abcdef', 'x'], rootSpanId: parent.rootSpanId } }).end();
    show(bt.startSpan({ name: 'row', event: { id: '00112233445566778899aabbccddeeff' } }).id);
    for (const odd of [7, null, '', 'x', {}, [], { spanId: 'x' }, { spanId: 7, rootSpanId: {} }, () => {}]) {
      bt.startSpan({ name: 'odd', spanId: odd, parentSpanIds: odd, propagatedEvent: odd, event: odd, parent: odd }).end();
    }
    const hostile = new Proxy({}, { get() { throw new Error('no'); } });
    bt.startSpan(hostile).end(); bt.startSpan({ name: 'hostile', parentSpanIds: hostile, propagatedEvent: hostile }).end();
    span.end();`,
    (row, shown) => {
      expect(shown).toEqual([
        ['fedcba9876543210', ['0123456789abcdef'], '0123456789abcdef0123456789abcdef', true],
        '00112233445566778899aabbccddeeff',
      ]);
      for (const name of ['given', 'below', 'further below', 'elsewhere']) {
        expect({ name, metadata: row(name).metadata }).toMatchObject({
          name,
          metadata: { tenant: 7 },
        });
        expect(row(name).span_attributes.purpose).toBe('scorer');
        expect(row(name).root_span_id).toBe('0123456789abcdef0123456789abcdef');
      }
      expect(row('several').span_parents).toEqual(['0123456789abcdef']);
      expect(row('odd').span_parents).toBeUndefined();
    },
  ));

test('spans are updated by what export returned, and log records a trace of one span', () =>
  program(
    `show(bt.log({ input: 'no logger' }));
    bt.updateSpan({ exported: 'x' });
    show(bt.currentLogger() === undefined);
    const logger = bt.initLogger({ projectName: 'P' });
    show(bt.currentLogger() === logger);
    const span = bt.startSpan({ name: 'updated' });
    const exported = await span.export();
    span.end();
    bt.updateSpan({ exported, output: 'later', scores: { s: 1 } });
    logger.updateSpan({ exported, metadata: { by: 'logger' } });
    for (const odd of [undefined, null, 7, {}, { exported: 7 }, { exported: 'garbage' }]) bt.updateSpan(odd);
    show(typeof bt.log({ input: 'alone' }));
    show(await logger.id === (await logger.project).id && (await logger.project).name);
    const parent = await logger.export();
    bt.startSpan({ name: 'by logger', parent }).end();
    show(bt.NOOP_SPAN.link() === bt.NOOP_SPAN_PERMALINK && await bt.permalink(bt.NOOP_SPAN) === bt.NOOP_SPAN_PERMALINK);
    show((await bt.permalink({})).startsWith(bt.ERR_PERMALINK));
    show(bt.NOOP_SPAN.adopt('x'));`,
    (row, shown, collector) => {
      expect(shown).toEqual(
        ['', true, true, 'string', 'P', true, false, 'x'].map((v, i) =>
          i === 6 ? expect.anything() : v,
        ),
      );
      expect(row('updated')).toMatchObject({
        output: 'later',
        scores: { s: 1 },
        metadata: { by: 'logger' },
      });
      expect((collector.rows() as any[]).map(({ input }) => input)).toContain('alone');
      expect(row('by logger').span_parents).toBeUndefined();
    },
  ));

test('a span is updated by the id of its row, and what names no span is reported', () =>
  program(
    `const logger = bt.initLogger({ projectName: 'P' });
    const of = ({ id, spanId, rootSpanId }) => ({ id, span_id: spanId, root_span_id: rootSpanId });
    const [delivered, queued] = ['delivered', 'queued'].map((name) => {
      const span = bt.startSpan({ name });
      span.end();
      return span;
    });
    logger.updateSpan({ id: queued.id, output: 'first', metadata: { a: 1 } });
    logger.updateSpan({ ...of(queued), output: 'by its trace', metadata: { b: 2 } });
    await bt.flush();
    logger.updateSpan({ id: delivered.id, output: 'by its row', metadata: { a: 1 } });
    bt.updateSpan({ id: delivered.id, root_span_id: 'odd', tags: ['by the package'] });
    await bt.flush();
    for (const id of [undefined, null, 7, '', 'odd', '7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f']) logger.updateSpan({ id });
    const { accepted, sent, lost } = await bt.flush();
    show([accepted === sent, lost]);`,
    (row, shown, collector, stderr) => {
      expect(shown).toEqual([[true, {}]]);
      expect(collector.rows()).toHaveLength(2);
      expect(row('delivered')).toMatchObject({
        output: 'by its row',
        metadata: { a: 1 },
        tags: ['by the package'],
      });
      expect(row('queued')).toMatchObject({ output: 'by its trace', metadata: { a: 1, b: 2 } });
      expect(collector.traces()).toHaveLength(2);
      expect(stderr.match(/FLUE_BRAINTRUST_\w+: `updateSpan`/g)).toHaveLength(1);
    },
  ));

test.each(['true', 'false'])('an Attachment is uploaded if that is set: %s', (attachments) =>
  program(
    `${START}
    const bytes = new Uint8Array(3000).map((_, n) => n * 7);
    const span = bt.startSpan({ name: 'with files' });
    const make = (data) => new bt.Attachment({ data, filename: 'a.bin', contentType: 'application/pdf' });
    // A blob is read in the background.
    const blob = make(new Blob([bytes]));
    span.log({ input: { view: make(bytes), buffer: make(bytes.buffer), blob } });
    span.log({ output: [undefined, null, 7, {}, '/no/such/file', [], () => {}].map(make) });
    show((await make(bytes).data()).size);
    for (const data of [bytes, new Blob([bytes]), '/no/such/file', new Uint8Array(6e6)]) {
      const file = make(data);
      const { upload_status, error_message } = await file.upload();
      show([upload_status, error_message, file.debugInfo().inputData, file.debugInfo().reference.filename]);
    }
    show(make(bytes).reference.type);
    new bt.Attachment(); new bt.Attachment(null); new bt.Attachment(new Proxy({}, { get() { throw new Error('no'); } }));
    span.end();
    bt.traced((inner) => inner.end(), { name: 'begun', event: { input: { blob: make(new Blob([bytes])) } } });
    await bt.wrapTraced(async () => ({ blob: make(new Blob([bytes])) }), { name: 'returned' })();
    await bt.flush();`,
    (row, shown) => {
      const read = ['uploading', null, '3000 bytes', 'a.bin'];
      const failed = (why: string) => ['error', why, why, 'a.bin'];
      const files = [
        read,
        read,
        failed('a file that cannot be read'),
        failed('a file that is too large'),
      ];
      expect(shown).toEqual([3000, ...files, 'braintrust_attachment']);
      expect(row('begun').input).toEqual(row('returned').output);
      expect(row('begun').input).toEqual({ blob: row('with files').input.blob });
      for (const name of ['view', 'buffer', 'blob']) {
        const shown = JSON.stringify(row('with files').input[name]);
        expect(shown.length).toBeLessThan(400);
        expect(shown).toContain(attachments === 'true' ? 'braintrust_attachment' : '3000');
      }
      for (const shown of row('with files').output) {
        expect(shown.data).toMatch(/^\[flue-braintrust: a file /);
      }
    },
    { FLUE_BRAINTRUST_ATTACHMENTS: attachments },
  ),
);

test('a file that is read later arrives in feedback and in what a span propagates', () =>
  program(
    `${START}
    const file = (text) => new bt.Attachment({ data: new Blob([text]), filename: 'a', contentType: 'text/plain' });
    const rated = bt.startSpan({ name: 'rated' });
    rated.end();
    bt.logFeedback({ span: rated, expected: file('7 bytes'), scores: { a: 0.5 }, comment: 'good' });
    bt.logFeedback({ span: rated, scores: { a: 1 } });
    const outer = bt.startSpan({ name: 'outer', propagatedEvent: { metadata: { file: file('8 bytes!') } } });
    outer.startSpan({ name: 'early' }).end();
    const slug = await outer.export();
    outer.startSpan({ name: 'late' }).end();
    bt.startSpan({ name: 'elsewhere', parent: slug }).end();
    outer.end();
    show((await bt.flush()).complete);`,
    (row, shown) => {
      expect(shown).toEqual([true]);
      expect(row('rated').expected.data).toContain('text/plain, 7 bytes');
      expect(row('rated').scores).toEqual({ a: 1 });
      for (const name of ['outer', 'early', 'late', 'elsewhere']) {
        expect(row(name).metadata.file.data).toContain('text/plain, 8 bytes');
      }
    },
  ));

test('a file that does not arrive is warned of, with the cause', () =>
  program(
    `${START}
    const file = (data) => new bt.Attachment({ data, filename: 'a', contentType: 'text/plain' });
    const span = bt.startSpan({ name: 'files' });
    span.log({ input: [file('/no/such/file'), file(new Uint8Array(6e6))] });
    span.log({ expected: [file(undefined), file(new URL('file:///a')), file([1])] });
    await bt.flush();
    span.log({ output: file(new Blob(['unread'])) });
    process.exit();`,
    (_row, _shown, _collector, stderr) => {
      expect(stderr).toContain('An attachment cannot be read (ENOENT)');
      expect(stderr).toContain('An attachment of more than 5 MiB is left out');
      expect(
        stderr.match(/The data of an attachment is not a path, bytes or a Blob/g),
      ).toHaveLength(1);
      expect(stderr).toContain('Files in 1 of the last updates are lost');
    },
  ));

test('a file that is read later changes nothing but its placeholder', () =>
  program(
    `${START}
    const file = (text) => new bt.Attachment({ data: new Blob([text]), filename: 'a', contentType: 'text/plain' });
    const begin = (name) => bt.startSpan({ name });
    const step = begin('step');
    step.log({ input: file('a'), metadata: { step: 1 }, scores: { a: 0 } });
    step.log({ metadata: { step: 2 }, scores: { a: 1 } });
    const replaced = begin('replaced');
    replaced.log({ input: file('old'), output: { x: file('old'), y: file('kept') }, expected: { file: file('4321') } });
    replaced.log({ input: 'new', output: { x: 'new' }, expected: file('54321') });
    const changed = begin('changed');
    const content = { step: 1, list: [file('listed'), 'first'], file: file('kept') };
    changed.log({ metadata: content });
    content.step = 2; content.list.push('second'); content.file = 'gone';
    changed.log({ metadata: { more: true } });
    const other = begin('other');
    JSON.stringify(file('of the application'));
    other.log({ input: 'mine' });
    const nested = begin('nested'), below = begin('below');
    nested.log({ input: { get inner() { below.log({ input: file('inner') }); return file('outer!'); } } });
    for (const span of [step, replaced, changed, other, nested, below]) span.end();
    show((await bt.flush()).complete);`,
    (row, shown) => {
      const file = (size: number) => ({
        type: 'file',
        filename: 'a',
        mimeType: 'text/plain',
        data: expect.stringContaining(`text/plain, ${size} bytes`),
      });
      expect(shown).toEqual([true]);
      expect(row('step')).toMatchObject({
        input: file(1),
        metadata: { step: 2 },
        scores: { a: 1 },
      });
      expect(row('replaced')).toMatchObject({ input: 'new', output: { x: 'new', y: file(4) } });
      expect(row('replaced').expected).toEqual({ ...file(5), file: file(4) });
      const list = [file(6), 'first'];
      expect(row('changed').metadata).toEqual({ step: 1, list, file: file(4), more: true });
      expect(row('other').input).toBe('mine');
      expect(row('nested').input).toEqual({ inner: file(6) });
      expect(row('below').input).toEqual(file(5));
    },
  ));

test('an Attachment reads no more than a file that is small enough', () =>
  program(
    `import { execFileSync } from 'node:child_process';
    import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
    import { tmpdir } from 'node:os';
    import { join } from 'node:path';
    ${START}
    const directory = mkdtempSync(join(tmpdir(), 'attachment-'));
    const path = (name) => directory + '/' + name;
    execFileSync('mkfifo', [path('fifo')]);
    writeFileSync(path('small'), 'small');
    for (const name of ['most', 'large']) writeFileSync(path(name), '');
    truncateSync(path('most'), 5 * 1024 * 1024);
    truncateSync(path('large'), 5 * 1024 * 1024 + 1);
    const made = (data) => new bt.Attachment({ data, filename: 'a', contentType: 'text/plain' });
    const shown = (data) => JSON.parse(JSON.stringify(made(data))).data.slice(0, 60);
    for (const name of ['fifo', 'large', 'small', '']) show(shown(path(name)));
    show(shown('/dev/zero'));
    show((await made(path('most')).data()).size);
    show(process.platform !== 'linux' || (await made('/proc/self/status').data()).size > 0);
    rmSync(directory, { recursive: true });
    const large = new ArrayBuffer(400e6);
    const before = process.memoryUsage().arrayBuffers;
    show([shown(large), shown(new Uint8Array(large))]);
    show(process.memoryUsage().arrayBuffers - before < 100e6);
    let wasRead = false;
    const blob = Object.assign(new Blob([new Uint8Array(5 * 1024 * 1024 + 1)]), { arrayBuffer: () => (wasRead = true) });
    show([shown(blob), wasRead]);
    const odd = made({ arrayBuffer: async () => 2 ** 31 });
    show([(await odd.data()).size, JSON.parse(JSON.stringify(odd)).data]);`,
    (_, shown) => {
      const [unreadable, tooLarge] = ['that cannot be read', 'that is too large'].map(
        (why) => `[flue-braintrust: a file ${why}]`,
      );
      expect(shown).toEqual([
        unreadable,
        tooLarge,
        'data:text/plain;base64,c21hbGw=',
        unreadable,
        unreadable,
        5 * 1024 * 1024,
        true,
        [tooLarge, tooLarge],
        true,
        [tooLarge, false],
        [0, unreadable],
      ]);
    },
  ));

test('flush, permalink and close wait no longer than their timeout for a file, and state it', () =>
  program(
    `${START}
    const file = (arrayBuffer) => new bt.Attachment({ data: Object.assign(new Blob(['a']), { arrayBuffer }), filename: 'a', contentType: 'text/plain' });
    const span = bt.startSpan({ name: 'stuck' });
    span.log({ input: file(() => new Promise(() => {})), output: 'there' });
    span.end();
    const { complete, pending } = await bt.flush({ timeoutMs: 300 });
    show([complete, pending]);
    show(typeof await span.permalink());
    show((await bt.flush({ timeoutMs: 0 })).complete);
    show((await bt.close({ timeoutMs: 300 })).complete);`,
    (row, shown) => {
      expect(shown).toEqual([[false, 0], 'string', false, false]);
      expect(row('stuck')).toMatchObject({
        output: 'there',
        input: { data: expect.stringContaining('still being read') },
      });
    },
  ));

test('close waits for files, and refuses what comes later', () =>
  program(
    `${START}
    const arrayBuffer = () => new Promise((resolve) => setTimeout(resolve, 100, new ArrayBuffer(7)));
    const data = Object.assign(new Blob(['a']), { arrayBuffer });
    const span = bt.startSpan({ name: 'late' });
    span.log({ input: new bt.Attachment({ data, filename: 'a', contentType: 'text/plain' }) });
    span.end();
    show((await bt.close()).complete);
    span.log({ input: 'too late' });
    show(Object.values(bt.stats().lost));`,
    (row, shown) => {
      expect(shown).toEqual([true, [1]]);
      expect(row('late').input.data).toContain('text/plain, 7 bytes');
    },
  ));

/** As TypeScript is written for the `braintrust` package. */
const TYPED = `
import {
  currentLogger, currentSpan, flush, initLogger, log, NOOP_SPAN, startSpan, traced, updateSpan, withCurrent, withLogger,
  wrapTraced,
  type ExperimentLogPartialArgs, type Exportable, type InitLoggerOptions, type LogFeedbackFullArgs, type Logger,
  type PromiseUnless, type Span, type SpanContext, type StartSpanArgs,
} from 'PACKAGE';
const options: InitLoggerOptions<true> = { projectName: 'P', asyncFlush: true };
export const logger: Logger<true> = initLogger(options);
export const again: Logger<true> = initLogger<true>(options);
export const current: Logger<true> | undefined = currentLogger<true>();
export const span: Span = startSpan<true>({ name: 'a' });
export const n: number = traced<true, number>(() => 1, { name: 'a' });
export const wrapped: (n: number) => number = wrapTraced<(n: number) => number, true>((n) => n);
export const text: string = withLogger<true, string>((logger) => logger.log({ input: 1 }), options);
const metrics: { tokens: number } = { tokens: 1 };
const args: StartSpanArgs = { name: 'b', event: { input: 1, metrics, scores: { good: null }, tags: ['a'] } };
logger.traced((span) => span.log({ output: 1 }), args);
logger.updateSpan({ id: span.id, span_id: span.spanId, root_span_id: span.rootSpanId, output: 1 });
logger.log({ id: span.id, input: 1 });
log({ id: span.id, input: 1, output: 2, scores: {} });
updateSpan({ exported: '', output: 1 });
span.log({ span_attributes: { purpose: 'scorer' } });
export const ignored = { asyncFlush: true } as const;
export const isAsync: boolean | undefined = logger.asyncFlush;
export const doubled: number = wrapTraced((n: number) => 2 * n, { name: 'c', ...ignored })(traced(() => 1, ignored));
startSpan({ name: 'd', asyncFlush: true });
currentLogger({ asyncFlush: true })?.log({ input: 1 }, { allowConcurrentWithSpans: true });
const usage: Record<string, unknown> = { tokens: 1 };
currentSpan().log({ metrics: usage });
export const parents: string[] = currentSpan().spanParents;
export const partial: ExperimentLogPartialArgs = { output: 1, metrics: usage };
export const full: LogFeedbackFullArgs = { id: 'a', scores: { good: 1 }, comment: 'b', source: 'app' };
logger.logFeedback(full);
export const exported = ([logger, span] as Exportable[]).map((one) => one.export());
export const library: SpanContext = { currentSpan, startSpan, withCurrent, NOOP_SPAN };
export const unless: PromiseUnless<true, number> = 1;
void flush({});
`;

/** What is computed may be undefined, and lists may be constants. */
const UNSET = `
import { initLogger, startSpan, traced, updateSpan, type InitLoggerOptions } from 'flue-braintrust';
const keys = ['password', 'ssn'] as const;
const options: InitLoggerOptions = {
  projectName: undefined,
  content: { input: undefined },
  redact: { keys, paths: undefined, patterns: [/a/] as const, builtins: ['emails'] as const },
  tags: keys,
};
initLogger(options);
traced((span) => span.log({ metadata: undefined, metrics: { tokens: undefined }, tags: keys }), { name: undefined });
updateSpan({ exported: '', state: undefined, output: undefined });
startSpan({ type: undefined, parent: undefined, event: { id: undefined } }).end({ endTime: undefined });
`;

test('TypeScript for the braintrust package compiles, and so does what is unset or constant', () =>
  withDirectory(async (directory) => {
    const at = (name: string) => join(directory, name);
    symlinkSync(join(ROOT, 'node_modules'), at('node_modules'));
    const compilerOptions = {
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
      paths: { 'flue-braintrust': [join(ROOT, 'index.d.mts')] },
    };
    writeFileSync(at('tsconfig.json'), JSON.stringify({ compilerOptions }));
    writeFileSync(at('official.mts'), TYPED.replace('PACKAGE', 'braintrust'));
    writeFileSync(at('ours.mts'), TYPED.replace('PACKAGE', 'flue-braintrust'));
    writeFileSync(at('unset.mts'), UNSET);
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(await run([compiler, '-p', directory])).toMatchObject({ stdout: '', code: 0 });
  }));

test('the types need neither those of Node nor a newer library, even where libraries are checked', () =>
  withDirectory(async (directory) => {
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      noEmit: true,
      types: [],
      paths: {
        'flue-braintrust': [join(ROOT, 'index.d.mts')],
        'flue-braintrust/testing': [join(ROOT, 'testing.d.ts')],
      },
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const text = `import { flush } from 'flue-braintrust';
      import { startCollector } from 'flue-braintrust/testing';
      export const ended = startCollector().then((collector) => flush().then(() => collector.close()));`;
    writeFileSync(join(directory, 'program.mts'), text);
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(await run([compiler, '-p', directory])).toMatchObject({ stdout: '', code: 0 });
  }));
