import { execFileSync } from 'node:child_process';
import type { Collector, Span } from '../tools/collector/types';
import { activities } from './support/activities';
import type { FlueEvent } from './support/activity';
import { faults } from './support/activity-faults';
import { ROOT, withTrace } from './support/run';

const LINES = ['2.1.0', '2.0.0', '1.0.0-beta.9', '0.11.1', '0.8.1'];

const program = (line: string) => `__test__/flue/${line}.mjs`;

function scenarios(line: string): string[] {
  const args = ['--disable-warning=ExperimentalWarning', program(line), '--list'];
  return execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
}

/** Runs real Flue against a collector; returns Flue's events and what arrived. */
async function traced(
  line: string,
  scenario: string,
  check: (events: FlueEvent[], collector: Collector) => void,
  env: Record<string, string> = {},
) {
  await withTrace([program(line), scenario], env, ({ code, stderr }, events, collector) => {
    expect(stderr).not.toContain('[flue-braintrust]');
    expect(code).toBe(0);
    check(events, collector);
  });
}

describe.each(LINES)('Flue %s', (line) => {
  test.concurrent.each(scenarios(line))('%s: every activity is one span in its place', (scenario) =>
    traced(line, scenario, (events, collector) => {
      const expected = activities(events);
      expect(expected.length).toBeGreaterThan(0);
      expect(faults(expected, collector.rows())).toEqual([]);
      expect(collector.problems).toEqual([]);
    }),
  );
});

describe.each(['2.1.0', '1.0.0-beta.9'])('Flue %s, registered with instrument()', (line) => {
  test.concurrent('prompts of two tools at once lie below the very tool that called them', () =>
    traced(
      line,
      'nested-parallel',
      (_events, collector) => {
        const spans = collector.traces().flatMap((trace) => trace.spans);
        const callers = spans.filter(
          ({ name, children }) =>
            name.startsWith('tool:') && children.some((child) => child.name === 'flue.prompt'),
        );
        expect(callers.length).toBeGreaterThan(1);
        for (const caller of callers) {
          const prompts = caller.children.filter((child) => child.name === 'flue.prompt');
          expect(prompts).toHaveLength(1);
          // Each tool prompts with its own arguments.
          const [argument] = Object.values(caller.row.input as Record<string, string>);
          expect(text(prompts[0] as Span)).toContain(argument);
        }
      },
      { REGISTER: 'instrument' },
    ),
  );
});

test('the first token of a streaming turn is timed, within the turn', () =>
  traced('2.1.0', 'tools', (_events, collector) => {
    const turns = collector
      .rows()
      .filter((row: any) => row.span_attributes.type === 'llm') as any[];
    const timed = turns.filter(({ metrics }) => metrics.time_to_first_token !== undefined);
    expect(timed.length).toBe(turns.length);
    for (const { metrics } of timed) {
      expect(metrics.time_to_first_token).toBeGreaterThanOrEqual(0);
      expect(metrics.time_to_first_token).toBeLessThanOrEqual(metrics.end - metrics.start + 0.05);
    }
  }));

test('with `turnInput: delta` a turn shows what the previous one was not given', () =>
  traced(
    '2.1.0',
    'tools',
    (_events, collector) => {
      const turns = collector.rows().filter((row: any) => row.span_attributes.type === 'llm');
      const modes = turns.map(({ metadata }: any) => metadata['flue.input_mode']);
      expect(modes[0]).toBe('full');
      expect(modes.slice(1).every((mode) => mode === 'delta')).toBe(true);
      const shown = turns.map(({ input }: any) => input.length as number);
      const offsets = turns.map(({ metadata }: any) => metadata['flue.input_message_offset']);
      // The first shows the system prompt besides.
      expect(offsets).toEqual(
        shown.map((_, n) => shown.slice(0, n).reduce((sum, count) => sum + count, n > 0 ? -1 : 0)),
      );
    },
    { FLUE_BRAINTRUST_TURN_INPUT: 'delta' },
  ));

test('log lines are kept with the span that wrote them, unless `logs` is off', async () => {
  const lines = (collector: Collector) =>
    collector.rows().flatMap(({ metadata }: any) => metadata['flue.logs'] ?? []);
  await traced('2.1.0', 'logs', (events, collector) => {
    const logged = events.filter(({ type }) => type === 'log').map(({ message }) => message);
    expect(logged.length).toBeGreaterThan(0);
    expect(lines(collector).map(({ message }) => message)).toEqual(expect.arrayContaining(logged));
  });
  const env = { FLUE_BRAINTRUST_LOGS: 'false' };
  await traced('2.1.0', 'logs', (_events, collector) => expect(lines(collector)).toEqual([]), env);
});

const text = (span: Span) => JSON.stringify(span.row.input);
