/**
 * Builds the binaries as the release does, as far as Linux can, checks what they need of a system, and runs programs and
 * tests with them, in an emulator where the processor is another one. Prints the table of docs/platforms.md. What it
 * needs besides Rust, Python, npm and apt is downloaded into `target/platforms`.
 *
 *     npm run platforms [-- --only linux-arm64-gnu,linux-x64-musl] [--no-tests]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../benchmark/table.mjs';
import { build, check, compile } from './platforms/build.mjs';
import { PLATFORMS } from './platforms/list.mjs';
import { runner } from './platforms/runners.mjs';
import { cache } from './platforms/shell.mjs';
import { runPrograms, runTests } from './platforms/try.mjs';
import { runWindows } from './platforms/windows/run.mjs';

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, 'no-tests': { type: 'boolean' } },
});
const only = options.only?.split(',');
const chosen = PLATFORMS.filter(({ name }) => only === undefined || only.includes(name));
const unknown = only?.filter((wanted) => PLATFORMS.every(({ name }) => name !== wanted)) ?? [];
if (unknown.length > 0) throw new Error(`--only: there is no platform ${unknown.join(', ')}`);

mkdirSync(cache, { recursive: true });
const rows = [];
for (const platform of chosen) {
  const cells = { built: '–', checked: '–', run: '–', tests: '–' };
  try {
    if (platform.links) {
      cells.built = await build(platform);
      cells.checked = await check(platform);
      const node = await runner(platform);
      cells.run = await runPrograms(node);
      if (!options['no-tests']) cells.tests = await runTests(node);
    } else {
      cells.checked = await compile(platform);
      if (platform.name.startsWith('win32')) {
        const { node, tests } = await runWindows(!options['no-tests']);
        cells.run = node;
        if (tests) cells.tests = tests;
      }
    }
  } catch (error) {
    process.exitCode = 1;
    const steps = Object.keys(cells).slice(platform.links ? 0 : 1);
    const failed = steps.find((name) => cells[name] === '–') ?? 'tests';
    cells[failed] = '**failed**';
    console.error(`✗ ${platform.name}: ${error.message}`);
  }
  rows.push([platform.name, cells.built, cells.checked, cells.run, cells.tests]);
}
const text = table(['Platform', 'Built', 'Checked', 'Run', 'Tests'], rows);
writeFileSync(join(cache, 'table.md'), `${text}\n`);
console.log(`\n${text}`);
