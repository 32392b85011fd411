import { Diagnostics } from '../js/diagnostics';
import { run } from './support/run';

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

test('what is reported a moment after the last row is gone reaches the function, and polling ends', () => {
  jest.useFakeTimers();
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
    jest.useRealTimers();
  }
});
