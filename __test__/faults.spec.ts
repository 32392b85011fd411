import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runFlue, withDirectory } from './support/run';

/** The short form of `npm run faults`: the same scenarios, without the exporters beside ours. */
test('no ending and no fault of the short list breaks a promise', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'broken.json');
    const args = ['--only', 'short', '--exporters', 'ours', '--repetitions', '1', '--hurry'];
    const { stdout, stderr } = await runFlue(['faults/run.mjs', ...args, '--json', file], {});
    process.stdout.write(stdout.replace(/^[\s\S]*?(?=^## )/m, ''));
    const broken: Record<string, string[]> = readResult(file, stderr);
    const names = Object.keys(broken);
    expect(names.length).toBeGreaterThan(15);
    expect(broken).toEqual(Object.fromEntries(names.map((name) => [name, []])));
  }));

/** The shortest form of `npm run soak`. */
test('nothing is lost, and nothing grows, in a few seconds of constant load on a server that flaps', async () => {
  const { code, stdout, stderr } = await run(['faults/soak.mjs', '--minutes', '0.1'], {});
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\| spool +\| [\d,]{3,}/m);
});

function readResult(file: string, stderr: string) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`the suite printed no result:\n${stderr}`, { cause });
  }
}
