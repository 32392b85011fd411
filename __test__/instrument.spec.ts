import { activities } from './support/activities';
import { faults } from './support/activity-faults';
import { run, withTrace } from './support/run';

test.each(['2.1.0', '1.0.0-beta.9'])(
  'Flue %s: installing twice and disposing go as Flue documents, disposing flushes, and no span is exported twice',
  (line) =>
    withTrace(
      [`__test__/flue/${line}.mjs`, 'tools'],
      { REGISTER: 'again' },
      ({ code, stdout, stderr }, events, collector) => {
        expect(stderr).not.toContain('[flue-braintrust]');
        expect(code).toBe(0);
        const stats = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
        expect(stats).toMatchObject({
          isSame: true,
          refusal: 'InstrumentationAlreadyInstalledError',
          pending: 0,
        });
        expect(stats.sent).toBeGreaterThan(5);
        expect(stats.sent).toBe(stats.accepted);
        expect(faults(activities(events), collector.rows())).toEqual([]);
      },
    ),
);

test('a dev server that loads the application again has it traced on by the newest instrumentation', () =>
  withTrace(['__test__/fixtures/reloaded.mjs'], {}, ({ code, stderr }, events, collector) => {
    expect(stderr).not.toContain('[flue-braintrust]');
    expect(code).toBe(0);
    expect(faults(activities(events), collector.rows())).toEqual([]);
    expect(collector.traces()).toHaveLength(2);
  }));

test('of runs that begin one another, none that has ended stays in memory', async () => {
  const program = `
    const { braintrustFlueInstrumentation, initLogger, traced } = require('flue-braintrust');
    initLogger({ apiKey: 'key', appUrl: 'http://127.0.0.1:9', exitTimeoutMs: 0 });
    const { interceptor } = braintrustFlueInstrumentation();
    let first;
    const begin = (number) => {
      if (number === 10) return setImmediate(() => { gc(); console.log(first.deref()); process.reallyExit(0); });
      const runId = 'run_' + number;
      interceptor({ type: 'workflow', runId }, { runId }, async () =>
        traced((span) => {
          first ??= new WeakRef(span);
          setImmediate(begin, number + 1);
        }, { name: 'span' }));
    };
    begin(0);`;
  const { stdout } = await run(['--expose-gc', '-e', program]);
  expect(stdout).toBe('undefined\n');
});
