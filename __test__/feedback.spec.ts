import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startCollector } from '../tools/collector';
import type { Collector, CollectorOptions } from '../tools/collector/types';
import {
  BUNDLED_FLUE,
  HANGS_MS,
  NO_LOSS,
  ROOT,
  destination,
  environment,
  readEvents,
  run,
  runFlue,
  withDirectory,
} from './support/run';

const QUIET = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON'].map(
  (warning) => `--disable-warning=${warning}`,
);

/** Runs a program that has the package as `bt`, and `show` for what it finds. */
async function program(code: string, env: Record<string, string>) {
  const text = `
    import * as bt from 'flue-braintrust';
    const show = (value) => console.log(JSON.stringify(value));
    ${code}`;
  const { stdout, ...ending } = await run(['--input-type=module', '-e', text], env);
  const shown = stdout.split('\n').filter((line) => /^[[{"]/.test(line));
  return { ...ending, shown: shown.map((line) => JSON.parse(line)) };
}

async function withCollector(
  use: (collector: Collector, variables: Record<string, string>) => Promise<void>,
  options: CollectorOptions = {},
) {
  const collector = await startCollector(options);
  try {
    await use(collector, destination(collector));
  } finally {
    await collector.close();
  }
}

/** A program that gives feedback to a logger with these options. */
const feedback = (events: unknown[], env: Record<string, string>, options: object = {}) =>
  program(
    `bt.initLogger(${JSON.stringify(options)});
     for (const event of ${JSON.stringify(events)}) bt.logFeedback(event);
     show(await bt.flush());`,
    env,
  );

const commentsOn = (collector: Collector, id: string) =>
  collector.rows().filter((row: any) => row.comment && row.origin.id === id) as any[];

describe('feedback of another process lands on the span of Flue that its ids name', () => {
  test.each([
    ['2.1.0', 'tools', 'submissionId'],
    ['1.0.0-beta.9', 'tools', 'submissionId'],
    ['1.0.0-beta.9', 'dispatched', 'dispatchId'],
    ['1.0.0-beta.9', 'workflow', 'runId'],
  ])('Flue %s, %s, by its %s', (line, scenario, name) =>
    withDirectory((directory) =>
      withCollector(async (collector, variables) => {
        const file = join(directory, 'events');
        const env = { ...variables, EXPECT_FILE: file };
        expect(await runFlue([`__test__/flue/${line}.mjs`, scenario], env)).toMatchObject({
          code: 0,
        });
        const id = readEvents(file).find((event: any) => event[name] !== undefined)?.[name];
        const root = collector
          .rows()
          .find(
            (row: any) => !row.span_parents && JSON.stringify(row.metadata).includes(id),
          ) as any;
        expect(root).toBeDefined();
        const before = structuredClone(root);

        const event = { [name]: id, scores: { thumb: 1 }, comment: 'Well done.', source: 'app' };
        const { code, stderr, shown } = await feedback(
          [{ ...event, tags: ['rated'], metadata: { user: 'u1' } }],
          variables,
        );
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(shown[0]).toMatchObject({ complete: true, accepted: 2, sent: 2 });
        expect(shown[0].lost).toEqual({});
        expect(collector.problems).toEqual([]);
        expect(collector.row(root.id)).toEqual({
          ...before,
          scores: { thumb: 1 },
          tags: ['rated'],
          _audit_source: 'app',
          _audit_metadata: { user: 'u1' },
        });
        const [comment, ...others] = commentsOn(collector, root.id);
        expect(others).toEqual([]);
        expect(comment).toMatchObject({
          comment: { text: 'Well done.' },
          _audit_source: 'app',
          _audit_metadata: { user: 'u1' },
        });
        expect(comment.span_id).toBeUndefined();
        expect(collector.traces().flatMap(({ problems }) => problems)).toEqual([]);
      }),
    ),
  );
});

test('feedback before and after the recovery of a killed process lands on the one recovered root', () =>
  withDirectory((directory) =>
    withCollector(async (collector, variables) => {
      const file = join(directory, 'events');
      const crash = (phase: string, env: Record<string, string> = {}) =>
        runFlue(['__test__/flue/crash.mjs', 'mid-tool', phase, join(directory, 'agent.db')], {
          ...variables,
          ...env,
          FLUE_BRAINTRUST_SPOOL_DIR: join(directory, 'spool'),
        });
      expect(await crash('1', { EXPECT_FILE: file })).toMatchObject({ signal: 'SIGKILL' });
      const { submissionId } = readEvents(file).find((event: any) => event.submissionId) as any;
      await feedback([{ submissionId, scores: { early: 0 } }], variables);
      expect(await crash('2')).toMatchObject({ code: 0, stderr: '' });
      await feedback([{ submissionId, scores: { late: true }, comment: 'at last' }], variables);

      expect(collector.problems).toEqual([]);
      const [trace, ...others] = collector.traces();
      expect(others).toEqual([]);
      const [root, ...more] = trace?.roots ?? [];
      expect(more).toEqual([]);
      expect(root?.row).toMatchObject({ scores: { early: 0, late: 1 } });
      expect(root?.row.metadata).toMatchObject({ 'flue.attempt': 2 });
      expect(commentsOn(collector, root?.rowId ?? '')).toHaveLength(1);
      // The comments are all that is not a span.
      const apart = collector.rows().filter((row: any) => row.root_span_id === undefined);
      expect(apart).toHaveLength(1);
    }),
  ));

test('the recipe: users give thumbs up and down over HTTP', async () => {
  const page = readFileSync(join(ROOT, 'docs/feedback.md'), 'utf8');
  const source = readFileSync(join(ROOT, 'examples/agent/feedback.mts'), 'utf8');
  const [block = ''] = /async function ask.*?(?=```)/s.exec(page) ?? [];
  expect(block).toContain('logFeedback');
  expect(source).toContain(block);

  await withCollector(async (collector, variables) => {
    const child = spawn(process.execPath, [...QUIET, BUNDLED_FLUE, 'examples/agent/feedback.mts'], {
      cwd: ROOT,
      env: environment(variables),
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: HANGS_MS,
    });
    const ended = once(child, 'close');
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const [url] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
    const post = (path: string, body: object) =>
      fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    try {
      for (const thumb of ['up', 'down']) {
        const { text, submissionId } = (await (await post('/ask', { text: thumb })).json()) as any;
        expect(text).toBe('Close the vents.');
        const body = { submissionId, thumb, ...(thumb === 'down' && { comment: 'They are.' }) };
        expect((await post('/feedback', body)).status).toBe(204);
      }
    } finally {
      child.stdin.end();
      const [code] = await ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    expect(collector.problems).toEqual([]);
    const roots = collector.traces().flatMap(({ roots }) => roots);
    const scores = Object.fromEntries(roots.map(({ row }) => [row.input as string, row.scores]));
    expect(scores).toEqual({ up: { thumb: 1 }, down: { thumb: 0 } });
    const down = roots.find(({ row }) => row.input === 'down');
    expect(commentsOn(collector, down?.rowId ?? '')).toMatchObject([
      { comment: { text: 'They are.' } },
    ]);
  });
});

test('a span, what it exports, its id and the id of another library name the span', () =>
  withCollector(async (collector, variables) => {
    const { shown, stderr } = await program(
      `const logger = bt.initLogger();
       const [one, two, three, four] = [1, 2, 3, 4].map((n) => bt.startSpan({ name: 's' + n }));
       for (const span of [one, two, three, four]) span.end();
       bt.logFeedback({ span: one, scores: { a: 1 } });
       one.logFeedback({ scores: { b: 0.5 } });
       bt.logFeedback({ span: await two.export(), expected: { x: 1 } });
       logger.logFeedback({ id: three.id, tags: ['t', 't'] });
       bt.logScores({ id: three.id, scores: { c: false } });
       bt.logFeedback({ id: '7d1c7f4e-0000-4000-8000-000000000001', scores: { d: 1 } });
       bt.logFeedback({ id: 'my "own" id', scores: { d: 0 }, comment: 'so-so' });
       show(await bt.flush());`,
      variables,
    );
    expect(stderr).toBe('');
    expect(shown[0].complete).toBe(true);
    expect(shown[0].lost).toEqual({});
    expect(collector.problems).toEqual([]);
    const rows = collector.rows() as any[];
    const named = (name: string) => rows.find((row) => row.span_attributes?.name === name);
    expect(named('s1').scores).toEqual({ a: 1, b: 0.5 });
    expect(named('s2').expected).toEqual({ x: 1 });
    expect(named('s3')).toMatchObject({ tags: ['t'], scores: { c: 0 }, _audit_source: 'api' });
    expect(named('s4')._audit_source).toBeUndefined();
    const apart = rows.filter((row) => row.root_span_id === undefined && !row.comment);
    expect(apart.map(({ id, scores }) => [id, scores])).toEqual([
      ['7d1c7f4e-0000-4000-8000-000000000001', { d: 1 }],
      ['my "own" id', { d: 0 }],
    ]);
    expect(commentsOn(collector, 'my "own" id')).toHaveLength(1);
  }));

test('what cannot be used is counted and reported once, and nothing is thrown', () =>
  withCollector(async (collector, variables) => {
    const { code, shown, stderr } = await program(
      `const lines = [];
       bt.initLogger({ onError: ({ code, reason, message }) => lines.push([code, reason, message]) });
       const unreadable = { get scores() { throw new Error('no'); }, submissionId: 's' };
       const bad = [
         undefined, null, 7, 'text', [], {}, unreadable,
         { scores: { a: 1 } },
         { submissionId: 's' },
         { submissionId: 's', metadata: { a: 1 } },
         { submissionId: 'sub_ik_0123456789abcdef0123456789abcdef', scores: { a: 1 } },
         { submissionId: [7], scores: { a: 1 } },
         { submissionId: 's', scores: { a: 1.01 } },
         { submissionId: 's', scores: { a: -0.01, b: 1 } },
         { submissionId: 's', scores: { a: NaN } },
         { submissionId: 's', scores: { a: '1' } },
         { submissionId: 's', scores: [1] },
         { submissionId: 's', scores: 1 },
         { submissionId: 's', scores: {} },
         { submissionId: 's', scores: { a: 1 }, source: 'me' },
         { submissionId: 's', scores: { a: 1 }, source: 7 },
         { submissionId: 's', scores: { a: 1 }, source: Object.create(null) },
         { submissionId: 's', scores: { a: 1 }, source: { toString: 1 } },
         { submissionId: 's', comment: { text: 'x' } },
         { submissionId: 's', comment: '' },
         { span: 'no slug', scores: { a: 1 } },
         { span: {}, scores: { a: 1 } },
       ];
       for (const event of bad) bt.logFeedback(event);
       bt.logScores({ submissionId: 's' });
       bt.logScores(undefined);
       bt.logScores(unreadable);
       const { complete, accepted, lost } = await bt.flush();
       await new Promise((done) => setTimeout(done, 1200));
       show({ complete, accepted, lost, bad: bad.length + 3, lines });`,
      variables,
    );
    expect(code).toBe(0);
    const [{ bad, lines, ...stats }] = shown;
    expect(stats).toEqual({ complete: true, accepted: bad, lost: { invalid_feedback: bad } });
    expect(collector.rows()).toEqual([]);
    expect(lines).toEqual([
      ['FLUE_BRAINTRUST_LOST', 'invalid_feedback', expect.stringContaining('names no span')],
    ]);
    expect(stderr.match(/invalid_feedback/g)?.length).toBeLessThanOrEqual(2);
  }));

test('hostile arguments of a span and a link throw nothing', () =>
  withCollector(async (collector, variables) => {
    const { code, shown } = await program(
      `bt.initLogger();
       const span = bt.startSpan({ name: 'root' });
       span.logFeedback({ scores: { a: 1 }, source: { toString: 1 } });
       bt.logFeedback({ span: new Proxy(span, {}), scores: { a: 1 } });
       span.end();
       const hostile = { get orgName() { throw new Error('no'); } };
       const links = [
         await bt.permalink(span, hostile),
         await bt.permalink(span, { orgName: '\\ud800' }),
         await bt.permalink(Object.create(Object.getPrototypeOf(span))),
       ];
       const { complete, lost } = await bt.flush();
       show({ complete, lost, areLinks: links.every((link) => link.startsWith('http')) });`,
      variables,
    );
    expect(code).toBe(0);
    expect(shown).toEqual([{ complete: true, lost: { invalid_feedback: 2 }, areLinks: true }]);
    expect(collector.rows()).toHaveLength(1);
  }));

test('without a key, and after close, feedback does nothing but count', async () => {
  const silent = await program(
    `bt.initLogger();
     bt.logFeedback({ submissionId: 's', scores: { a: 1 } });
     bt.flueSpan({ runId: 'r' }).logFeedback({ scores: { a: 1 } });
     show([bt.flueSpan({ runId: 'r' }).id, await bt.permalink({ runId: 'r' }), await bt.permalink('')]);`,
    {},
  );
  expect(silent.shown).toEqual([
    ['', 'https://braintrust.dev/noop-span', 'https://braintrust.dev/noop-span'],
  ]);
  await withCollector(async (_, variables) => {
    const { shown } = await program(
      `const logger = bt.initLogger();
       await logger.close();
       logger.logFeedback({ submissionId: 's', scores: { a: 1 } });
       show(logger.stats().lost);`,
      variables,
    );
    expect(shown).toEqual([{ closed: 1 }]);
  });
});

const everything = {
  submissionId: 's',
  expected: 'SECRET',
  comment: 'SECRET words',
  tags: ['SECRET'],
  scores: { SECRET: 1 },
  metadata: { note: { deep: 'SECRET' } },
};

test('rules, the content policy and the masking function apply to all that feedback has', () =>
  withCollector(async (collector, variables) => {
    await feedback([everything], variables);
    const open = JSON.stringify(collector.rows());
    // The metadata is on both rows.
    expect(open.match(/SECRET/g)).toHaveLength(6);

    const variants: [string, string][] = [
      [`{ redact: { patterns: ['SECRET'] } }`, ''],
      [`{ content: false }`, ''],
      [`{ content: { output: false } }`, ''],
      [
        `{}`,
        `bt.setMaskingFunction((value) => JSON.parse(JSON.stringify(value).replaceAll('SECRET', 'hidden')));`,
      ],
      [`{}`, `bt.setMaskingFunction(() => { throw new Error('SECRET'); });`],
      [`{}`, `bt.setMaskingFunction(() => undefined);`],
    ];
    for (const [options, more] of variants) {
      await withCollector(async (other, env) => {
        const { code, shown } = await program(
          `${more} bt.initLogger(${options}); bt.logFeedback(${JSON.stringify(everything)}); show(await bt.flush());`,
          env,
        );
        const { complete, lost } = shown[0];
        expect({ code, complete, lost }).toEqual({ code: 0, complete: true, lost: {} });
        const text = JSON.stringify(other.rows());
        expect(text).not.toContain('SECRET');
        expect(other.problems).toEqual([]);
        expect(other.rows()).toHaveLength(options.includes('content') ? 0 : 2);
        const comment: any = other.rows().find((row: any) => row.comment);
        if (comment) expect(typeof comment.comment.text).toBe('string');
      });
    }
  }));

test('feedback of an outage waits in the spool, and the next process sends it by its own rules', () =>
  withDirectory(async (directory) => {
    const spool = { FLUE_BRAINTRUST_SPOOL_DIR: join(directory, 'spool') };
    const down = await startCollector({ intercept: () => ({ status: 503 }) });
    const { url } = down;
    const env = { ...destination(down), ...spool, FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '300' };
    const port = Number(new URL(url).port);
    try {
      const { code } = await program(
        `bt.initLogger(); bt.logFeedback(${JSON.stringify(everything)});`,
        env,
      );
      expect(code).toBe(0);
    } finally {
      await down.close();
    }
    await withCollector(
      async (collector) => {
        const { shown } = await program(
          `bt.initLogger({ redact: { patterns: ['SECRET'] } });
           while (bt.stats().sent < 2) await new Promise((done) => setTimeout(done, 50));
           show(await bt.flush());`,
          env,
        );
        expect(shown[0]).toMatchObject({ complete: true, sent: 2 });
        expect(shown[0].lost).toEqual({});
        expect(collector.rows()).toHaveLength(2);
        expect(JSON.stringify(collector.rows())).not.toContain('SECRET');
        expect(collector.problems).toEqual([]);
      },
      { port },
    );
  }));

test("the ids of Flue's spans are those of their rows, and their links lead to them", () =>
  withDirectory((directory) =>
    withCollector(async (collector, variables) => {
      const file = join(directory, 'events');
      const env = { ...variables, EXPECT_FILE: file };
      await runFlue(['__test__/flue/2.1.0.mjs', 'task'], env);
      const events = readEvents(file) as any[];
      const { submissionId } = events.find((event) => event.submissionId);
      const turn = events.find(({ type }) => type === 'turn');
      const tool = events.find(({ type }) => type === 'tool_start');
      const task = events.find(({ type }) => type === 'task_start');
      const ids = [
        { submissionId },
        { submissionId, turnId: turn.turnId },
        { submissionId, turnId: tool.turnId, toolCallId: tool.toolCallId },
        { submissionId, taskId: task.taskId },
      ];
      const { shown, stderr } = await program(
        `const logger = bt.initLogger();
         const spans = ${JSON.stringify(ids)}.map((ids) => bt.flueSpan(ids));
         for (const span of spans) span.log({ metadata: { seen: true } });
         await bt.flush();
         for (const span of spans) {
           const { id, spanId, rootSpanId } = span;
           const links = [span.link(), await span.permalink(), await bt.permalink(span)];
           links.push(await bt.permalink(await span.export()), await logger.permalink(span));
           show({ id, spanId, rootSpanId, links });
         }
         show([await bt.permalink({ submissionId: '${submissionId}' })]);
         show([await bt.permalink('nonsense')]);
         show([bt.flueSpan({}).id]);`,
        variables,
      );
      expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_NO_SPAN: [^\n]*\n$/);
      const names = ['flue.prompt', 'llm:moss-1', `tool:${tool.toolName}`, `task:${task.agent}`];
      names.forEach((name, n) => {
        const { id, spanId, rootSpanId, links } = shown[n];
        const row = collector.row(id) as any;
        expect(row).toMatchObject({ span_id: spanId, root_span_id: rootSpanId });
        expect(row.span_attributes.name).toBe(name);
        expect(row.metadata.seen).toBe(true);
        expect(new Set(links)).toEqual(new Set([links[0]]));
        expect(new URL(links[0]).searchParams.get('id')).toBe(id);
      });
      const [link, wrong, none] = shown.slice(names.length);
      expect(link).toEqual([shown[0].links[0]]);
      expect(wrong[0]).toContain('error-generating-link');
      expect(none).toEqual(['']);
      expect(collector.rows().filter((row) => row.root_span_id === undefined)).toEqual([]);
    }),
  ));

test('feedback of several sources and users before a flush stays apart, as that of one stays together', async () => {
  const requests: any[][] = [];
  const intercept: CollectorOptions['intercept'] = ({ path, bodyText }) => {
    if (path === '/logs3') requests.push(JSON.parse(bodyText).rows);
  };
  await withCollector(
    async (collector, variables) => {
      const id = 'f'.repeat(32);
      const { shown } = await feedback(
        [
          { id, scores: { a: 1 }, source: 'app', metadata: { user: 'u1' } },
          { id, scores: { b: 1 }, source: 'app', metadata: { user: 'u1' } },
          { id, scores: { a: 0 }, source: 'app', metadata: { user: 'u2' } },
          { id, scores: { c: 1 }, source: 'api' },
        ],
        variables,
      );
      expect(shown[0]).toMatchObject({ complete: true, accepted: 3, sent: 3, lost: NO_LOSS });
      const entries = requests.map((rows) =>
        rows.map((row) => [row.id, row.scores, row._audit_source, row._audit_metadata]),
      );
      expect(entries).toEqual([
        [[id, { a: 1, b: 1 }, 'app', { user: 'u1' }]],
        [[id, { a: 0 }, 'app', { user: 'u2' }]],
        [[id, { c: 1 }, 'api', undefined]],
      ]);
      expect(collector.row(id)?.scores).toEqual({ a: 0, b: 1, c: 1 });
      expect(collector.problems).toEqual([]);
    },
    { intercept },
  );
});
