import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startCollector } from '../tools/collector';
import {
  BUNDLED_FLUE,
  destination,
  environment,
  HANGS_MS,
  ROOT,
  run,
  withTrace,
} from './support/run';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

/** Serves a real agent while a function uses it. */
async function served(env: Record<string, string>, use: (url: string) => Promise<void>) {
  const flags = ['--disable-warning=ExperimentalWarning', BUNDLED_FLUE];
  const child = spawn(process.execPath, [...flags, '__test__/fixtures/served-agent.mjs'], {
    cwd: ROOT,
    env: environment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: HANGS_MS,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const ended = once(child, 'close');
  const [url] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  try {
    expect(String(url)).toMatch(/^http/);
    await use(url);
  } finally {
    child.stdin.end();
    const [code] = await ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
  }
}

/** A caller with a trace of its own asks an agent, whose tool asks the agent of another process. */
async function acrossTwo(env: Record<string, string>, check: (rows: any[]) => void) {
  const collector = await startCollector();
  const variables = { ...destination(collector), ...env };
  try {
    await served(variables, (neighbour) =>
      served({ ...variables, NEIGHBOUR: neighbour }, async (url) => {
        const response = await fetch(`${url}/house-1`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            traceparent: `00-${TRACE}-${CALLER}-01`,
            tracestate: 'quay=1',
          },
          body: JSON.stringify({ kind: 'user', body: 'How is the weather?' }),
        });
        expect(response.ok).toBe(true);
      }),
    );
    expect(collector.problems).toEqual([]);
    check(collector.rows());
  } finally {
    await collector.close();
  }
}

const roots = (rows: any[]) =>
  ['house-1', 'next-door'].map((instance) => {
    const prompts = rows.filter(({ span_attributes: { name } }) => name === 'flue.prompt');
    return prompts.find(({ metadata }) => metadata['flue.instance_id'] === instance);
  });

test('with `distributedTracing` a caller, an agent and the agent that it calls are one trace', () =>
  acrossTwo({ FLUE_BRAINTRUST_DISTRIBUTED_TRACING: 'true' }, (rows) => {
    expect(new Set(rows.map(({ root_span_id: root }) => root))).toEqual(new Set([TRACE]));
    const [first, second] = roots(rows);
    expect(first.span_parents).toEqual([CALLER]);
    const tools = rows.filter(({ span_attributes: { name } }) => name === 'tool:ask');
    const asking = tools.find(({ metadata }) => metadata['flue.instance_id'] === 'house-1');
    expect(second.span_parents).toEqual([asking.span_id]);
    expect(second.metadata['flue.traceparent']).toBe(`00-${TRACE}-${asking.span_id}-01`);
    expect(second.metadata['flue.tracestate']).toBe('quay=1');
  }));

test('without it each has a trace of its own that names its caller', () =>
  acrossTwo({}, (rows) => {
    const [first, second] = roots(rows);
    expect(first.metadata['flue.traceparent']).toBe(`00-${TRACE}-${CALLER}-01`);
    const tools = rows.filter(({ span_attributes: { name } }) => name === 'tool:ask');
    const asking = tools.find(({ metadata }) => metadata['flue.instance_id'] === 'house-1');
    expect(second.metadata['flue.traceparent']).toBe(
      `00-${first.root_span_id}-${asking.span_id}-01`,
    );
    expect(new Set([TRACE, ...rows.map(({ root_span_id: root }) => root)]).size).toBe(3);
    for (const root of [first, second]) expect(root.span_parents).toBeUndefined();
  }));

test('a workflow of 1.0-beta joins the trace of the request that runs it, with all that is in it', () =>
  withTrace(
    ['__test__/flue/1.0.0-beta.9.mjs', 'workflow'],
    {
      REGISTER: 'instrument',
      TRACEPARENT: `00-${TRACE}-${CALLER}-01`,
      FLUE_BRAINTRUST_DISTRIBUTED_TRACING: '1',
    },
    ({ code }, _events, collector) => {
      expect(code).toBe(0);
      const rows = collector.rows() as any[];
      expect(rows.length).toBeGreaterThan(10);
      expect(new Set(rows.map(({ root_span_id: root }) => root))).toEqual(new Set([TRACE]));
      const run = rows.find(({ span_attributes: { name } }) => name === 'workflow:evening-round');
      expect(run.span_parents).toEqual([CALLER]);
    },
  ));

test('a run that another process resumes stays in the trace of its caller', async () => {
  const collector = await startCollector();
  try {
    const program = `
      import * as bt from 'flue-braintrust';
      bt.initLogger({ projectName: 'P', distributedTracing: true });
      const { interceptor, observe } = bt.braintrustFlueInstrumentation();
      const run = { v: 3, timestamp: new Date().toISOString(), runId: 'r', workflowName: 'w' };
      const traceCarrier = { traceparent: '00-${TRACE}-${CALLER}-01' };
      await interceptor({ type: 'workflow', runId: 'r', phase: 'resume' }, { runId: 'r', traceCarrier }, async () => {
        observe({ ...run, type: 'run_resume', startedAt: run.timestamp });
        observe({ ...run, type: 'run_end', isError: true, error: { message: 'interrupted' } });
      });
      await bt.flush();`;
    const { code, stderr } = await run(
      ['--input-type=module', '-e', program],
      destination(collector),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = collector.rows() as any[];
    expect(rows.map((row) => [row.root_span_id, row.span_parents])).toEqual([[TRACE, [CALLER]]]);
  } finally {
    await collector.close();
  }
});
