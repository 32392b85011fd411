import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { App, at } from './support/app';
import { cli } from './support/cli';
import { NO_LOSS, destination } from './support/run';
import { filesOf, inspect, withSpool } from './support/spool';

const PROJECT_ID = '01234567-89ab-4cde-8f01-23456789abcd';

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
    expect(JSON.parse(again.stdout)).toMatchObject({ sent: 0, lost: NO_LOSS, left: { files: 0 } });
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

test('drain delivers a spool of any size, and removes nothing to make room', async () => {
  await withSpool(async ({ dir, collector, leave }) => {
    await leave(dir, 1, {}, 'start');
    const [first = ''] = filesOf(dir, '.rows');
    addLarge(join(dir, first), 256 * 1024 * 1024);
    // The server is down: the row that closes the open span goes to the spool, too.
    const ending = await cli(['drain', dir, '--timeout', '3', '--json'], {
      env: destination(collector),
    });
    expect(JSON.parse(ending.stdout).lost).not.toHaveProperty('spool_full');
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
    expect(none.stderr).toContain(
      '--from: beef matches no destination here; there is no other one\n',
    );
  });
});

test('without a login, a test trace proves the new key before anything changes', async () => {
  await withSpool(async ({ dir, collector, answer, up, leave }) => {
    await leave(dir, 2, { apiKey: 'old-key' });
    const names = readdirSync(dir);
    const env = { ...destination(collector), BRAINTRUST_PROJECT_ID: PROJECT_ID };

    answer(401);
    const refused = await cli(['drain', dir, '--from', 'all'], { env });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^flue-braintrust: nothing was changed, because .*401.*$/m);
    expect(readdirSync(dir)).toEqual(names);

    up();
    const drained = await cli(['drain', dir, '--from', 'all'], { env });
    expect(drained).toMatchObject({ code: 0, stdout: 'Delivered 2 rows.\n', stderr: '' });
    expect(readdirSync(dir)).toEqual([]);
  });
});

test('what a process has left without rows is not content, and drain clears it away', async () => {
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
      const ending = await drainedSoon(dir, collector);
      expect(ending.code).toBe(1);
      expect(ending.stdout).toContain('A living process may keep them.');
      expect(filesOf(dir, '.rows')).toHaveLength(1);
    } finally {
      await app.kill();
    }
  });
});

test('drain ends at once if only running processes have open spans', async () => {
  await withSpool(async ({ dir, collector, up }) => {
    up();
    const app = new App();
    try {
      await app.init({ ...at(collector), spool: { dir } });
      await app.record({ count: 1, only: 'start' });
      while (filesOf(dir, '.open').length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const ending = await drainedSoon(dir, collector);
      expect(ending).toMatchObject({ code: 0, stdout: 'Nothing waits for this destination.\n' });
      expect(filesOf(dir, '.open')).toHaveLength(1);
    } finally {
      await app.kill();
    }
  });
});

test.each([0, 50])(
  'drain sets a snapshot of %d bytes aside, reports it and ends; the next one has nothing to do',
  async (bytes) => {
    await withSpool(async ({ dir, collector, up, leave }) => {
      up();
      await leave(dir, 1, {}, 'start');
      const [name = ''] = filesOf(dir, '.open');
      truncateSync(join(dir, name), bytes);
      const ending = await drainedSoon(dir, collector);
      expect(ending).toMatchObject({ code: 0, stdout: 'Delivered 0 rows.\n' });
      expect(ending.stderr).toContain('FLUE_BRAINTRUST_SPOOL_DAMAGED: The snapshot of an');
      expect(readdirSync(dir)).toEqual([name.replace('.open', '.damaged')]);
      const again = await drainedSoon(dir, collector);
      expect(again).toMatchObject({ code: 0, stdout: 'Nothing waits for this destination.\n' });
    });
  },
);

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

/** Drains, and expects that this does not take the default timeout of a minute. */
async function drainedSoon(dir: string, collector: { url: string }) {
  const began = performance.now();
  const ending = await cli(['drain', dir], { env: destination(collector) });
  expect(performance.now() - began).toBeLessThan(30_000);
  return ending;
}

/** Writes another date into the file's header, as docs/spool-format.md has it. */
function makeOld(file: string, days: number) {
  const content = readFileSync(file);
  content.writeBigInt64LE(BigInt(Date.now() - days * 86_400_000), 8);
  content.writeUInt32LE(crc32(content.subarray(0, 32)), 32);
  writeFileSync(file, content);
}

/** Adds a later segment of this size, whose content is a hole. */
function addLarge(file: string, bytes: number) {
  const header = readFileSync(file).subarray(0, 36);
  header.writeBigInt64LE(BigInt(Date.now()), 8);
  header.writeBigUInt64LE(BigInt(bytes - 36), 20);
  header.writeUInt32LE(crc32(header.subarray(0, 32)), 32);
  const large = file.replace(/\d{10}\.rows$/, '9000000000.rows');
  writeFileSync(large, header);
  truncateSync(large, bytes);
}
