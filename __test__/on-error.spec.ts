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
