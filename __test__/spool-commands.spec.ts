import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { InitLoggerOptions } from '..';
import { startCollector } from '../tools/collector';
import type { Collector } from '../tools/collector/types';
import { App, at } from './support/app';
import { cli, onTerminal } from './support/cli';
import { destination, withDirectory } from './support/run';

const SECRET = 'x'.repeat(40);

/** The terminal is made by util-linux. */
const linuxTest = process.platform === 'linux' ? test : test.skip;

interface Payloads {
  files: number;
  rows: number;
  bytes: number;
  oldest: string | null;
  newest: string | null;
}

interface Share {
  destination: string;
  waiting: Payloads;
  damaged: Payloads;
  openRecords: number;
  processes: { pid: number; runs: boolean }[];
}

/** A server that is down until it is switched on, and a spool that a dead process left. */
async function withSpool(
  use: (spool: {
    dir: string;
    collector: Collector;
    up(): void;
    answer(status: number): void;
    leave: Leave;
  }) => Promise<void>,
) {
  let status: number | undefined = 503;
  const collector = await startCollector({
    intercept: () => (status === undefined ? undefined : { status }),
  });
  const leave: Leave = async (dir, count, options = {}, only = 'end') => {
    const app = new App();
    await app.init({ ...at(collector), spool: { dir }, ...options });
    await app.record({ count, size: SECRET.length, only });
    while (filesOf(dir, only === 'start' ? '.open' : '.rows').length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
    await app.kill();
  };
  try {
    const answer = (next?: number) => void (status = next);
    await withDirectory((dir) => use({ dir, collector, up: () => answer(), answer, leave }));
  } finally {
    await collector.close();
  }
}

type Leave = (
  dir: string,
  count: number,
  options?: InitLoggerOptions,
  only?: 'start' | 'end',
) => Promise<void>;

const filesOf = (dir: string, ending: string) =>
  readdirSync(dir).filter((name) => name.endsWith(ending));

async function inspect(dir: string) {
  const ending = await cli(['inspect', dir, '--json']);
  return {
    code: ending.code,
    ...(JSON.parse(ending.stdout) as { shares: Share[]; foreign: number }),
  };
}

test('inspect shows how much waits for each destination, and no content', async () => {
  await withSpool(async ({ dir, collector, leave }) => {
    const began = Date.now();
    await leave(dir, 7);
    await leave(dir, 3, { projectName: 'Other' });
    writeFileSync(join(dir, 'notes.txt'), 'mine');

    const { code, shares, foreign } = await inspect(dir);
    expect(code).toBe(0);
    expect(foreign).toBe(1);
    expect(shares.map(({ waiting }) => waiting.rows).toSorted()).toEqual([3, 7]);
    for (const { destination: name, waiting, damaged, processes } of shares) {
      const files = filesOf(dir, '.rows').filter((file) => file.startsWith(name));
      expect(waiting.files).toBe(files.length);
      const bytes = files.map((file) => readFileSync(join(dir, file)).length);
      expect(waiting.bytes).toBe(bytes.reduce((sum, size) => sum + size, 0));
      expect(Date.parse(String(waiting.oldest))).toBeGreaterThanOrEqual(began);
      expect(Date.parse(String(waiting.newest))).toBeLessThanOrEqual(Date.now());
      expect(damaged.files).toBe(0);
      expect(processes).toEqual([{ pid: expect.any(Number), runs: false }]);
    }

    const ending = await cli(['inspect', dir], { env: destination(collector) });
    expect(ending.code).toBe(0);
    expect(ending.stdout).toContain('1 payload, 7 rows');
    expect(ending.stdout.match(/^destination [\da-f]{16}, that of the variables$/gm)).toHaveLength(
      1,
    );
    expect(ending.stdout).not.toContain(SECRET);
    expect(ending.stdout).not.toContain('\u001b');
  });
});

test('inspect counts damaged segments by their headers, and exits with 1', async () => {
  await withSpool(async ({ dir, leave }) => {
    await leave(dir, 5);
    const [file = ''] = filesOf(dir, '.rows');
    truncateSync(join(dir, file), 100);
    const { code, shares } = await inspect(dir);
    expect(code).toBe(1);
    expect(shares[0]?.waiting.files).toBe(0);
    expect(shares[0]?.damaged).toMatchObject({ files: 1, rows: 5, bytes: 100 });
    expect((await cli(['inspect', dir])).stdout).toContain('damaged   1 payload, 5 rows');
  });
});

test('an empty spool is empty, and a directory that is not there cannot be read', async () => {
  await withDirectory(async (dir) => {
    const empty = await cli(['inspect', dir]);
    expect(empty).toMatchObject({ code: 0, stdout: 'The spool is empty.\n', stderr: '' });
    for (const command of ['inspect', 'drain']) {
      const env = { BRAINTRUST_API_KEY: 'test-key' };
      const missing = await cli([command, join(dir, 'none')], { env });
      expect(missing.code).toBe(1);
      expect(missing.stderr).toMatch(/^flue-braintrust: the spool cannot be read: ENOENT.*\n$/);
    }
  });
});

test('drain delivers what was left for its destination, and leaves what was for others', async () => {
  await withSpool(async ({ dir, collector, up, leave }) => {
    await leave(dir, 7);
    await leave(dir, 3, { projectName: 'Other' });
    up();
    const ending = await cli(['drain', dir], { env: destination(collector) });
    expect(ending.stderr).toBe('');
    expect(ending.code).toBe(0);
    expect(ending.stdout).toMatch(
      /^Delivered 7 rows\.\n1 payload for destination [\da-f]{16} left alone\.\n$/,
    );
    expect(collector.rows()).toHaveLength(7);
    expect(filesOf(dir, '.rows')).toHaveLength(1);

    const again = await cli(['drain', dir, '--json'], { env: destination(collector) });
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ sent: 0, lost: {}, left: { files: 0 } });
    expect(collector.rows()).toHaveLength(7);

    const env = { ...destination(collector), BRAINTRUST_PROJECT_NAME: 'Other' };
    expect((await cli(['drain', dir], { env })).stdout).toBe('Delivered 3 rows.\n');
    expect(collector.rows()).toHaveLength(10);
    expect(readdirSync(dir)).toEqual([]);
  });
});

test('drain delivers what an application would have thought too old', async () => {
  await withSpool(async ({ dir, collector, up, leave }) => {
    await leave(dir, 4);
    const [file = ''] = filesOf(dir, '.rows');
    makeOld(join(dir, file), 400);
    up();
    expect((await cli(['inspect', dir])).stdout).toContain('400 days ago');
    const ending = await cli(['drain', dir], { env: destination(collector) });
    expect(ending).toMatchObject({ code: 0, stdout: 'Delivered 4 rows.\n' });
    expect(collector.rows()).toHaveLength(4);
  });
});

test('drain gives up when its time is over, or the key is refused, and loses nothing', async () => {
  await withSpool(async ({ dir, collector, up, answer, leave }) => {
    await leave(dir, 6);
    const late = await cli(['drain', dir, '--timeout', '1'], { env: destination(collector) });
    expect(late.code).toBe(1);
    expect(late.stdout).toContain('1 payload with 6 rows still wait.\n');
    expect(late.stdout).toContain('503');

    answer(401);
    const refused = await cli(['drain', dir], { env: destination(collector) });
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('401');
    expect(refused.stderr).toContain('FLUE_BRAINTRUST_REFUSED');

    up();
    const done = await cli(['drain', dir], { env: destination(collector) });
    expect(done).toMatchObject({ code: 0, stdout: 'Delivered 6 rows.\n' });
    expect(collector.rows()).toHaveLength(6);
  });
});

linuxTest(
  'on a terminal there are colours and a bar that grows, unless NO_COLOR is set',
  async () => {
    await withSpool(async ({ dir, collector, up, leave }) => {
      await leave(dir, 3);
      expect((await onTerminal(['inspect', dir], {})).stdout).toContain('\u001b[1mdestination');
      const plainly: Record<string, string>[] = [
        { NO_COLOR: '1' },
        { TERM: 'dumb' },
        { FORCE_COLOR: '0' },
      ];
      for (const env of plainly) {
        const plain = await onTerminal(['inspect', dir], env);
        expect(plain.stdout).not.toContain('\u001b');
      }
      const forced = await cli(['inspect', dir], { env: { FORCE_COLOR: '1' } });
      expect(forced.stdout).toContain('\u001b[1mdestination');
      up();
      const drained = await onTerminal(['drain', dir], destination(collector));
      expect(drained.stdout).toMatch(/█{30} 3 of 3 rows/);
      expect(drained.stdout).toContain('Delivered 3 rows.');
    });
  },
);

test('what a replaced key has stranded is delivered with the new one, once that is accepted', async () => {
  await withSpool(async ({ dir, collector, answer, up, leave }) => {
    await leave(dir, 4, { apiKey: 'old-key' });
    await leave(dir, 2, { apiKey: 'older-key', projectName: 'Other' });
    await leave(dir, 1);
    const names = readdirSync(dir).toSorted();
    const old = (await inspect(dir)).shares.find(({ waiting }) => waiting.rows === 4)?.destination;
    const from = ['--from', String(old).slice(0, 10)];

    answer(401);
    const refused = await cli(['drain', dir, ...from], { env: destination(collector) });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^flue-braintrust: nothing was changed, because .*401.*\n$/);
    expect(readdirSync(dir).toSorted()).toEqual(names);

    up();
    const first = await cli(['drain', dir, ...from], { env: destination(collector) });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(
      /^Delivered 5 rows\.\n1 payload for destination \S+ left alone\.\n$/,
    );
    const rest = await cli(['drain', dir, '--from', 'all'], { env: destination(collector) });
    expect(rest).toMatchObject({ code: 0, stdout: 'Delivered 2 rows.\n' });
    // The ids of their runs are the same.
    expect(collector.rows()).toHaveLength(4);
    expect(readdirSync(dir)).toEqual([]);
    expect((await cli(['inspect', dir])).stdout).toBe('The spool is empty.\n');

    const none = await cli(['drain', dir, '--from', 'beef'], { env: destination(collector) });
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('--from: beef is none here; there is no other one\n');
  });
});

test('what a process has left without rows is no content, and drain clears it away', async () => {
  await withSpool(async ({ dir, collector, up, leave }) => {
    await leave(dir, 1);
    up();
    const [name = ''] = filesOf(dir, '.rows');
    rmSync(join(dir, name));
    expect((await cli(['inspect', dir])).stdout).toBe('The spool is empty.\n');
    const ending = await cli(['drain', dir], { env: destination(collector) });
    expect(ending).toMatchObject({ code: 0, stdout: 'Nothing waits for this destination.\n' });
    expect(readdirSync(dir)).toEqual([]);
  });
});

test('what a living process keeps is left to it', async () => {
  await withSpool(async ({ dir, collector }) => {
    const app = new App();
    try {
      await app.init({ ...at(collector), spool: { dir } });
      await app.record({ count: 2 });
      while (filesOf(dir, '.rows').length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const { shares } = await inspect(dir);
      expect(shares[0]?.processes).toEqual([{ pid: expect.any(Number), runs: true }]);
      const ending = await cli(['drain', dir, '--timeout', '1'], { env: destination(collector) });
      expect(ending.code).toBe(1);
      expect(ending.stdout).toContain('A living process may keep them.');
      expect(filesOf(dir, '.rows')).toHaveLength(1);
    } finally {
      await app.kill();
    }
  });
});

test('drain closes the spans that dead processes left open', async () => {
  await withSpool(async ({ dir, collector, up, leave }) => {
    up();
    await leave(dir, 2, {}, 'start');
    expect(collector.traces().map(({ finished }) => finished)).toEqual([false, false]);
    expect((await inspect(dir)).shares[0]?.openRecords).toBe(1);
    const ending = await cli(['drain', dir], { env: destination(collector) });
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    expect(collector.traces().map(({ finished }) => finished)).toEqual([true, true]);
    const marks = collector.rows().map(({ metadata }) => metadata);
    expect(marks).toEqual([
      expect.objectContaining({ 'flue.interrupted': true }),
      expect.objectContaining({ 'flue.interrupted': true }),
    ]);
    expect(readdirSync(dir)).toEqual([]);
  });
});

test.each([
  [['drain'], 'DIRECTORY is missing'],
  [['drain', 'a', 'b'], 'one argument too many: b'],
  [['drain', 'a', '--timeout', 'soon'], '--timeout must be a number of seconds, but is soon'],
  [['inspect'], 'DIRECTORY is missing'],
])('wrong usage %j is reported', async (args, complaint) => {
  const ending = await cli(args, { env: { BRAINTRUST_API_KEY: 'test-key' } });
  expect(ending.code).toBe(2);
  expect(ending.stderr).toContain(`flue-braintrust: ${complaint}\n\nUsage: flue-braintrust`);
});

/** Writes another date into the file's header, as docs/spool-format.md has it. */
function makeOld(file: string, days: number) {
  const content = readFileSync(file);
  content.writeBigInt64LE(BigInt(Date.now() - days * 86_400_000), 8);
  content.writeUInt32LE(crc32(content.subarray(0, 32)), 32);
  writeFileSync(file, content);
}
