import { timers } from '../js/builtins/index.js';
import { Diagnostics } from '../js/diagnostics';
import { startCollector } from '../tools/collector';
import { destination, run } from './support/run';

test.each(['throws', 'rejects'])(
  'a function that %s gets a warning, and neither ends nor keeps the process',
  async (how) => {
    const { code, stdout, stderr } = await run(['__test__/fixtures/troubled.mjs', how], {
      BRAINTRUST_API_KEY: 'test-key',
    });
    expect(code).toBe(0);
    const [trouble, ...others] = JSON.parse(stdout);
    expect(others).toEqual([]);
    expect(trouble).toEqual({
      code: 'FLUE_BRAINTRUST_NOT_STARTED',
      message: expect.stringContaining('appUrl'),
    });
    expect(stderr).toBe(`[flue-braintrust] ${trouble.code}: ${trouble.message}\n`);
  },
);

test.each([
  ['of this thread', `bt.initLogger({ ...options, appUrl: 'nonsense' });`],
  ['of the delivery thread', `bt.initLogger(options).startSpan({ name: 'span' });`],
])(
  'a function may end the process with a diagnostic %s: all listeners of `exit` run',
  async (_, init) => {
    const text = `
    import * as bt from 'flue-braintrust';
    const onError = ({ code }) => { console.log(code); process.exit(9); };
    const options = { apiKey: 'k', apiUrl: 'http://127.0.0.1:9', exitTimeoutMs: 100, onError };
    process.on('exit', (code) => console.log('listener', code));
    ${init}
    setInterval(() => {}, 1000);`;
    const { code, stdout, stderr } = await run(['--input-type=module', '-e', text], {});
    const [reported, ...others] = stdout.trim().split('\n');
    expect({ code, others }).toEqual({ code: 9, others: ['listener 9'] });
    expect(stderr).toContain(`[flue-braintrust] ${reported}: `);
  },
);

test('a function is called outside of the work that went on when its timer began', async () => {
  const intercept = ({ path }: { path: string }) =>
    path === '/logs3' ? { status: 401 } : undefined;
  const collector = await startCollector({ intercept });
  const text = `
    import { AsyncLocalStorage } from 'node:async_hooks';
    import { setTimeout as sleep } from 'node:timers/promises';
    import * as bt from 'flue-braintrust';
    const own = new AsyncLocalStorage();
    const seen = {};
    const note = (what) => seen[what] = [bt.currentSpan() === bt.NOOP_SPAN, own.getStore() ?? null];
    bt.initLogger({ onError: () => note('error') });
    await own.run('of the application', () => bt.traced(async () => {
      bt.setMaskingFunction((value) => (note('mask'), value));
      bt.startSpan({ name: 'masked', event: { input: 'x' } }).end();
      while (!seen.mask || !seen.error) await sleep(50);
    }, { name: 'request' }));
    console.log(JSON.stringify(seen));`;
  try {
    const { code, stdout } = await run(['--input-type=module', '-e', text], destination(collector));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ error: [true, null], mask: [true, null] });
  } finally {
    await collector.close();
  }
});

test('timers without references, as those of a browser, change nothing', async () => {
  const { code, stdout, stderr } = await run([
    '--input-type=module',
    '-e',
    `import * as bt from 'flue-braintrust';
    const { setTimeout: start } = globalThis;
    globalThis.setTimeout = (call, ms) => Number(start(call, ms).unref());
    bt.initLogger({ apiKey: 'k', appUrl: 'http://127.0.0.1:9', onError: () => {}, onReady: () => {}, exitTimeoutMs: 100 });
    bt.setMaskingFunction((value) => value);
    bt.startSpan({ name: 'span' }).end();
    console.log(bt.stats().accepted >= 0);
    await bt.close({ timeoutMs: 100 });`,
  ]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' });
  expect(stderr).not.toMatch(/NOT_STARTED|EVENT_LOST/);
});

test('what is reported a moment after the last row is gone reaches the function, and polling ends', () => {
  jest.useFakeTimers();
  // Otherwise the package does not use the timers that tests replace.
  const timer = jest.spyOn(timers, 'setTimeout').mockImplementation(setTimeout);
  try {
    const reports: string[] = [];
    const waiting: { diagnostic: { code: string; message: string } }[] = [];
    let isIdle = false;
    const native = { take: () => waiting.splice(0), isIdle: () => isIdle };
    const diagnostics = new Diagnostics(native, true);
    diagnostics.listen(({ code }: { code: string }) => reports.push(code));
    jest.advanceTimersByTime(1500);
    isIdle = true;
    jest.advanceTimersByTime(1000);
    waiting.push({ diagnostic: { code: 'FLUE_BRAINTRUST_LOST', message: '' } });
    jest.advanceTimersByTime(1000);
    expect(reports).toEqual(['FLUE_BRAINTRUST_LOST']);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    timer.mockRestore();
    jest.useRealTimers();
  }
});
