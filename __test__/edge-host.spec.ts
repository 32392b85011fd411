import { join } from 'node:path';
import { ROOT, run } from './support/run';

const SCRIPT = join(ROOT, '__test__/lines/cloudflare/edge/on-node.mjs');

/** What a scenario has seen; see there. */
async function seen(name: string) {
  // With the clock and the timers of a Worker, which a scenario replaces.
  const flags = ['--expose-gc', '--conditions=workerd'];
  const { code, stdout, stderr } = await run([...flags, SCRIPT, name]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test('with the id of a project and a storage, `onReady` is called with the organisation', async () => {
  const ready = { projectId: expect.any(String), orgName: 'local', spool: 'storage' };
  expect(await seen('project by its id')).toEqual([ready]);
});

test('the id of the project and links need no row: they log in within the request', async () => {
  const project = { id: expect.any(String), name: 'edge' };
  const result = await seen('id without a row');
  expect(result).toEqual({ project, isKnown: true, link: '/app/local/object', rows: 0 });
  expect(result.project.id).not.toBe('');
});

test('a flush ends in time, however long the storage and the server take', async () => {
  const { flushMs } = await seen('flush in time');
  expect(flushMs).toBeLessThan(3000);
});

test('what a flush in an alarm has delivered leaves the storage', async () => {
  expect(await seen('flush in an alarm')).toEqual({ isKept: true, complete: true, left: 0 });
});

test('what a logger leaves is in the storage once it is closed, however slow the storage is', async () => {
  const [delivered, failed] = await seen('close with a slow storage');
  // A queued submission is in the snapshot, an interrupted span in a file of rows.
  expect(delivered).toEqual({ isSpan: [true], later: 0 });
  expect(failed).toEqual({ isSpan: [false, true], later: 0 });
});

test('a close waits for nothing while the core cannot be used', async () => {
  expect(await seen('close while the core fails')).toEqual([false, false]);
});

test('a snapshot of open spans is whole after a while in which the storage could delete nothing', async () => {
  const expected = { isLarge: true, values: 1, openSpans: 1 };
  expect(await seen('storage that cannot delete for a while')).toEqual(expected);
});

test('what is sent leaves the storage once that can delete again, although nothing follows', async () => {
  expect(await seen('storage that cannot delete what is sent')).toEqual({ sent: 1, left: 0 });
});

test('a change of the storage that is given up and ends late damages no later one', async () => {
  const sizes = [400_000, 10];
  expect(await seen('storage that answers late')).toEqual({ put: sizes, delete: sizes });
});

test('a storage may return bytes as JSON does; one that lists nothing is reported', async () => {
  const isSent = { isSent: true, lost: [] };
  const lines = [expect.stringMatching(/SPOOL: .*`list` returns neither entries nor keys/)];
  const expected = { json: isSent, list: isSent, none: false, lines };
  expect(await seen('storages of other types')).toEqual(expected);
});

test.each([
  ['text', 'string'],
  ['wrapped bytes', 'object'],
  ['the JSON of a buffer', 'object'],
  ['large numbers', 'object'],
  ['a blob', 'object'],
  ['an empty object', 'object'],
])('a storage that returns %s in place of bytes is reported', async (what, type) => {
  const warning = `SPOOL: The storage returns values of another type than it was given (${type})`;
  const lines = [expect.stringContaining(warning)];
  const expected = { lost: ['spool_damaged'], lines };
  expect(await seen(`storage that returns ${what}`)).toEqual(expected);
});

test('loggers of one project in one storage leave the files of each other alone', async () => {
  const expected = { accepted: 1, before: 1, sent: 2, lost: {}, taken: 1 };
  expect(await seen('two loggers in one storage')).toEqual(expected);
});

test('one of several loggers adopts what an ended isolate has left in their storage', async () => {
  const expected = { accepted: 0, twice: 0, lost: [], left: 0 };
  expect(await seen('two loggers that adopt')).toEqual(expected);
});

test('a logger that opens while another one closes leaves it the rows that it still delivers', async () => {
  const expected = { sent: [3, 1], lost: [], left: 0 };
  expect(await seen('logger that opens while another one closes')).toEqual(expected);
});

test.each([
  ['', 'logger that closes for long'],
  [
    ', in an isolate that stands still',
    'logger that closes for long while the isolate stands still',
  ],
])(
  'a logger that opens takes over what another one cannot deliver for long while it closes%s',
  async (_, name) => {
    expect(await seen(name)).toEqual({ complete: false, sent: 1, lost: {} });
  },
);

test('loggers that flush or close while the isolate stands still have the rest of their time once it runs on', async () => {
  const all = { complete: true, sent: 1, pending: 0, lost: {} };
  const seenOf = {
    'login, flush': all,
    'login, close': all,
    'storage, flush': all,
    'storage, close': all,
  };
  const expected = { seen: seenOf, lines: [] };
  expect(await seen('loggers that end while the isolate stands still')).toEqual(expected);
});

test('a flush after which nothing is recorded stores nothing', async () => {
  const nothing = { isStored: true, complete: true, changes: 0 };
  expect(await seen('repeated flush')).toEqual(nothing);
});

test('a request that is repeated again and again runs at most twice at once', async () => {
  expect(await seen('repeated request')).toBe(2);
});

test('rows of an object that has ended are delivered by another one, or counted as lost', async () => {
  const lost = { not_delivered_at_exit: 1 };
  const { seen: found, lines } = await seen('object that has ended');
  expect(found).toEqual([
    { pending: 1, sent: 3, lost: {} },
    { pending: 1, sent: 0, lost },
  ]);
  expect(lines).toEqual([expect.stringMatching(/: 1 row is lost \(not_delivered_at_exit\): the/)]);
});

test('rows of an object that has ended are not given up for new ones while there is room', async () => {
  expect(await seen('object that has ended, among many')).toEqual({ sent: 65, lost: {} });
});

test('what an object that ends has in memory is sent by others, although its storage has rows, too', async () => {
  const { inputs, pending, lost } = await seen(
    'object that ends with rows in its storage and in memory',
  );
  expect({ inputs: inputs.includes('in memory'), pending, lost }).toEqual({
    inputs: true,
    pending: 0,
    lost: {},
  });
});

test('rows of all storages that the events of a turn name are delivered', async () => {
  expect(await seen('several storages in a turn')).toEqual({ sent: 3 });
});

test('the delivery of an event costs no more for each object beside it', async () => {
  expect(await seen('event beside many objects')).toEqual({ asked: 0, sent: 31 });
});

test('rows of an experiment that a slug names are not kept in the storage', async () => {
  expect(await seen('experiment by a slug')).toEqual({ pending: 1, kept: 0 });
});

test('a function that returns another storage for each event is reported once, and rows are sent all the same', async () => {
  const lines = [expect.stringMatching(/FLUE_BRAINTRUST_BAD_OPTION: `storage` returns another/)];
  expect(await seen('storage by another name for each event')).toEqual({ sent: 20, lines });
});

test('a logger keeps its storage when another module asks for it without one, and when it begins again', async () => {
  const values = [true, true, true];
  expect(await seen('storage that one module names')).toEqual({ values, isSame: true });
});

test('a file that is still read keeps its request alive, and one whose request has ended delays no flush', async () => {
  const { input, lines, ...rest } = await seen('files that are read late');
  expect(rest).toEqual({ isEarly: false, first: 'runs', complete: true });
  expect(JSON.stringify(input)).toContain('3 bytes');
  expect(lines).toEqual([expect.stringMatching(/FLUE_BRAINTRUST_LOST: A file of an update/)]);
});

test('a delivery ends although what the application has put in the place of `fetch` does not', async () => {
  const { end, lastError } = await seen('fetch that ignores its signal');
  expect(end).toBe('ended');
  expect(lastError).toContain('no response in time');
});

test('a response without an end is read up to a bound', async () => {
  const { isBounded, lastError } = await seen('response without an end');
  expect(isBounded).toBe(true);
  expect(lastError).toContain('the response is too large');
});

test('a mock of `fetch` needs no more than a status, headers and a text, whatever its body is', async () => {
  const bodies = ['none', 'string', 'bytes', 'blob', 'object', 'readable', 'stream', 'read'];
  const expected = Object.fromEntries(bodies.map((body) => [body, 1]));
  expect(await seen('mocks of fetch')).toEqual(expected);
});

test('a mock of `fetch` that returns no response, or throws what throws, delays rows no longer than it is there', async () => {
  const [noResponse, unavailable] = ['`fetch` returns no response', '503 Service Unavailable'];
  const found = {
    undefined: ['no connection', 1],
    'a text as the status': [noResponse, 1],
    'no status of HTTP': [noResponse, 1],
    'no text': [noResponse, 1],
    'headers that are no texts': [unavailable, 1],
    'a body that is never cancelled': [unavailable, 1],
    'an error that throws': ['no connection', 1],
  };
  expect(await seen('mocks of fetch that return no response')).toEqual({ found, others: [] });
});

test('timers, clocks and ids that a test of the application replaces are those of the application alone', async () => {
  const expected = { complete: true, inputs: ['one', 'two'] };
  expect(await seen('fake timers and clocks')).toEqual(expected);
});

test('functions of `JSON` that a test of the application replaces are called by the application alone', async () => {
  const expected = { calls: 0, complete: true, sent: 2, lines: [] };
  expect(await seen('mocks of JSON')).toEqual(expected);
});

test('of the six connections of a Worker, one is left to the application while the server does not respond', async () => {
  const { most } = await seen('server that does not respond');
  expect(most).toBeLessThan(6);
});

test('a request that another one repeats is aborted', async () => {
  expect(await seen('request that is repeated')).toEqual({ open: 1 });
});

test('the limit of subrequests is named', async () => {
  expect(await seen('limit of subrequests')).toEqual([
    expect.stringMatching(/FLUE_BRAINTRUST_UNREACHABLE: .*: Cloudflare's limit of subrequests/),
  ]);
});

test('a logger with undelivered rows is found again although nothing refers to it', async () => {
  expect(await seen('logger out of use')).toEqual({ lists: 1 });
});

test('a closed logger is collected although it has left rows in the storage', async () => {
  expect(await seen('closed logger')).toEqual({ isKept: false });
});

test('a flush is not complete while the storage cannot be listed', async () => {
  const report = { complete: false, sent: 1, pending: 0 };
  expect(await seen('storage that is never listed')).toEqual(report);
});

test('the objects of an isolate share the responses of login, registration and limit', async () => {
  const { connecting, sent } = await seen('connections of many objects');
  // Of ten objects of two projects. A slow machine repeats what has no response in time.
  for (const path of ['/api/apikey/login', '/api/project/register', '/version']) {
    expect(connecting[path]).toBeLessThan(5);
  }
  expect(sent).toBe(5);
});

test('a refused key keeps no request alive while nothing can be sent, and loses no row', async () => {
  const { ms, ...rest } = await seen('key that is refused');
  expect(rest).toEqual({ pending: 1, sent: 2 });
  // Deliveries without progress go on for half a minute.
  expect(ms).toBeLessThan(20_000);
});

test('a request ends once its rows are delivered, although others record without a pause', async () => {
  const expected = { isEarly: true, complete: true, lost: {} };
  expect(await seen('requests without a pause')).toEqual(expected);
});

test('a request carries out the deliveries of its own loggers, not of all that are under way', async () => {
  expect(await seen('many loggers')).toEqual({ carried: 1, sent: 31 });
});

test('a very large event is reported as on Node', async () => {
  expect(await seen('large event')).toEqual({ cut: 2, codes: ['FLUE_BRAINTRUST_LARGE'] });
});

test('responses are not shared once the key is refused, nor for long', async () => {
  const { restored, ...rest } = await seen('key that is restored');
  expect(rest).toEqual({ refused: false, isAskedAgain: true });
  expect(restored.map(([logins, complete]: [number, boolean]) => [logins > 0, complete])).toEqual([
    [true, true],
    [true, true],
  ]);
});

test('an outage of many objects is reported once', async () => {
  const code = 'FLUE_BRAINTRUST_UNREACHABLE';
  const { codes, lines } = await seen('warnings of many objects');
  expect({ codes, lines }).toEqual({ codes: [code], lines: [expect.stringContaining(code)] });
});

test('losses of many objects are reported once, and those of all after a minute', async () => {
  const losses = [
    [1, '1 row is lost (rejected)'],
    [4, '4 rows are lost (rejected)'],
  ];
  expect(await seen('losses of many objects')).toEqual({ losses, printed: 2 });
});

test('a storage that the application has emptied is reported with advice for a storage', async () => {
  const { reasons, lines } = await seen('storage that is emptied');
  expect(reasons).toEqual(['spool_damaged']);
  expect(lines).not.toEqual([]);
  expect(lines.join(' ')).not.toMatch(/disk|directory|segment/);
  const lost = lines.filter((line: string) => line.includes('spool_damaged'));
  expect(lost).toEqual([expect.stringMatching(/ lost .*; .*flue-braintrust\/.*deleteAll/)]);
});

test('a console that throws ends no flush', async () => {
  expect(await seen('console that throws')).toEqual({ complete: true });
});

test('a runaway recursion costs no waiting rows', async () => {
  const { reasons, ...rest } = await seen('runaway recursion');
  expect(rest).toEqual({ thrown: 'RangeError', complete: true, others: 20, balance: 0 });
  expect(reasons).not.toContain('engine_failed');
});

test('the masking function leaves the event loop to the application between a few rows', async () => {
  const { found, sent } = await seen('rows that are masked in a turn');
  expect(found).toEqual([
    { complete: true, most: 16 },
    { complete: true, most: 1 },
  ]);
  expect(sent).toBe(200);
});

test('rows of an instance of the core do not get the masked content of one that has failed', async () => {
  expect(await seen('failure while rows are masked')).toEqual(['after']);
});
