/**
 * Checks what is published as its users' tools read it: publint the manifest and its files, Are The Types Wrong how
 * each kind of module resolution finds each entry and its types.
 *
 *     node scripts/check-package.mjs
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const root = fileURLToPath(new URL('..', import.meta.url));

const bytes = pack();
const faults = [...(await publintFaults()), ...(await typeFaults())];
for (const fault of faults) console.error(`✗ ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** @returns {Buffer} the tarball of the main package */
function pack() {
  const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-check-'));
  try {
    const script = join(root, 'scripts/pack.mjs');
    const args = [script, directory, '--main'];
    const tarball = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim();
    return readFileSync(tarball);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function publintFaults() {
  const tarball = Uint8Array.from(bytes).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

async function typeFaults() {
  const { types, problems, entrypoints } = await checkPackage(
    createPackageFromTarballData(new Uint8Array(bytes)),
  );
  if (!types) return ['the package has no types'];
  // What is not looked at cannot be wrong.
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
  const missing = entries.filter((entry) => entrypoints[entry] === undefined);
  return [
    ...missing.map((entry) => `types: ${entry} is no entry`),
    ...problems.map((problem) => `types: ${JSON.stringify(problem)}`),
  ];
}
