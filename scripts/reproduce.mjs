/**
 * Builds what is committed twice, in clean clones in folders of different names, and compares the binaries: they must
 * be equal. Takes two release builds.
 *
 *     npm run reproduce
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-reproduce-'));
try {
  const hashes = ['a', 'another-folder'].map(build);
  console.log(hashes.join('\n'));
  if (new Set(hashes).size > 1) {
    console.error('✗ the binaries differ');
    process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** @param {string} name @returns {string} the hash of the binary */
function build(name) {
  const clone = join(directory, name);
  execFileSync('git', ['clone', '--quiet', root, clone]);
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  const { CARGO_TARGET_DIR: _directory, ...env } = process.env;
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: clone, env, stdio: 'inherit' });
  const binary = readdirSync(clone).find((file) => file.endsWith('.node')) ?? '';
  const bytes = readFileSync(join(clone, binary));
  // Where the machine's paths stand, they are known to whoever has the binary.
  for (const path of [clone, process.env.HOME]) {
    if (path && bytes.includes(path)) throw new Error(`${binary} has the path ${path} in it`);
  }
  return `${createHash('sha256').update(bytes).digest('hex')}  ${bytes.length} bytes`;
}
