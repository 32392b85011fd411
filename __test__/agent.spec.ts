import type { Collector } from '../tools/collector/types';
import { activities } from './support/activities';
import type { FlueEvent } from './support/activity';
import { faults } from './support/activity-faults';
import { withTrace } from './support/run';

const OBSERVER = './__test__/fixtures/record-workflow.mjs';
const WORKFLOW = 'examples/workflow/workflow-run.mjs';

/** Runs a real Flue program against a collector; returns Flue's events and what arrived. */
async function traced(args: string[], check: (events: FlueEvent[], collector: Collector) => void) {
  await withTrace(args, {}, (ending, events, collector) => {
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    check(events, collector);
  });
}

test('every activity of a Flue 2.1 agent is one closed span below the right parent', () =>
  traced(
    ['--import', './__test__/fixtures/record-agent.mjs', 'examples/agent/agent.mts'],
    (events, collector) => {
      const expected = activities(events);
      expect(expected.length).toBeGreaterThan(15);
      expect(faults(expected, collector.rows())).toEqual([]);
      expect(collector.problems).toEqual([]);
      expect(collector.traces()).toHaveLength(1);
    },
  ));

test('every activity of a Flue 1.0-beta workflow is one closed span below the right parent', () =>
  traced(['--import', OBSERVER, WORKFLOW], (events, collector) => {
    const expected = activities(events);
    expect(expected.length).toBeGreaterThan(15);
    expect(faults(expected, collector.rows())).toEqual([]);
    expect(collector.problems).toEqual([]);
    const [trace] = collector.traces();
    expect(trace?.roots[0]?.row).toMatchObject({
      input: events.find(({ type }) => type === 'run_start')?.input,
      output: events.find(({ type }) => type === 'run_end')?.result,
    });
  }));

test('log lines that a submission writes before its operation starts are with its root', () =>
  traced(['__test__/fixtures/unbegun-agent.mjs', 'log'], (events, collector) => {
    const lines = events.filter(({ type }) => type === 'log');
    expect(lines.map(({ message }) => message)).toEqual([expect.stringContaining('unavailable')]);
    const roots = collector.traces().flatMap((trace) => trace.roots);
    expect(roots.map(({ row }: any) => row.metadata['flue.logs'])).toEqual([
      lines.map(({ timestamp: time, level, message, attributes }) => ({
        time,
        level,
        message,
        attributes,
      })),
    ]);
    expect(faults(activities(events), collector.rows())).toEqual([]);
  }));

test('a submission that fails before its operation starts is a root with the error', () =>
  withTrace(['__test__/fixtures/unbegun-agent.mjs', 'fail'], {}, ({ code }, events, collector) => {
    expect(code).toBe(0);
    const of = (kind: string) => events.filter(({ type }) => type === kind);
    expect(of('operation_start')).toEqual([]);
    const roots = collector.traces().flatMap((trace) => trace.roots.map(({ row }) => row as any));
    const running = of('submission_running');
    expect(roots).toHaveLength(running.length);
    running.forEach(({ submissionId, agentName, timestamp }, n) => {
      const settled = of('submission_settled').find((event) => event.submissionId === submissionId);
      const row = roots.find(({ metadata }) => metadata['flue.submission_id'] === submissionId);
      expect(row.error).toContain(['Unknown model ID', 'the roof is open', 'fetch failed'][n]);
      expect(row).toMatchObject({
        span_attributes: { name: 'flue.prompt', type: 'task' },
        metrics: {
          start: Date.parse(timestamp) / 1000,
          end: Date.parse(settled?.timestamp) / 1000,
        },
        metadata: { 'flue.submission_outcome': 'failed', 'flue.agent_name': agentName },
      });
      expect(row.metadata).not.toHaveProperty(['flue.operation_id']);
      expect(row.metadata).not.toHaveProperty(['flue.interrupted']);
    });
    expect(collector.problems).toEqual([]);
  }));

test('a running trace can be watched: spans arrive before they end', () =>
  traced(['--import', OBSERVER, WORKFLOW], (_events, collector) => {
    const uploads = collector.requests.filter(({ path }) => path === '/logs3');
    expect(uploads.length).toBeGreaterThan(1);
    const [first] = uploads;
    const root = collector.traces()[0]?.roots[0];
    expect(first?.rowIds).toContain(root?.rowId);
    expect(first?.at).toBeLessThan((root?.end ?? 0) * 1000);
  }));

test('the same row is never under way twice, and no request carries more than 100', () =>
  traced(['--import', OBSERVER, WORKFLOW], (_events, collector) => {
    const uploads = collector.requests.filter(({ path }) => path === '/logs3');
    for (const upload of uploads) {
      expect(upload.rowIds?.length).toBeLessThanOrEqual(100);
      const meanwhile = uploads.filter(
        (other) => other.at > upload.at && other.at < (upload.doneAt ?? 0),
      );
      for (const id of upload.rowIds ?? []) {
        expect(meanwhile.flatMap((other) => other.rowIds)).not.toContain(id);
      }
    }
  }));
