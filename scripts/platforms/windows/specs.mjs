/** The specs of the package, for a Node that has neither Jest nor the tools that it needs. */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { cache, output, root } from '../shell.mjs';

const require = createRequire(import.meta.url);
const tests = join(root, '__test__');

/** What Windows lacks: links, FIFOs and modes of files, and paths and signals of Unix. */
const OF_UNIX = 'what others plant|others can write|another user|cannot be used';
/** What limits memory or time, or repeats dozens of times, has no meaning under Wine. */
const LEFT_OUT = `^\\d+ |\\b50 runs\\b|delay|limit|${OF_UNIX}`;

/**
 * Runs a spec.
 *
 * @param {string} node
 * @param {string} spec its path
 * @returns {Promise<number>} how many tests passed
 */
export async function runSpec(node, spec) {
  const file = await bundled(spec);
  const globals = join(root, 'scripts/platforms/windows/globals.cjs');
  const env = { ...process.env, SKIP: LEFT_OUT };
  const printed = output(node, ['--require', globals, '--test-reporter=tap', file], { env });
  const count = (/** @type {string} */ what) =>
    Number(new RegExp(`^# ${what} (\\d+)`, 'm').exec(printed)?.[1]);
  if (count('fail') !== 0 || !(count('pass') > 0)) throw new Error(printed);
  console.log(printed.replace(/^ +(---|\.\.\.|duration_ms.*|type.*)\n/gm, ''));
  return count('pass');
}

/** One file of a spec and what it shares with others, beside which it seems to lie. @param {string} spec */
async function bundled(spec) {
  const folder = join(cache, 'windows');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, spec.replace(/^.*\/(.*)\.ts$/, '$1.cjs'));
  await build({
    entryPoints: [spec],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    logLevel: 'warning',
    define: { __dirname: JSON.stringify(join(tests, 'support')) },
    plugins: [{ name: 'external', setup: (bundle) => bundle.onResolve({ filter: /./ }, outside) }],
  });
  return outfile;
}

/** The package itself and what is installed stays where it is. @param {import('esbuild').OnResolveArgs} args */
function outside({ path, kind, resolveDir }) {
  if (kind === 'entry-point') return undefined;
  if (!path.startsWith('.')) return { path, external: true };
  const target = resolve(resolveDir, path);
  return target.startsWith(tests) ? undefined : { path: require.resolve(target), external: true };
}
