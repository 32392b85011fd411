import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import required = require('..');
import { environment, NODE, ROOT, run } from './support/run';

const SCENARIOS = join(ROOT, '__test__/lines/cloudflare/edge/scenarios.mjs');

let scenarios: ChildProcess;
let results: AsyncIterator<string>;
beforeAll(() => {
  scenarios = spawn(NODE, [SCENARIOS], {
    env: environment({}),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  results = createInterface(scenarios.stdout!)[Symbol.asyncIterator]();
});
afterAll(async () => {
  const ended = once(scenarios, 'exit');
  scenarios.stdin?.end();
  await ended;
});

/** What a scenario has seen; see there. */
async function seen(name: string) {
  scenarios.stdin?.write(`${name}\n`);
  const { value, done } = await results.next();
  if (done) throw new Error('the scenarios have ended');
  const result = JSON.parse(value);
  if (typeof result === 'string') throw new Error(result);
  return result;
}

test('what is recorded at the top level of a module is counted, and what calls other objects is not called', async () => {
  const { lines, ...rest } = await seen('top level, and stubs');
  const stub = '[flue-braintrust: DurableObject]';
  expect(rest).toEqual({
    complete: true,
    made: 0,
    unhandled: 0,
    // A span, feedback, the start of an operation, and its end.
    lost: { unreadable_event: 4 },
    input: [stub],
    output: { stub },
  });
  expect(lines).toEqual([
    expect.stringMatching(/FLUE_BRAINTRUST_EVENT_LOST: .* outside of a request, where Cloudflare/),
  ]);
});

test('no name of the package throws or rejects at the top level of a module', async () => {
  const { key, lines, ...rest } = await seen('every name at the top level');
  // A file that was made there is recorded in a request.
  expect(rest).toEqual({ untried: [], failures: {}, unhandled: 0, complete: true });
  expect(key).toMatch(/^[0-9a-f]{8}-/);
  expect(lines.filter((line: string) => !/_(BAD_ID|BAD_PARENT|BAD_SPAN): /.test(line))).toEqual([
    expect.stringMatching(/FLUE_BRAINTRUST_EVENT_LOST: .* outside of a request, where Cloudflare/),
  ]);
});

test('one program records the same rows in a Worker as on Node, and sees the same', async () => {
  const { rows, differing, results } = await seen('one program on both');
  expect(differing).toEqual([]);
  expect(rows[0]).toBe(rows[1]);
  expect(rows[0]).toBeGreaterThan(40);
  expect(results[0]).toEqual(results[1]);
});

test('with the earliest compatibility date, which has no weak references, objects are recorded', async () => {
  expect(await seen('early compatibility date')).toEqual({
    complete: true,
    weakReferences: 'undefined',
    input: { plant: { name: 'fern' }, url: 'https://example.com/a' },
  });
});

test('an application that is evaluated again, as by the dev server of Vite, is traced on', async () => {
  const seenTwice = { outcomes: ['function', 'function'], complete: true, accepted: 2 };
  expect(await seen('application that is evaluated again')).toEqual(seenTwice);
});

test('the span of a call of another object ends with the call, and the call stays what it is', async () => {
  const { spans, ...rest } = await seen('calls of another object');
  expect(rest).toEqual({
    given: { litres: 5 },
    error: 'no fire',
    crop: 'beans',
    complete: true,
    unhandled: 0,
  });
  expect(spans).toEqual([
    { name: 'water', isWhole: true, output: { litres: 5 } },
    { name: 'burn', isWhole: true, error: expect.stringContaining('no fire') },
    { name: 'plot', isWhole: true },
  ]);
});

test('what delivers records nothing although the application traces all that it calls', async () => {
  expect(await seen('delivery that is traced')).toEqual({
    // Without a key: the response of the collector to the application itself.
    status: 401,
    seen: ['onReady'],
    // Later deliveries leave nothing to deliver.
    rows: [0, 0, 0],
    complete: true,
    // A call of the application itself is recorded, and so is `onReady`.
    names: ['before', 'fetch', 'onReady', 'own', 'request', 'root'],
  });
});

test('rows of an outage are kept in the storage of their object, and sent by the next event', async () => {
  const { recorded, ...rest } = await seen('storage, the same isolate');
  expect(rest).toEqual({ isKept: true, left: 0, ended: recorded, lost: {} });
});

test('after an object has aborted itself in the turn of an event, the events of others are delivered', async () => {
  expect(await seen('object that aborts itself')).toContain('next');
});

test('functions of the application are called although an object has aborted itself in one of them', async () => {
  const calls = await seen('object that aborts itself in a function');
  expect(calls).toEqual(expect.arrayContaining(['enrich with none', 'onError with none']));
});

test('rows that an isolate left in the storages of two objects are sent by their next flush', async () => {
  const { recorded, ...rest } = await seen('storage, another isolate');
  expect(rest).toEqual({ before: 0, complete: true, ended: recorded, lost: {} });
});

test('a storage that rejects is reported once by console.warn, and its rows are sent from memory', async () => {
  const { recorded, lines, ...rest } = await seen('storage that fails');
  expect(rest).toEqual({ ended: recorded, lost: {} });
  expect(lines).toEqual([expect.stringMatching(/FLUE_BRAINTRUST_SPOOL: .*no room/)]);
});

test('a storage that throws leaves no rejection unhandled, and costs no row', async () => {
  const { lines, ...rest } = await seen('storage that throws');
  expect(rest).toEqual({ unhandled: 0, lost: {} });
  expect(lines).toEqual([expect.stringMatching(/FLUE_BRAINTRUST_SPOOL: .*no room/)]);
});

test('a function that returns no storage but a promise is reported once', async () => {
  const { recorded, lines, ...rest } = await seen('storage that is a promise');
  expect(rest).toEqual({ unhandled: 0, ended: recorded });
  expect(lines).toEqual([expect.stringMatching(/FLUE_BRAINTRUST_SPOOL: `storage` has no `get`/)]);
});

test('a storage that cannot be listed at first is used once it can be', async () => {
  const { recorded, lines, ...rest } = await seen('storage that cannot be listed');
  expect(rest).toEqual({ isStored: true, ended: recorded, lost: {} });
  const others = /FLUE_BRAINTRUST_UNREACHABLE/;
  expect(lines.filter((line: string) => !others.test(line))).toEqual([
    expect.stringMatching(/FLUE_BRAINTRUST_SPOOL: .*no connection/),
  ]);
});

test('all pages of a storage like KV are read', async () => {
  const { turns, ...rest } = await seen('storage by pages');
  expect(rest).toEqual({ isMore: true, delivered: turns });
});

test('objects for which no recorder is kept lose nothing', async () => {
  const { count, lines, ...rest } = await seen('many objects');
  expect(rest).toEqual({ ended: count, accepted: count, lost: {} });
  // On a slow machine the server of so many may be reported, too.
  const ofStorage = lines.filter((line: string) => !line.includes('UNREACHABLE'));
  expect(ofStorage).toEqual([expect.stringMatching(/FLUE_BRAINTRUST_SPOOL: 256 objects/)]);
});

test('objects that begin at the same time share what connects them', async () => {
  const { objects, asked, count, ...rest } = await seen('many objects that connect');
  expect(rest).toEqual({ ended: count });
  // A slow machine repeats what has no response in time.
  for (const requests of asked) expect(requests).toBeLessThan(objects / 2);
});

test('rows of an outage leave with the requests that wait for them, however many objects there are', async () => {
  const { count, ...rest } = await seen('many objects in an outage');
  expect(rest).toEqual({ ended: count, accepted: count, lost: {} });
});

test('an object that begins changes nothing for those that run, nor for a conversation that goes on in it', async () => {
  const { turns, timed, isWhole } = await seen('neighbours');
  expect(turns).toBeGreaterThan(3);
  expect({ timed, isWhole }).toEqual({ timed: turns, isWhole: true });
});

test('`onReady` is called once, after the first delivery has logged in', async () => {
  const { url, before, seen: infos } = await seen('ready');
  expect(before).toBe(0);
  expect(infos).toEqual([
    {
      projectName: 'edge',
      projectId: expect.any(String),
      orgName: 'local',
      link: `${url}/app/local/p/edge/logs`,
      spool: 'storage',
      sampleRate: 1,
      keepErrors: false,
    },
  ]);
});

test('a flush of an instance of the core that fails is not taken for one of the next', async () => {
  expect(await seen('trap during a flush')).toEqual({ first: false, second: true });
});

test('an instance of the core that fails is replaced; its rows count as lost, which is reported once', async () => {
  const { lines, ...rest } = await seen('trap');
  expect(rest).toEqual({
    complete: true,
    keeps: true,
    balance: 0,
    lost: ['engine_failed'],
    last: true,
  });
  expect(lines.filter((line: string) => line.includes('engine_failed'))).toHaveLength(1);
});

test('a request that the runtime ends passes its delivery on to another one', async () => {
  const { recorded, ended } = await seen('takeover');
  expect(ended).toBeGreaterThanOrEqual(recorded);
});

test('content is masked and redacted as on Node', async () => {
  expect(await seen('privacy')).toEqual({
    ended: true,
    unmasked: false,
    unredacted: false,
    masked: true,
  });
});

test('a slug propagates what rows may have', async () => {
  expect(await seen('slug')).toEqual({ input: 'the [redacted]' });
});

test("spans of the application's own lie in each other across async calls", async () => {
  const tree = ['outer', ['inner']];
  expect(await seen('own spans')).toEqual([tree, tree]);
});

test('work of Flue lies under the span that calls or adopts it', async () => {
  // Each run has two submissions. Those of the last one are alone.
  const expected = { traces: 3, below: 8, isWhole: true, problems: [] };
  expect(await seen('callers')).toEqual(expected);
});

test('a span and a run stay with the logger they began with', async () => {
  const { a, b, ...rest } = await seen('loggers');
  expect(rest).toEqual({ isCurrent: true, isSame: true, flue: true, shared: 0 });
  expect(a.toSorted()).toEqual(['child', 'open', 'within']);
  expect(b.toSorted()).toEqual(['current', 'root']);
});

test('feedback lands on the root that another isolate has recorded, and is checked there', async () => {
  expect(await seen('feedback')).toEqual({
    isRoot: true,
    scores: { thumb: 1 },
    comments: 1,
    isLinked: true,
    lost: { invalid_feedback: 1 },
    problems: [],
  });
});

test('the root of each trace has the tags and the metadata of the options and of `enrich`', async () => {
  const fields = (type: string) => ({
    tags: [type, 'edge'],
    user: 'u1',
    release: 'v1',
    others: 0,
  });
  const flue = fields('operation_start');
  const own = fields('span_start');
  expect(await seen('trace fields')).toEqual([flue, flue, own, own]);
});

test('traces that are left out are left out whole, and counted', async () => {
  const expected = { lost: {}, isPart: true, isWhole: true, isCounted: true };
  expect(await seen('sampling')).toEqual(expected);
});

describe('where no `.wasm` file can be imported', () => {
  const program = (text: string) => {
    const entry = JSON.stringify(join(ROOT, 'js/edge/edge-light.mjs'));
    const source = `import * as entry from ${entry};\n${text}`;
    return run(['--conditions=edge-light', '--input-type=module', '-e', source]);
  };

  test('the entry has the same names', async () => {
    const { stdout } = await program(`console.log(Object.keys(entry).sort().join());`);
    expect(stdout.trim()).toBe(Object.keys(required).toSorted().join());
  });

  test('all works but the tracing, and one line reports it', async () => {
    const { code, stdout, stderr } = await program(`
      entry.initLogger({ apiKey: 'key', redact: { patterns: [/secret/] } });
      entry.braintrustFlueObserver({ type: 'run_start', runId: 'run_1', workflowName: 'w' });
      console.log(JSON.stringify([
        entry.traced((span) => { span.log({}); return 1; }),
        await entry.traced(async () => 2),
        entry.wrapTraced((n) => n)(3),
        (await entry.flush()).complete,
        (await entry.close()).accepted,
        (await new entry.Attachment({
          data: new ArrayBuffer(4), filename: 'a', contentType: 'text/plain',
        }).data()).size,
      ]));`);
    expect({ code, values: JSON.parse(stdout) }).toEqual({
      code: 0,
      values: [1, 2, 3, true, 0, 4],
    });
    expect(stderr).toMatch(/^\[flue-braintrust\] FLUE_BRAINTRUST_NOT_STARTED: .*\.wasm.*\n$/);
  });
});
