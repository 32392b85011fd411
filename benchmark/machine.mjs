import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/**
 * @param {string} [directory] the checkout that is measured
 * @returns {{ lines: string[], isRelease: boolean }} what is measured, and on what
 */
export function describeMachine(directory = process.env.BENCH_PACKAGE ?? root) {
  const [load] = loadavg();
  const { isRelease, size } = buildOf(directory);
  const build = isRelease ? 'release build' : '**debug build, not comparable**';
  const lines = [
    `${availableParallelism()} cores, ${cpus()[0]?.model.trim()}, ${gib(totalmem())} GiB`,
    `${type()} ${release()}, Node ${process.versions.node}, load average at the start ${load.toFixed(2)}`,
    `flue-braintrust ${revision(directory)}, ${build} of ${(size / 1e6).toFixed(1)} MB`,
    `braintrust ${versionOf('braintrust-3.17')} and ${versionOf('braintrust')}, ` +
      `@flue/runtime ${versionOf('@flue/runtime')}`,
  ];
  return { lines, isRelease };
}

/** @param {number} bytes */
const gib = (bytes) => (bytes / 2 ** 30).toFixed(0);

/** @param {string} name @returns {string} `(none)` when it is not installed */
function versionOf(name) {
  const manifest = require.resolve
    .paths(name)
    .map((path) => join(path, name, 'package.json'))
    .find((file) => statSync(file, { throwIfNoEntry: false }));
  if (manifest === undefined) return '(none)';
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

/** @param {string} directory */
function revision(directory) {
  const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  try {
    const options = { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], options).trim();
    const changed = execFileSync('git', ['status', '--porcelain', 'src', 'js'], options) !== '';
    return `${version} at ${commit}${changed ? ' with changes' : ''}`;
  } catch {
    return version;
  }
}

/** Larger than any release build, which is stripped, and smaller than any other. */
const MAX_RELEASE_BYTES = 12e6;

/** A debug build is several times slower: it must not pass for a result. @param {string} directory */
function buildOf(directory) {
  const binary = readdirSync(directory).find((name) => name.endsWith('.node'));
  if (!binary) throw new Error('There is no native binary: run `npm run build`.');
  const { size } = statSync(join(directory, binary));
  return { size, isRelease: size < MAX_RELEASE_BYTES };
}
