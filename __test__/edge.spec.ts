import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import type { Collector, Intercept, Span } from '../tools/collector/types';
import { destination, type Ending, ROOT, run, withDirectory, withTrace } from './support/run';

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

/** Runs a program that has the entry's names; `record(id)` records a run that starts and ends. */
function program(text: string, env: Record<string, string>, directory = ROOT): Promise<Ending> {
  const entry = join(directory, 'js/workerd/edge-light.mjs');
  const prelude = `
    import * as entry from ${JSON.stringify(entry)};
    const { initLogger, braintrustFlueObserver: observe, flush, stats, close } = entry;
    const record = (runId) => {
      const timestamp = '2026-11-23T07:02:44.000Z';
      observe({ type: 'run_start', runId, workflowName: 'water', startedAt: timestamp, timestamp });
      observe({ type: 'run_end', runId, result: 'wet', isError: false, durationMs: 5, timestamp });
    };
    const show = (value) => console.log(JSON.stringify(value));`;
  return run(['--input-type=module', '-e', prelude + text], env);
}

/** The same against a collector; gives what the program has shown. */
async function shown(text: string, intercept?: Intercept, env: Record<string, string> = {}) {
  const collector = await startCollector(intercept ? { intercept } : {});
  try {
    const ending = await program(text, { ...destination(collector), ...env });
    expect(ending.code).toBe(0);
    const lines = ending.stdout.trim().split('\n');
    return { ...ending, collector, values: lines.map((line) => JSON.parse(line)) };
  } finally {
    await collector.close();
  }
}

const failing =
  (path: string, status: number): Intercept =>
  (request) =>
    request.path === path ? { status } : undefined;

test('exports what the types declare, and the names of `braintrust` for spans and masking', async () => {
  const types = readFileSync(join(ROOT, 'index.d.ts'), 'utf8');
  const declared = [...types.matchAll(/^export declare (?:function|const) (\w+)/gm)].map(
    ([, name]) => name,
  );
  const ofBraintrust = ['traced', 'startSpan', 'currentSpan', 'wrapTraced', 'logError'];
  const { stdout } = await program(`show(Object.keys(entry).sort());`, {});
  const names = [...declared, ...ofBraintrust, 'injectTraceContext', 'setMaskingFunction'];
  expect(JSON.parse(stdout)).toEqual([...new Set(names)].toSorted());
});

describe('the numbers', () => {
  test('say what was delivered', async () => {
    const { values, collector, stderr } = await shown(`
      show(stats());
      const logger = initLogger({ projectName: 'Greenhouse' });
      record('run_1');
      const open = { type: 'run_start', runId: 'run_2', workflowName: 'water', startedAt: '2026-11-23T07:02:44.000Z' };
      observe(open);
      observe(open);
      show(await logger.flush());
    `);
    const [before, after] = values;
    expect(before).toMatchObject({
      events: 0,
      accepted: 0,
      sent: 0,
      openSpans: 0,
      lastError: null,
    });
    const rows = collector.requests.flatMap(({ rowIds = [] }) => rowIds).length;
    expect(after).toMatchObject({ events: 3, accepted: rows, sent: rows, pending: 0, lost: {} });
    expect(after).toMatchObject({ complete: true, openSpans: 1, retries: 0, lastError: null });
    const uploads = collector.requests.filter(({ path }) => path === '/logs3');
    expect(after.requests).toBe(uploads.length);
    expect(after.bytesSent).toBe(uploads.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(collector.rows()).toHaveLength(2);
    expect(stderr).toBe('');
  });

  test.each([
    [400, 'rejected'],
    [401, 'unauthorized'],
    [503, 'retries_exhausted'],
  ])('say that rows which are answered with %d are lost, and why', async (status, reason) => {
    const { values, stderr } = await shown(
      `initLogger({ onError: show }); record('run_1'); show(await flush());`,
      failing('/logs3', status),
      { BRAINTRUST_NUM_RETRIES: '1' },
    );
    const trouble = values[0];
    const report = values.at(-1);
    expect(trouble).toMatchObject({ code: 'FLUE_BRAINTRUST_LOST', reason });
    expect(report).toMatchObject({ complete: false, sent: 0, pending: 0 });
    expect(report.accepted).toBeGreaterThan(0);
    expect(report.lost).toEqual({ [reason]: report.accepted });
    expect(report.requests).toBe(2 * report.retries);
    expect(report.lastError).toContain(String(status));
    expect(stderr).toContain(`FLUE_BRAINTRUST_LOST: 1 row is lost: Braintrust answered ${status}`);
  });

  test('leave nothing to be believed when the key is refused', async () => {
    const { values, stderr } = await shown(
      `initLogger(); record('run_1'); show(await flush()); record('run_2'); show(await flush());`,
      failing('/api/apikey/login', 401),
      { BRAINTRUST_NUM_RETRIES: '0' },
    );
    expect(values).toMatchObject([
      { complete: false, sent: 0 },
      { complete: false, sent: 0 },
    ]);
    expect(stderr.match(/FLUE_BRAINTRUST_REFUSED: Braintrust answered 401/g)).toHaveLength(1);
  });

  test('are right again when a login that failed has succeeded', async () => {
    let logins = 0;
    const { values, collector } = await shown(
      `initLogger(); record('run_1'); show(await flush()); record('run_2'); show(await flush());`,
      ({ path }) => (path === '/api/apikey/login' && logins++ === 0 ? { status: 503 } : undefined),
      { BRAINTRUST_NUM_RETRIES: '0' },
    );
    expect(values[0]).toMatchObject({ complete: false, sent: 0 });
    expect(values[1]).toMatchObject({ complete: true, lost: {} });
    expect(collector.rows()).toHaveLength(1);
  });

  test('count what comes after `close`, and a flush waits no longer than its timeout', async () => {
    const { values } = await shown(
      `initLogger();
       record('run_1');
       show(await flush({ timeoutMs: 50 }));
       show(await close());
       record('run_2');
       show(stats());
       process.exit();`,
      ({ path }) => (path === '/logs3' ? { delayMs: 500 } : undefined),
    );
    expect(values[0]).toMatchObject({ complete: false, sent: 0 });
    expect(values[1]).toMatchObject({ complete: true, sent: 2, lost: {} });
    expect(values[2]).toMatchObject({ accepted: 4, sent: 2, lost: { closed: 2 } });
  });
});

test('masks by the function that is set', async () => {
  const { collector } = await shown(`
    entry.setMaskingFunction((value) => (value === 'wet' ? 'masked' : value));
    initLogger(); record('run_1'); show(await flush());`);
  expect(collector.rows().map(({ output }) => output)).toEqual(['masked']);
});

test.each([
  'initLogger({ redact: { builtins: ["emails"] } });',
  'initLogger({ content: false });',
  'initLogger({ content: { reasoning: false } });',
  'process.env.FLUE_BRAINTRUST_REDACT = "emails"; initLogger();',
  'process.env.FLUE_BRAINTRUST_CONTENT = "false"; initLogger();',
])('nothing is traced without the rules that were asked for: %s', async (init) => {
  const { collector, stderr } = await shown(`${init} record('run_1'); show(await flush());`);
  expect(collector.rows()).toEqual([]);
  expect(stderr).toContain('`redact` and `content` have no effect');
});

test("spans of the application's own lie in each other, and give what their work gives", async () => {
  const { collector, values } = await shown(`
    initLogger();
    const inner = entry.wrapTraced(async function inner(n) { return n + 1; });
    show(await entry.traced(() => inner(1), { name: 'outer' }));
    show(entry.traced(() => 'at once', { name: 'quick' }));
    const failure = await entry.traced(async () => { throw new Error('no'); }, { name: 'failing' }).catch((error) => error);
    show(failure.message);
    try { entry.traced(() => { throw new Error('at once, no'); }, { name: 'failing' }); } catch (error) { show(error.message); }
    entry.startSpan({ name: 'manual' }).end();
    await flush();`);
  expect(values).toEqual([2, 'at once', 'no', 'at once, no']);
  const spans = collector.traces().flatMap((trace) => trace.roots);
  expect(spans.map(({ name }) => name).toSorted()).toEqual([
    'failing',
    'failing',
    'manual',
    'outer',
    'quick',
  ]);
  const outer = spans.find(({ name }) => name === 'outer');
  expect(outer?.children.map(({ name }) => name)).toEqual(['inner']);
  expect(spans.find(({ name }) => name === 'failing')?.error).toContain('no');
});

describe('without the `braintrust` package', () => {
  const without = (text: string, env: Record<string, string> = {}) =>
    withDirectory(async (directory) => {
      for (const name of ['js/workerd', 'js/context.js']) {
        cpSync(join(ROOT, name), join(directory, name), { recursive: true });
      }
      return program(text, { BRAINTRUST_API_KEY: 'test-key', ...env }, directory);
    });

  test('all works but the tracing, and one line says so', async () => {
    const { code, stdout, stderr } = await without(`
      initLogger(); initLogger(); record('run_1');
      const instrumentation = entry.braintrustFlueInstrumentation();
      show([
        entry.traced((span) => { span.log({}); return 1; }),
        entry.wrapTraced((n) => n)(2),
        entry.startSpan().startSpan().traced(() => 3),
        typeof entry.currentSpan().end(),
        await instrumentation.interceptor({ type: 'tool' }, {}, async () => 4),
        entry.injectTraceContext({ a: 1 }),
        entry.logError(entry.currentSpan(), new Error('no')) ?? null,
        entry.setMaskingFunction(null) ?? null,
        (await flush()).complete,
        (await close()).accepted,
      ]);`);
    expect({ code, values: JSON.parse(stdout) }).toEqual({
      code: 0,
      values: [1, 2, 3, 'number', 4, { a: 1 }, null, null, true, 0],
    });
    expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_NOT_STARTED: .*npm install.*\n$/);
  });

  test('`initLogger` throws when asked to be strict', async () => {
    const strict = { FLUE_BRAINTRUST_STRICT: '1' };
    const { stdout } = await without(
      `try { initLogger(); } catch ({ message }) { show(message); }`,
      strict,
    );
    expect(JSON.parse(stdout)).toContain('npm install braintrust@');
  });
});

test('what is no event never throws into the caller', async () => {
  const { values, stderr } = await shown(`
    initLogger();
    const event = { type: 'run_start', runId: 'run_1', workflowName: 'w' };
    const proxy = new Proxy({}, { get() { throw new Error('proxy'); } });
    for (const odd of [undefined, null, 7, 'text', {}, [], proxy, { ...event, runId: 7 },
      { type: 'turn', response: null, isError: true }, { type: 'tool', isError: true, result: 7 },
      { type: 'operation', isError: true, errorInfo: null, error: 1n }]) observe(odd, odd);
    show('still here'); process.exit();`);
  expect(values).toEqual(['still here']);
  expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_EVENT_LOST: .*proxy.*\n$/);
});
