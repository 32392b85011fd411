import type { Stats } from '..';
import { startCollector } from '../tools/collector';
import type { Collector, Fault, InterceptedRequest, RequestRecord } from '../tools/collector/types';
import { App, at, warnings, withApp } from './support/app';
import { HANGS_MS, NO_LOSS, PATIENT, run } from './support/run';
import type { Calls, Runs } from './support/application';

const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);

/** The numbers of the runs that are stored, in order. */
function stored(collector: Collector) {
  const runs = collector.rows().map(({ metadata }) => {
    const { 'flue.run_id': run } = metadata as { [name: string]: string };
    return Number(run?.slice('run_'.length));
  });
  return runs.toSorted((one, other) => one - other);
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);

/** Every row is accounted for, and these are the accounts. */
function expectAccounts(
  stats: Stats,
  { sent, pending = 0, lost = {} }: { sent: number; pending?: number; lost?: Stats['lost'] },
) {
  const accepted = sent + pending + sum(Object.values(lost));
  expect(stats).toMatchObject({ accepted, sent, pending });
  expect(stats.lost).toEqual(lost);
  const { bytes } = stats;
  expect(bytes.accepted).toBe(bytes.sent + bytes.pending + sum(Object.values(bytes.lost)));
}

const uploads = (collector: Collector) =>
  collector.requests.filter(({ path }) => path === '/logs3');

type Answer = Fault | undefined;

/** A fault for uploads only, by their number. */
function onUpload(
  fault: (upload: number, request: InterceptedRequest) => Answer | Promise<Answer>,
) {
  let count = 0;
  return (request: InterceptedRequest) =>
    request.path === '/logs3' ? fault(count++, request) : undefined;
}

/** A fault for whatever carries this run. */
const carries = (request: InterceptedRequest, run: number) =>
  request.bodyText.includes(`"run_${run}"`);

/** How many rows were lost, according to the last warning. */
function lostInAll(stderr: string) {
  const lines = warnings(stderr, 'EXIT');
  expect(lines).toEqual([expect.stringMatching(/: \d+ rows are lost/)]);
  return Number(/: (\d+) rows/.exec(lines[0] ?? '')?.[1]);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A moment that others wait for. */
function moment() {
  let come = () => {};
  const hasCome = new Promise<void>((resolve) => (come = resolve));
  return { come, hasCome };
}

/** An address at which nobody listens; a port that was free a moment ago may be that of another test's server. */
const nowhere = 'http://127.0.0.1:9';

describe('a server with a size limit (413)', () => {
  const upTo = (limit: number) =>
    onUpload((_, { bytes }) => (bytes > limit ? { status: 413 } : undefined));

  test('gets smaller batches until they fit, and everything arrives', () =>
    withApp({ intercept: upTo(5_000) }, async (app, collector) => {
      await app.record({ count: 100 });
      const report = await app.flush();
      expect(report.complete).toBe(true);
      expectAccounts(report, { sent: 100 });
      expect(stored(collector)).toEqual(numbers(0, 100));
      const refused = uploads(collector).filter(({ status }) => status === 413);
      expect(refused.length).toBeGreaterThan(3);
      expect(report.requests).toBe(uploads(collector).length);
      expect(app.stderr).toBe('');
    }));

  /** Sixty small rows and a large one in their midst. */
  const oneOfThemLarge: Calls = [
    ['record', { from: 0, count: 30 }],
    ['record', { from: 30, count: 1, size: 9_000 }],
    ['record', { from: 31, count: 30 }],
  ];

  test.each(['PUT', 'POST'] as const)('gets an oversized row separately (%s)', (method) =>
    withApp({ intercept: upTo(5_000), overflowMethod: method }, async (app, collector) => {
      await app.atOnce(...oneOfThemLarge);
      const report = await app.flush();
      expect(report).toMatchObject({ complete: true, cut: 0 });
      expectAccounts(report, { sent: 61 });
      expect(stored(collector)).toEqual(numbers(0, 61));
      expect(collector.rows().find(({ output }) => String(output).length === 9_000)).toBeDefined();
      // Only the ends of these runs are recorded, and no end has a name.
      const nameless = 'span_attributes.name was never sent';
      expect(collector.problems.filter(({ problem }) => problem !== nameless)).toEqual([]);
    }),
  );

  test('and no overflow storage gets an oversized row truncated, and its neighbours unchanged', () =>
    withApp({ intercept: upTo(5_000), payloadMaxBytes: null }, async (app, collector) => {
      await app.atOnce(...oneOfThemLarge);
      const report = await app.flush();
      expect(report.complete).toBe(true);
      expectAccounts(report, { sent: 61 });
      expect(report.cut).toBe(1);
      expect(stored(collector)).toEqual(numbers(0, 61));
      const outputs = collector.rows().map(({ output }) => String(output));
      const marks = outputs.filter((output) =>
        output.includes('[flue-braintrust: cut, 9002 bytes]'),
      );
      expect(marks).toEqual([expect.stringMatching(/^x{100}/)]);
      expect(await app.warned('LARGE')).toHaveLength(1);
    }));

  test('states the limit, which no request then exceeds', () =>
    withApp({ payloadMaxBytes: 10_000 }, async (app, collector) => {
      await app.record({ count: 200 });
      expectAccounts(await app.flush(), { sent: 200 });
      expect(uploads(collector).length).toBeGreaterThan(10);
      expect(new Set(uploads(collector).map(({ status }) => status))).toEqual(new Set([200]));
      expect(stored(collector)).toEqual(numbers(0, 200));
    }));

  test('of a single byte gets one row at a time', () => {
    const version = { status: 200, body: { logs3_payload_max_bytes: 1 } };
    const intercept = ({ path }: InterceptedRequest) => (path === '/version' ? version : undefined);
    return withApp({ intercept }, async (app, collector) => {
      await app.record({ count: 3 });
      const report = await app.flush({ timeoutMs: 30_000 });
      expect(report.complete).toBe(true);
      expectAccounts(report, { sent: 3 });
      expect(uploads(collector).map(({ rowIds }) => rowIds?.length)).toEqual([1, 1, 1]);
    });
  });
});

test.each([400, 422])(
  'what is refused for good with %d is counted, and what follows arrives',
  (status) =>
    withApp(
      { intercept: onUpload((_, request) => (carries(request, 3) ? { status } : undefined)) },
      async (app, collector) => {
        await app.record({ count: 10 });
        const refused = await app.flush();
        expect(refused.complete).toBe(true);
        expectAccounts(refused, { sent: 9, lost: { rejected: 1 } });
        expect(refused.lastError).toContain(String(status));
        await app.record({ from: 10, count: 10 });
        const report = await app.flush();
        expect(report.complete).toBe(true);
        expectAccounts(report, { sent: 19, lost: { rejected: 1 } });
        expect(stored(collector)).toEqual(numbers(0, 20).filter((number) => number !== 3));
        expect(await app.warned('LOST')).toEqual([expect.stringContaining('1 row is lost')]);
      },
    ),
);

describe.each([429, 503])('a server that responds %d with Retry-After', (status) => {
  const seconds = () => '1';
  // Dates have no fractions.
  const date = () => new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000).toUTCString();

  test.each([
    ['in seconds', seconds],
    ['as a date', date],
  ])('%s gets no request until then, whatever other responses arrive', (_, retryAfter) => {
    let until = 0;
    const refuse = () => {
      const value = retryAfter();
      // From the answer on, which a whole second may be less than a date says.
      until = value === '1' ? Date.now() + 1_050 : Date.parse(value);
      return { delayMs: 50, status, headers: { 'retry-after': value } };
    };
    const together = moment();
    return withApp(
      {
        intercept: onUpload(async (upload) => {
          if (upload === 2) together.come();
          await together.hasCome;
          if (upload === 0) return refuse();
          // Under way at the same time, and answered after it: once well, once badly.
          if (upload === 1) return { delayMs: 150 };
          if (upload === 2) return { delayMs: 250, status: 503 };
          return undefined;
        }),
      },
      async (app, collector) => {
        await app.record({ count: 300 });
        const flushed = app.flush();
        await collector.waitFor(() => uploads(collector)[2]?.status === 503, HANGS_MS);
        await app.record({ from: 300, count: 200 });
        const report = await app.flush();
        expect((await flushed).complete).toBe(true);
        expect(report.complete).toBe(true);
        expectAccounts(report, { sent: 500 });
        expect(report.retries).toBe(2);
        expect(stored(collector)).toEqual(numbers(0, 500));
        const [first, second, third, ...later] = uploads(collector);
        expect([first?.status, second?.status, third?.status]).toEqual([status, 200, 503]);
        for (const together of [second!, third!]) expect(together.at).toBeLessThan(first!.doneAt!);
        expect(later).toHaveLength(4);
        for (const request of later) expect(request.at).toBeGreaterThanOrEqual(until);
      },
    );
  });
});

describe('uploads that fail in any order', () => {
  /** Numbers from 0 to 1 that look random and are the same each time. */
  function random(seed: number) {
    return () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  const faults: readonly Fault[] = [
    { status: 503 },
    { reset: true },
    { processFirst: true, reset: true },
    { processFirst: true, status: 502 },
  ];

  /** The rows that two requests carried at one time. */
  function twiceUnderWay(requests: readonly RequestRecord[]) {
    const carriers = new Map<string, RequestRecord[]>();
    for (const request of requests) {
      for (const row of request.rowIds ?? []) {
        carriers.set(row, [...(carriers.get(row) ?? []), request]);
      }
    }
    return [...carriers].flatMap(([row, requests]) =>
      requests.some(({ at }, n) => n > 0 && at < (requests[n - 1]?.doneAt ?? Infinity))
        ? [row]
        : [],
    );
  }

  test.each([1, 2])(
    'are repeated until all is stored, and no row is under way twice (seed %d)',
    (seed) => {
      const next = random(seed);
      const intercept = onUpload(() => {
        const fault = next() < 0.3 ? faults[Math.floor(next() * faults.length)] : {};
        return { ...fault, delayMs: 30 + 40 * next() };
      });
      // Small requests, so that there are many.
      return withApp({ intercept, payloadMaxBytes: 20_000 }, async (app, collector) => {
        for (let from = 0; from < 400; from += 100) {
          await app.record({ from, count: 100, only: 'start' });
          // The starts are under way, or waiting to be tried again, when the ends come.
          const flushed = app.flush({ timeoutMs: 50 });
          await collector.waitFor(
            () => uploads(collector).some(({ doneAt }) => doneAt === null),
            HANGS_MS,
          );
          await app.record({ from, count: 100 });
          await flushed;
        }
        const report = await app.flush({ timeoutMs: 30_000 });
        expect(report).toMatchObject({ complete: true, events: 800, openSpans: 0 });
        expectAccounts(report, { sent: report.accepted });
        expect(report.accepted).toBeGreaterThan(400);
        expect(report.retries).toBeGreaterThan(5);
        expect(report.requests).toBe(uploads(collector).length);
        expect(stored(collector)).toEqual(numbers(0, 400));
        expect(collector.traces().filter(({ finished }) => !finished)).toEqual([]);
        expect(collector.rows().filter(({ output }) => output !== 'x'.repeat(10))).toEqual([]);
        expect(collector.problems).toEqual([]);
        expect(twiceUnderWay(uploads(collector))).toEqual([]);
      });
    },
  );
});

describe('a server that refuses the key (401)', () => {
  test.each(['/logs3', '/api/apikey/login'])(
    'once, at %s, is reported, asked again when the process closes, and gets everything',
    (path) => {
      let refused = 0;
      const intercept = (request: InterceptedRequest) =>
        request.path === path && refused++ === 0 ? { status: 401 } : undefined;
      return withApp({ intercept }, async (app, collector) => {
        await app.record({ count: 250 });
        const report = await app.flush();
        expect(report.complete).toBe(false);
        expect(report.lost).toEqual({});
        expect(report.pending).toBeGreaterThanOrEqual(100);
        const line = '401 Unauthorized (check BRAINTRUST_API_KEY)';
        expect(await app.warned('REFUSED')).toEqual([expect.stringContaining(line)]);
        const closed = await app.close();
        expect(closed.complete).toBe(true);
        expectAccounts(closed, { sent: 250 });
        expect(stored(collector)).toEqual(numbers(0, 250));
      });
    },
  );

  test('while several requests are under way loses nothing when the process ends just then', () => {
    const together = moment();
    return withApp(
      {
        // The first is answered before the end, the second after it has begun.
        intercept: onUpload(async (upload) => {
          if (upload === 1) together.come();
          await together.hasCome;
          return upload < 2 ? { status: 401, delayMs: 300 * upload } : {};
        }),
      },
      async (app, collector) => {
        await app.record({ count: 200 });
        await collector.waitFor(() => uploads(collector)[0]?.status === 401, HANGS_MS);
        const { code, stdout, stderr } = await app.end(['exit']);
        expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
        expect(stored(collector)).toEqual(numbers(0, 200));
        expect(warnings(stderr, 'EXIT')).toEqual([]);
      },
    );
  });

  test.each(['/logs3', '/api/apikey/login'])(
    'for ever, at %s, does not hold up the end, and every row is counted',
    (path) =>
      withApp(
        { intercept: (request) => (request.path === path ? { status: 401 } : undefined) },
        async (app, collector) => {
          await app.record({ count: 1_000 });
          const began = performance.now();
          const report = await app.close({ timeoutMs: 40_000 });
          expect(performance.now() - began).toBeLessThan(30_000);
          expect(report.complete).toBe(false);
          expectAccounts(report, { sent: 0, lost: { unauthorized: 1_000 } });
          expect(stored(collector)).toEqual([]);
          expect(await app.warned('REFUSED')).toHaveLength(1);
          expect(app.stderr).not.toContain('test-key');
        },
      ),
  );
});

describe.each([301, 302, 307, 308])('a redirect (%d) to another server', (status) => {
  test.each(['/logs3', '/api/apikey/login', '/api/project/register'])(
    'at %s is not followed: the other server gets nothing, and the rows are kept',
    async (path) => {
      const other = await startCollector();
      let redirects = true;
      const intercept = (request: InterceptedRequest) =>
        request.path === path && redirects
          ? { status, headers: { location: other.url + path } }
          : undefined;
      try {
        await withApp({ intercept }, async (app, collector) => {
          await app.record({ count: 5 });
          const kept = await app.flush();
          expect(kept.complete).toBe(false);
          expectAccounts(kept, { sent: 0, pending: 5 });
          expect(await app.warned('REFUSED')).toEqual([expect.stringContaining(String(status))]);
          redirects = false;
          expectAccounts(await app.close(), { sent: 5 });
          expect(stored(collector)).toEqual(numbers(0, 5));
        });
        expect(other.requests).toEqual([]);
      } finally {
        await other.close();
      }
    },
  );
});

test.each<[string, Fault]>([
  ['hangs', { hang: true }],
  ['answers 500', { status: 500 }],
  ['answers with a page', { status: 200, body: '<html>Welcome</html>' }],
  ['answers with nothing', { status: 200, body: '' }],
  ['redirects', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }],
])('delivery goes on soon when /version %s', (_, fault) =>
  withApp(
    { intercept: ({ path }) => (path === '/version' ? fault : undefined) },
    async (app, collector) => {
      await app.record({ count: 5 });
      const report = await app.flush({ timeoutMs: 20_000 });
      expect(report).toMatchObject({ complete: true, requests: 1, lastError: null });
      expectAccounts(report, { sent: 5 });
      expect(stored(collector)).toEqual(numbers(0, 5));
    },
  ),
);

test('a /version that hangs costs a short run nothing', () =>
  withApp(
    { intercept: ({ path }) => (path === '/version' ? { hang: true } : undefined) },
    async (app, collector) => {
      const { code, stderr } = await app.end(['record', { count: 5 }], ['exit']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stored(collector)).toEqual(numbers(0, 5));
    },
  ));

describe('how many rows a request has', () => {
  const slow = () => ({ processFirst: true, delayMs: 60 });
  const sizes = (collector: Collector) =>
    uploads(collector).map(({ rowIds }) => rowIds?.length ?? 0);

  test('grows from 100 to 1,000 under backlog', () =>
    withApp({ intercept: slow }, async (app, collector) => {
      await app.record({ count: 100 });
      await app.flush();
      expect(sizes(collector)).toEqual([100]);
      await app.record({ from: 100, count: 20_000 });
      expectAccounts(await app.flush(), { sent: 20_100 });
      expect(Math.max(...sizes(collector))).toBeGreaterThan(500);
      expect(Math.max(...sizes(collector))).toBeLessThanOrEqual(1_000);
    }));

  test('and how many are under way at once is what the variables of the braintrust package say', () => {
    const env = {
      BRAINTRUST_DEFAULT_BATCH_SIZE: '25',
      BRAINTRUST_MAX_CONCURRENT_LOG_REQUESTS: '2',
      BRAINTRUST_QUEUE_DROP_EXCEEDING_MAXSIZE: ' ',
    };
    return withApp({ intercept: slow, env }, async (app, collector) => {
      await app.record({ count: 1_000 });
      expectAccounts(await app.flush(), { sent: 1_000 });
      expect(Math.max(...sizes(collector))).toBe(25);
      const times = uploads(collector).map(({ at, doneAt }) => [at, doneAt ?? at] as const);
      const atOnce = times.map(
        ([at]) => times.filter(([from, to]) => from <= at && at < to).length,
      );
      expect(Math.max(...atOnce)).toBeLessThanOrEqual(2);
    });
  });

  test('is bounded by the number of rows, if the limit is given in rows', () =>
    withApp(
      {
        intercept: () => ({ hang: true }),
        env: { BRAINTRUST_QUEUE_DROP_EXCEEDING_MAXSIZE: '150' },
      },
      async (app) => {
        await app.record({ count: 1_000 });
        let stats = await app.stats();
        while (stats.accepted < 1_000) stats = await app.stats();
        expectAccounts(stats, { sent: 0, pending: 150, lost: { queue_full: 850 } });
      },
    ));
});

describe('flush', () => {
  const unusual = [undefined, null, {}, 7, 'x', ...[null, 'x', Number.NaN, Infinity].map(forMs)];
  const none = [0, -1, -Infinity].map(forMs);
  function forMs(timeoutMs: unknown) {
    return { timeoutMs };
  }
  const flushes = (options: readonly unknown[]) =>
    options.map((option) => ['flush', option] as const);

  test('resolves with the numbers, whatever it is given', () =>
    withApp({}, async (app, collector) => {
      await app.record({ count: 150 });
      const reports = await app.atOnce(...flushes(unusual));
      expect(reports).toHaveLength(unusual.length);
      for (const report of reports) {
        expect(report).toMatchObject({ complete: true, events: 150, openSpans: 0, retries: 0 });
        expectAccounts(report as Stats, { sent: 150 });
      }
      expect(stored(collector)).toEqual(numbers(0, 150));
      // With nothing under way there is nothing to wait for.
      for (const report of await app.atOnce(...flushes(none))) {
        expect(report).toMatchObject({ complete: true, sent: 150 });
      }
    }));

  test('waits for no more than its time against a server that never answers, and never rejects', () =>
    withApp({ intercept: () => ({ hang: true }) }, async (app) => {
      await app.record({ count: 5 });
      const began = performance.now();
      const [timed] = await app.atOnce(['flush', forMs(300)]);
      expect(timed).toMatchObject({ complete: false, sent: 0, pending: 5, lost: NO_LOSS });
      expect(performance.now() - began).toBeGreaterThan(290);
      for (const report of await app.atOnce(...flushes(none))) {
        expect(report).toMatchObject({ complete: false, pending: 5 });
      }
      // The default is ten seconds.
      expect(performance.now() - began).toBeLessThan(9_000);
      let answered = false;
      const waiting = app.atOnce(...flushes(unusual)).finally(() => (answered = true));
      await wait(300);
      expect(answered).toBe(false);
      expect(await app.close({ timeoutMs: 100 })).toMatchObject({ complete: false });
      const reports = await waiting;
      expect(reports).toHaveLength(unusual.length);
      for (const report of reports) {
        expect(report).toMatchObject({ complete: false });
        expectAccounts(report as Stats, { sent: 0, lost: { not_delivered_at_exit: 5 } });
      }
      // What was lost before is not theirs: who flushes until all is complete comes to an end.
      expect(await app.flush()).toMatchObject({ complete: true });
      expect(await app.close()).toMatchObject({ complete: true });
    }));

  /** The server answers the first upload once all is read, and never the one that carries run 300. */
  async function untilRead(count: number, use: (app: App, collector: Collector) => Promise<void>) {
    const read = moment();
    const intercept = onUpload((_, request) =>
      carries(request, 300) ? { hang: true } : read.hasCome.then(() => undefined),
    );
    await withApp({ intercept }, async (app, collector) => {
      const used = use(app, collector);
      while ((await app.stats()).accepted < count) await wait(20);
      read.come();
      await used;
    });
  }

  test('waits only for what came before, when that is under way already', () =>
    untilRead(101, async (app, collector) => {
      await app.record({ count: 100 });
      const flushed = app.flush();
      await collector.waitFor(() => uploads(collector).length > 0, HANGS_MS);
      await app.record({ from: 300, count: 1 });
      const report = await flushed;
      expect(report.complete).toBe(true);
      expectAccounts(report, { sent: 100, pending: 1 });
      expect(stored(collector)).toEqual(numbers(0, 100));
    }));

  test('waits only for what came before, also when more comes in the same moment', () =>
    untilRead(200, async (app, collector) => {
      const [, report] = await app.atOnce(
        ['record', { count: 100 }],
        ['flush', PATIENT],
        ['record', { from: 300, count: 100 }],
      );
      expect(report).toMatchObject({ complete: true, sent: 100, pending: 100 });
      expect(stored(collector)).toEqual(numbers(0, 100));
    }));
});

test('the queue has a bound: a full one refuses starts, counts them, and warns once; every end is kept', () =>
  withApp({ intercept: () => ({ hang: true }) }, async (app) => {
    const before = await app.usage();
    const size = 100_000;
    // The engine has time to read what comes, as in an application that does something else, too.
    for (let from = 0; from < 3_000; from += 300)
      await app.record({ from, count: 300, size, only: 'both' });
    const { rssMiB } = await app.usage();
    expect(rssMiB - before.rssMiB).toBeLessThan(64 * 2 + 64);
    let stats = await app.stats();
    while (stats.pending < 3_000) stats = await app.stats();
    const { queue_full: refused = 0, ...others } = stats.lost;
    expect(others).toEqual({});
    // 64 MiB: no fewer rows than fit as UTF-16, and no more than fit as UTF-8 and one.
    expect(stats.bytes.pending).toBeGreaterThanOrEqual(2 ** 25 - 2 * size);
    expect(stats.bytes.pending).toBeLessThanOrEqual(2 ** 26 + 2 * size);
    expect(await app.warned('LOST')).toEqual([expect.stringContaining('queue_full')]);
    const report = await app.close({ timeoutMs: 500 });
    const lost = { queue_full: refused, not_delivered_at_exit: 3_000 };
    expectAccounts(report, { sent: 0, lost });
    expect(await app.warned('LOST')).toHaveLength(1);
  }));

test('the end of a span that was accepted is never refused, though its content may be dropped', () =>
  withApp(
    { intercept: () => ({ hang: true }), logger: { maxQueueBytes: 8 * 2 ** 20 } },
    async (app) => {
      await app.record({ count: 100, only: 'start' });
      for (let from = 0; from < 100; from++) {
        await app.record({ from, count: 1, size: 2 ** 20, only: 'end' });
      }
      let stats = await app.stats();
      while (stats.openSpans > 0) stats = await app.stats();
      expect(stats.lost).toEqual({});
      expect(stats.cut).toBeGreaterThan(50);
      expect(stats.bytes.pending).toBeLessThan(12 * 2 ** 20);
      expect(await app.warned('CUT')).toEqual([expect.stringContaining('maxQueueBytes')]);
    },
  ));

test('an undelivered conversation takes memory for its messages once, not for each turn', async () => {
  const collector = await startCollector({ intercept: () => ({ hang: true }) });
  const program = `
    const { initLogger, braintrustFlueObserver: observe, stats, close } = require('flue-braintrust');
    const url = '${collector.url}';
    initLogger({ apiKey: 'k', appUrl: url, apiUrl: url, maxQueueBytes: 4 * 2 ** 20, turnInput: 'full' });
    const messages = [];
    for (let turn = 0; turn < 300; turn++) {
      messages.push(Object.freeze({ role: 'user', content: String(turn).padEnd(2000, 'x') }));
      const timestamp = new Date().toISOString();
      const ids = { v: 3, timestamp, turnId: 't' + turn, operationId: 'o', conversationId: 'c' };
      const input = Object.freeze({ systemPrompt: '', tools: Object.freeze([]), messages: Object.freeze([...messages]) });
      observe(Object.freeze({ type: 'turn_request', ...ids, purpose: 'agent', request: Object.freeze({ input }) }));
      observe({ type: 'turn', ...ids, purpose: 'agent', durationMs: 0, isError: false, response: {} });
    }
    const look = () => {
      const { accepted, lost, bytes } = stats();
      if (accepted < 301) return setTimeout(look, 50);
      // By now there has been time to change what waits.
      setTimeout(() => console.log(JSON.stringify({ lost: stats().lost, bytes: stats().bytes.pending })), 500);
      setTimeout(() => close({ timeoutMs: 0 }), 600);
    };
    look();`;
  try {
    const { code, stdout } = await run(['-e', program]);
    const { lost, bytes } = JSON.parse(stdout);
    expect({ code, lost }).toEqual({ code: 0, lost: {} });
    // Together the turns show 90 MB.
    expect(bytes).toBeGreaterThan(80e6);
  } finally {
    await collector.close();
  }
});

describe('the end of the process', () => {
  test('waits for what close has begun', () =>
    withApp({ intercept: onUpload(() => ({ delayMs: 100 })) }, async (app, collector) => {
      const ended = await app.end(['record', { count: 250 }], ['close'], ['exit']);
      expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
      expect(stored(collector)).toEqual(numbers(0, 250));
    }));

  test.each(['exit', 'leave'] as const)(
    'by %s waits for everything that was recorded, wherever it goes',
    (ending) => {
      // The first destination is the slowest.
      const slow = (request: InterceptedRequest) => ({ delayMs: carries(request, 0) ? 400 : 0 });
      const intercept = onUpload((_, request) => slow(request));
      return withApp({ intercept, logger: { projectName: 'one' } }, async (app, collector) => {
        const to = (projectName: string) => ['init', { ...at(collector), projectName }] as const;
        const ended = await app.end(
          // And what goes there is large: it is still being read.
          ['record', { count: 1, size: 2_000_000 }],
          to('two'),
          ['record', { from: 1, count: 1 }],
          to('three'),
          ['record', { from: 2, count: 150 }],
          [ending],
        );
        expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
        expect(stored(collector)).toEqual(numbers(0, 152));
        const projects = collector.rows().map(({ project_id }) => project_id);
        expect(new Set(projects).size).toBe(3);
      });
    },
  );

  test.each(['exit', 'leave'] as const)(
    'by %s waits for several destinations no longer than for one',
    async (ending) => {
      const exitTimeoutMs = 4_000;
      const logger = { ...at({ url: nowhere }), exitTimeoutMs };
      await withApp({ logger }, async (app) => {
        const to = (projectName: string) => ['init', { ...logger, projectName }] as const;
        const { code, stdout, stderr, tookMs } = await app.end(
          ['record', { count: 5 }],
          to('two'),
          ['record', { count: 5 }],
          to('three'),
          ['record', { count: 5 }],
          [ending],
        );
        expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
        expect(warnings(stderr, 'EXIT')).toHaveLength(3);
        expect(tookMs).toBeGreaterThan(exitTimeoutMs - 10);
        expect(tookMs).toBeLessThan(2 * exitTimeoutMs);
      });
    },
  );

  test.each([0, 300])(
    'comes within %d ms whatever waits, and says how much is lost',
    (exitTimeoutMs) =>
      withApp(
        {
          logger: { exitTimeoutMs },
          intercept: onUpload((upload) => ({ delayMs: 30_000 * upload })),
        },
        async (app, collector) => {
          const ended = await app.end(['record', { count: 20_000 }], ['exit']);
          expect(ended).toMatchObject({ code: 0, stdout: 'done\n' });
          // The recording itself takes a while.
          expect(ended.tookMs).toBeLessThan(20_000);
          const lost = lostInAll(ended.stderr);
          const arrived = stored(collector).length;
          expect(lost).toBeGreaterThanOrEqual(20_000 - arrived);
          // A request that was under way may arrive, but nobody is there to know.
          const unknown = sum(uploads(collector).map(({ rowIds }) => rowIds?.length ?? 0));
          expect(lost).toBeLessThanOrEqual(20_000 - arrived + unknown);
        },
      ),
  );

  test.each<[string, Runs, number]>([
    // Reading one takes longer than the end may wait.
    ['large events', { count: 60, size: 500_000 }, 60],
    // Those whose start is under way, in eight requests of a thousand, take another row for their end.
    ['open spans', { count: 20_000, only: 'start' }, 28_000],
  ])('comes in time with many %s, and says how much is lost', (_, runs, most) =>
    withApp(
      { logger: { exitTimeoutMs: 0 }, intercept: onUpload(() => ({ hang: true })) },
      async (app) => {
        const ended = await app.end(['record', runs], ['exit']);
        expect(ended).toMatchObject({ code: 0, stdout: 'done\n' });
        expect(ended.tookMs).toBeLessThan(20_000);
        const lost = lostInAll(ended.stderr);
        expect(lost).toBeGreaterThanOrEqual(runs.count);
        expect(lost).toBeLessThanOrEqual(most);
      },
    ),
  );

  test('is the same when nobody reads what is written to stderr', async () => {
    const logger = { ...at({ url: nowhere }), exitTimeoutMs: 200 };
    await withApp({ logger }, async (app) => {
      app.deafen();
      await app.record({ count: 5 });
      // Long enough for warnings while it runs.
      await app.flush({ timeoutMs: 2_500 });
      const ended = await app.end(['record', { count: 5 }], ['exit']);
      expect(ended).toMatchObject({ code: 0, signal: null, stdout: 'done\n', stderr: '' });
    });
  });
});

test('waiting costs nothing, for events or for a server', async () => {
  const used = async (app: App) => {
    const before = await app.usage();
    await wait(3_000);
    return (await app.usage()).cpuMs - before.cpuMs;
  };
  await withApp({}, (idle) =>
    withApp({ logger: at({ url: nowhere }) }, async (waiting) => {
      for (const app of [idle, waiting]) await app.record({ count: 150 });
      expect((await idle.flush()).complete).toBe(true);
      const [idled, waited] = await Promise.all([used(idle), used(waiting)]);
      expect(idled).toBeLessThan(300);
      expect(waited).toBeLessThan(300);
      expect(await waiting.stats()).toMatchObject({ sent: 0, pending: 150, lost: NO_LOSS });
    }),
  );
});
