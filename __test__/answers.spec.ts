/** What a server answers: pages instead of acknowledgements, bad rows, no answer at all, late answers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Collector, Fault, InterceptedRequest } from '../tools/collector/types';
import { withApp } from './support/app';
import { HANGS_MS, NO_LOSS } from './support/run';

const UPLOAD = '/logs3';
const PAGE: Fault = {
  status: 200,
  body: '<html>Sign in</html>',
  headers: { 'content-type': 'text/html; charset=utf-8' },
};

const uploads = (collector: Collector) => collector.requests.filter(({ path }) => path === UPLOAD);

const onUpload = (fault: (request: InterceptedRequest) => Fault | undefined) => {
  return (request: InterceptedRequest) => (request.path === UPLOAD ? fault(request) : undefined);
};

/** A fault for the first upload only. */
const onFirstUpload = (fault: Fault) => {
  let count = 0;
  return onUpload(() => (count++ === 0 ? fault : undefined));
};

describe('a success without the answer of Braintrust', () => {
  const others: [string, Fault][] = [
    ['a page', PAGE],
    ['nothing', { status: 200, body: '' }],
    ['no content', { status: 204, body: '' }],
    ['plain text', { status: 200, body: 'OK', headers: { 'content-type': 'text/plain' } }],
    ['an error as JSON', { status: 200, body: { error: 'sign in first' } }],
  ];
  test.concurrent.each(others)('is no delivery: %s', (_, fault) => {
    let isWell = false;
    return withApp(
      { intercept: onUpload(() => (isWell ? undefined : fault)) },
      async (app, collector) => {
        await app.record({ count: 10 });
        const early = await app.flush({ timeoutMs: 4_000 });
        expect(early).toMatchObject({ complete: false, sent: 0, pending: 10, lost: NO_LOSS });
        isWell = true;
        const late = await app.flush({ timeoutMs: 20_000 });
        expect(late).toMatchObject({ complete: true, sent: 10, pending: 0 });
        expect(collector.rows()).toHaveLength(10);
        const lines = await app.warned('UNCONFIRMED');
        expect(lines).toEqual([expect.stringContaining(`${collector.url}/logs3 answered 2`)]);
      },
    );
  });

  test.concurrent(
    'is reported with the address and the content type, also when no login checks anything',
    () =>
      withApp(
        { intercept: () => PAGE, logger: { projectId: '00000000-0000-4000-8000-000000000001' } },
        async (app, collector) => {
          await app.record({ count: 3 });
          const report = await app.flush({ timeoutMs: 4_000 });
          expect(report).toMatchObject({ complete: false, sent: 0, pending: 3 });
          const [line, ...more] = await app.warned('UNCONFIRMED');
          expect(line).toContain(`${collector.url}/logs3 answered 200 OK with text/html`);
          expect(line).toContain('BRAINTRUST_API_URL');
          expect(more).toEqual([]);
        },
      ),
  );

  test.concurrent('is reported for the login as well', () =>
    withApp({ intercept: () => PAGE }, async (app, collector) => {
      await app.record({ count: 3 });
      expect(await app.flush({ timeoutMs: 4_000 })).toMatchObject({ complete: false, sent: 0 });
      expect(await app.warned('UNCONFIRMED')).toEqual([
        expect.stringMatching(`${collector.url}/api/apikey/login .* 200 OK with text/html`),
      ]);
    }),
  );
});

describe('a row that the server refuses', () => {
  const isBad = ({ bodyText }: InterceptedRequest) => bodyText.includes('"run_30"');

  test.concurrent.each([400, 404, 422, 500])('takes no other row along (%d)', (status) =>
    withApp(
      { intercept: onUpload((request) => (isBad(request) ? { status } : undefined)) },
      async (app, collector) => {
        await app.record({ count: 60 });
        const report = await app.flush({ timeoutMs: 40_000 });
        expect(report).toMatchObject({ complete: true, sent: 59, lost: { rejected: 1 } });
        expect(collector.rows()).toHaveLength(59);
        const [line] = await app.warned('LOST');
        expect(line).toContain('1 row is lost (rejected)');
        expect(line).toContain(`answered ${status}`);
      },
    ),
  );

  test('is found among thousands with few requests', () =>
    withApp(
      { intercept: onUpload((request) => (isBad(request) ? { status: 400 } : undefined)) },
      async (app, collector) => {
        await app.record({ count: 3_000 });
        const report = await app.flush();
        expect(report).toMatchObject({ complete: true, sent: 2_999, lost: { rejected: 1 } });
        expect(uploads(collector).length).toBeLessThan(80);
      },
    ));

  test('does not make a server that rejects everything be asked for each row', () =>
    withApp({ intercept: onUpload(() => ({ status: 400 })) }, async (app, collector) => {
      await app.record({ count: 2_000 });
      const report = await app.flush();
      expect(report).toMatchObject({ complete: true, sent: 0, lost: { rejected: 2_000 } });
      expect(uploads(collector).length).toBeLessThan(400);
    }));
});

test.concurrent.each([402, 404, 405, 410, 421, 501])(
  'a router that answers %d while its server restarts loses no row',
  (status) => {
    let isWell = false;
    const intercept = onUpload(() => (isWell ? undefined : { status }));
    return withApp({ intercept }, async (app, collector) => {
      await app.record({ count: 10 });
      const early = await app.flush({ timeoutMs: 500 });
      expect(early).toMatchObject({ complete: false, sent: 0, pending: 10, lost: NO_LOSS });
      const [line] = await app.warned(status === 402 ? 'REFUSED' : 'UNREACHABLE');
      expect(line).toContain(`/logs3 answered ${status}`);
      const remedy = status === 402 ? 'check the plan' : 'check BRAINTRUST_APP_URL';
      expect(line).toContain(remedy);
      isWell = true;
      // One more attempt is made at the end, even where only one a minute is made.
      expect(await app.close()).toMatchObject({ complete: true, sent: 10, lost: NO_LOSS });
      expect(collector.rows()).toHaveLength(10);
    });
  },
);

test.concurrent.each(['/api/apikey/login', '/api/project/register'])(
  'a server that wants to be paid is not reported as one that refuses the key: %s',
  (path) => {
    const intercept = (request: InterceptedRequest) =>
      request.path === path ? { status: 402 } : undefined;
    return withApp({ intercept }, async (app) => {
      await app.record({ count: 1 });
      await app.flush({ timeoutMs: 500 });
      const [line] = await app.warned('REFUSED');
      expect(line).toContain('402 Payment Required (check the plan');
      expect(line).not.toContain('BRAINTRUST_API_KEY');
    });
  },
);

describe('a request that is never answered', () => {
  test('is repeated on a fresh connection, and everything is delivered soon', () =>
    withApp({ intercept: onFirstUpload({ hang: true }) }, async (app, collector) => {
      await app.record({ count: 10 });
      await collector.waitFor(() => uploads(collector).length > 0, HANGS_MS);
      await app.record({ from: 10, count: 200 });
      const report = await app.flush({ timeoutMs: 25_000 });
      expect(report).toMatchObject({ complete: true, sent: 210, lost: NO_LOSS });
      expect(collector.rows()).toHaveLength(210);
    }));

  test('is repeated when it is the login', () => {
    let count = 0;
    const intercept = () => (count++ === 0 ? { hang: true } : undefined);
    return withApp({ intercept }, async (app, collector) => {
      await app.record({ count: 10 });
      expect(await app.flush({ timeoutMs: 25_000 })).toMatchObject({ complete: true, sent: 10 });
      expect(collector.rows()).toHaveLength(10);
    });
  });

  test('costs no row at the end of the process', () => {
    const [isLast] = [({ bodyText }: InterceptedRequest) => bodyText.includes('"run_7"')];
    let count = 0;
    const intercept = onUpload((request) =>
      isLast(request) && count++ === 0 ? { hang: true } : undefined,
    );
    // Shorter than a request may take.
    const logger = { exitTimeoutMs: 25_000 };
    return withApp({ intercept, logger }, async (app, collector) => {
      await app.record({ count: 5 });
      await app.flush();
      const { code, stderr } = await app.end(['record', { from: 7, count: 1 }], ['exit']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(collector.rows()).toHaveLength(6);
    });
  });
});

test('a server that takes five seconds for each answer gets requests side by side, also with a spool', async () => {
  const spool = mkdtempSync(join(tmpdir(), 'flue-braintrust-slow-'));
  const delayMs = 5_000;
  try {
    await withApp(
      { intercept: onUpload(() => ({ delayMs })), logger: { spool: { dir: spool } } },
      async (app, collector) => {
        for (let from = 0; from < 45; from += 1) {
          await app.record({ from, count: 1, only: 'start' });
          await new Promise((resolve) => setTimeout(resolve, 20));
          await app.record({ from, count: 1, only: 'end' });
        }
        const report = await app.flush({ timeoutMs: 40_000 });
        expect(report).toMatchObject({ complete: true, lost: NO_LOSS, pending: 0, spooled: 0 });
        expect(collector.rows()).toHaveLength(45);
        // A repetition takes the place of the first request, whose end the server may notice later; a client that has its
        // response may send the next request before the server notices that, too.
        const sent = uploads(collector);
        const endOf = ({ at, doneAt }: (typeof sent)[number]) =>
          Math.min(doneAt ?? at, at + delayMs);
        const atOnce = sent.map(({ at }) => {
          const open = sent.filter((other) => other.at <= at && at < endOf(other));
          return new Set(open.map(({ rowIds = [] }) => rowIds.join())).size;
        });
        expect(Math.max(...atOnce)).toBeLessThanOrEqual(8);
      },
    );
  } finally {
    rmSync(spool, { recursive: true, force: true });
  }
});
