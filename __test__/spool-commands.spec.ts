import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, onTerminal } from './support/cli';
import { destination, withDirectory } from './support/run';
import { SECRET, filesOf, inspect, withSpool } from './support/spool';

/** The terminal is made by util-linux. */
const linuxTest = process.platform === 'linux' ? test : test.skip;

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

test.each([
  [['drain'], 'DIRECTORY is missing'],
  [['drain', 'a', 'b'], 'one argument too many: b'],
  [['drain', 'a', '--timeout', 'soon'], '--timeout must be a number of seconds, but is soon'],
  [['inspect'], 'DIRECTORY is missing'],
])('wrong usage %j is reported', async (args, problem) => {
  const ending = await cli(args, { env: { BRAINTRUST_API_KEY: 'test-key' } });
  expect(ending.code).toBe(2);
  expect(ending.stderr).toContain(`flue-braintrust: ${problem}\n\nUsage: flue-braintrust`);
});
