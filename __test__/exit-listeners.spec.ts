import { startCollector } from '../tools/collector';
import type { Collector, CollectorOptions } from '../tools/collector/types';
import { destination, run } from './support/run';

let collector: Collector;
afterEach(() => collector.close());

const SETUP = `const { initLogger, setMaskingFunction, startSpan, traced } = require('flue-braintrust');`;

/** Runs a program after `SETUP` to its end; gives how it ended, and the rows that arrived by the names of their spans. */
async function end(program: string, options: CollectorOptions = {}) {
  collector = await startCollector(options);
  const ended = await run(['-e', SETUP + program], destination(collector));
  const rows: Record<string, any> = {};
  for (const row of collector.rows() as any[]) rows[row.span_attributes?.name] = row;
  return { ...ended, rows };
}

const FIVE = `for (let n = 1; n <= 5; n++) traced(() => {}, { name: 'span ' + n });`;
const names = ['span 1', 'span 2', 'span 3', 'span 4', 'span 5'];

describe.each([
  ['process.exit()', 'process.exit(3);', 3],
  ['a natural end', '', 3],
  ['an uncaught error', `setImmediate(() => { throw new Error('thrown'); });`, 3],
  ['a rejection', `Promise.reject(new Error('rejected'));`, 3],
])('at %s', (_, ending, code) => {
  test.each([
    ['that calls process.exit', 'process.exit(3)', code],
    ['that calls process.reallyExit', 'process.reallyExit(3)', code],
    ['that throws', `throw new Error('a listener threw')`, undefined],
  ])('a listener of the application before ours %s loses nothing', async (__, act, expected) => {
    const { rows, ...ended } = await end(`
      process.on('exit', () => { ${act}; });
      initLogger();
      ${FIVE}
      startSpan({ name: 'open' });
      ${ending}`);
    expect(Object.keys(rows).toSorted()).toEqual(['open', ...names]);
    expect(rows.open.metadata).toMatchObject({ 'flue.interrupted': true });
    if (expected !== undefined) expect(ended.code).toBe(expected);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).not.toContain('flue-braintrust]');
  });
});

test('a listener that is prepended later and ends the process loses nothing', async () => {
  const { code, rows, stderr } = await end(`
    initLogger();
    ${FIVE}
    process.prependListener('exit', () => process.exit(4));
    process.exit(0);`);
  expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
  expect(Object.keys(rows).toSorted()).toEqual(names);
});

test.each(['process.exit(0);', ''])(
  'a listener after ours may end spans and record new ones: %s',
  async (ending) => {
    const { code, rows, stderr } = await end(`
      initLogger();
      const span = startSpan({ name: 'open' });
      process.on('exit', () => {
        span.log({ output: 'late' });
        span.end();
        traced(() => {}, { name: 'new' });
      });
      ${ending}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Object.keys(rows).toSorted()).toEqual(['new', 'open']);
    expect(rows.open.output).toBe('late');
    // The row that corrects the span: it was closed as interrupted before.
    expect(rows.open.metadata).toEqual({ 'flue.interrupted': false });
  },
);

test('a listener between ours may end spans that a masking function masks', async () => {
  const { code, rows, stderr } = await end(`
    let span;
    process.on('exit', () => { span.log({ output: 'SECRET' }); span.end(); });
    setMaskingFunction((value) => JSON.parse(JSON.stringify(value).replaceAll('SECRET', 'hidden')));
    initLogger();
    span = startSpan({ name: 'open' });
    process.exit(0);`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(rows.open.output).toBe('hidden');
});

test.each([
  ['frozen `process`', 'Object.freeze(process);'],
  ['replaced a function of it', `process.listeners = () => { throw new Error('replaced'); };`],
])(
  'other listeners run and the exit code stays where the application has %s',
  async (_, change) => {
    const { code, rows, stdout, stderr } = await end(`
      initLogger();
      process.on('exit', () => console.log('runs'));
      ${FIVE}
      process.exitCode = 4;
      ${change}`);
    expect({ code, stdout, stderr }).toEqual({ code: 4, stdout: 'runs\n', stderr: '' });
    expect(Object.keys(rows).toSorted()).toEqual(names);
  },
);

test('a listener after ours sees the final numbers', async () => {
  const { stdout, rows } = await end(`
    const { stats } = require('flue-braintrust');
    initLogger();
    ${FIVE}
    startSpan({ name: 'open' });
    process.on('exit', () => {
      const { accepted, sent, openSpans } = stats();
      console.log(JSON.stringify({ accepted, sent, openSpans }));
    });
    process.exit(0);`);
  expect(Object.keys(rows)).toHaveLength(6);
  const { accepted, sent, openSpans } = JSON.parse(stdout);
  expect({ accepted, openSpans }).toEqual({ accepted: sent, openSpans: 0 });
  expect(sent).toBeGreaterThanOrEqual(6);
});

test('what a listener after ours records and nobody can mask any longer is delivered without content', async () => {
  const { code, rows, stderr } = await end(`
    setMaskingFunction((value) => value);
    initLogger();
    ${FIVE}
    process.on('exit', () => traced(() => {}, { name: 'new' }));
    process.exit(0);`);
  expect(code).toBe(0);
  expect(Object.keys(rows).toSorted()).toEqual([...names, 'undefined']);
  expect(rows.undefined.metrics.end).toBeGreaterThan(0);
  expect(stderr).toContain('FLUE_BRAINTRUST_CUT');
});

test.each([
  ['hangs', { intercept: () => ({ hang: true }) }, '5 not_delivered_at_exit'],
  ['fails', { intercept: () => ({ status: 500 }) }, '5 not_delivered_at_exit'],
  ['refuses the key', { intercept: () => ({ status: 401 }) }, '5 unauthorized'],
] as [string, CollectorOptions, string][])(
  'the loss is reported once when the server %s and a listener ends the process',
  async (_, options, loss) => {
    const { code, stderr } = await end(
      `
      process.on('exit', () => process.exit(3));
      initLogger({ exitTimeoutMs: 300 });
      ${FIVE}
      process.exit(0);`,
      options,
    );
    expect(code).toBe(3);
    expect(stderr.match(/FLUE_BRAINTRUST_EXIT/g)).toHaveLength(1);
    expect(stderr).toContain(`5 rows are lost (${loss})`);
  },
);

test('a refused key and process.exit: the last line is the loss', async () => {
  const { stderr } = await end(
    `
    initLogger();
    ${FIVE}
    setTimeout(() => process.exit(0), 500);`,
    { intercept: () => ({ status: 401 }) },
  );
  expect(stderr.trimEnd().split('\n').at(-1)).toContain('5 rows are lost (5 unauthorized)');
});

test('the exit timeout is the time of all listeners together', async () => {
  const { stdout } = await end(
    `
    initLogger({ exitTimeoutMs: 3000 });
    ${FIVE}
    process.on('exit', () => traced(() => {}, { name: 'new' }));
    const began = performance.now();
    process.on('exit', () => console.log(performance.now() - began));
    process.exit(0);`,
    { intercept: () => ({ hang: true }) },
  );
  expect(Number(stdout)).toBeLessThan(6000);
});

test.each([
  `process.on('uncaughtException', () => process.exit(7)); setImmediate(() => { throw 1; });`,
  `process.on('unhandledRejection', () => process.exit(7)); Promise.reject(1);`,
  `process.on('beforeExit', () => process.exit(7));`,
  `Promise.reject(1).catch(() => process.exit(7));`,
])('a handler that ends the process loses nothing: %s', async (ending) => {
  const { code, rows, stderr } = await end(`initLogger(); ${FIVE} ${ending}`);
  expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
  expect(Object.keys(rows).toSorted()).toEqual(names);
});

test.each([
  `process.on('exit', () => process.exit(3));`,
  `process.on('exit', () => { throw new Error('thrown'); });`,
])('a listener in a worker before ours loses nothing: %s', async (listener) => {
  const worker = `${SETUP} ${listener} initLogger(); ${FIVE} startSpan({ name: 'open' });`;
  const { code, rows } = await end(`
    const { Worker } = require('node:worker_threads');
    new Worker(${JSON.stringify(worker)}, { eval: true }).on('error', () => {});`);
  expect(code).toBe(0);
  expect(Object.keys(rows).toSorted()).toEqual(['open', ...names]);
});

test('what is recorded after the application itself emitted the event is reported', async () => {
  const { code, rows, stderr } = await end(`
    initLogger();
    ${FIVE}
    process.emit('exit', 0);
    ${FIVE}`);
  expect(code).toBe(0);
  expect(Object.keys(rows).toSorted()).toEqual(names);
  expect(stderr).toMatch(/EXIT: \d+ rows are lost \(\d+ not_delivered_at_exit\)/);
});

test('process.exit inside a span closes it and loses nothing', async () => {
  const { code, rows } = await end(`
    initLogger();
    traced(() => { ${FIVE} process.exit(5); }, { name: 'open' });`);
  expect(code).toBe(5);
  expect(Object.keys(rows).toSorted()).toEqual(['open', ...names]);
});

test.each([
  ['an error of a listener that the application handles', 'setImmediate(() => process.exit(0));'],
  ['an error of a listener that the application catches', 'try { process.exit(0); } catch {}'],
  ['an event that the application emits', `try { process.emit('exit', 0); } catch {}`],
])('after %s the process records on, masked and to its end', async (_, ending) => {
  const { code, rows, stderr } = await end(`
    let hasThrown = false;
    process.on('uncaughtException', () => {});
    process.on('exit', () => {
      if (hasThrown) return;
      hasThrown = true;
      throw new Error('a listener threw');
    });
    const logger = initLogger({ exitTimeoutMs: 500 });
    setMaskingFunction((value) => (value === 'SECRET' ? 'masked' : value));
    const open = startSpan({ name: 'open' });
    ${FIVE}
    // Longer than an exit takes.
    setTimeout(async () => {
      traced((span) => span.log({ output: 'SECRET' }), { name: 'later' });
      open.end();
      const { complete, lost, sent } = await logger.flush();
      if (!complete || Object.keys(lost).length > 0) process.exitCode = 9;
      // The counters go on.
      if (sent !== logger.stats().sent || sent < 7) process.exitCode = 10;
      traced(() => {}, { name: 'last' });
    }, 1_000);
    ${ending}`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(Object.keys(rows).toSorted()).toEqual(['last', 'later', 'open', ...names]);
  expect(rows.later.output).toBe('masked');
  expect(rows.open.metrics.end).toEqual(expect.any(Number));
});

describe('a listener of beforeExit that waits for our delivery lets the process end', () => {
  const listening = (call: string, exitTimeoutMs = 60_000) => `
    let calls = 0;
    initLogger({ exitTimeoutMs: ${exitTimeoutMs} });
    const { close, flush } = require('flue-braintrust');
    ${FIVE}
    process.on('beforeExit', async () => {
      if (++calls > 20) process.exit(9);
      await ${call};
    });`;

  test.each(['flush()', 'close()', 'flush({ timeoutMs: 5 })'])('%s', async (call) => {
    const { code, rows, stderr } = await end(listening(call));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Object.keys(rows).toSorted()).toEqual(names);
  });

  test('with nothing recorded', async () => {
    const { code, stderr } = await end(listening('flush()').replace(FIVE, ''));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test.each(['flush({ timeoutMs: 50 })', 'close({ timeoutMs: 50 })'])(
    'without a server: %s',
    async (call) => {
      const { code, stderr } = await end(
        `process.env.BRAINTRUST_APP_URL = process.env.BRAINTRUST_API_URL = 'http://127.0.0.1:9';
        ${listening(call, 100)}`,
      );
      expect(code).toBe(0);
      expect(stderr).toContain('5 rows are lost');
    },
  );
});
