/**
 * Bundles the lines of Flue that the fixtures run, each with pi-ai and valibot, for `bundled-flue.mjs`: a process that
 * loads Flue loads a thousand small files, which takes most of its time. A module of several entries is in one chunk:
 * there is one of it, as without a bundle. Takes some seconds, once: it is made again when the packages
 * or this file have changed.
 *
 *     node __test__/support/bundle-flue.mjs
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bundle = join(root, 'node_modules/.cache/flue');

const FLUE_1 = [
  '@flue/runtime',
  '@flue/runtime/internal',
  '@flue/runtime/node',
  '@earendil-works/pi-ai',
  'valibot',
];
const FLUE_2 = [...FLUE_1, '@earendil-works/pi-ai/providers/faux'];
/** What the fixtures import, by the directory from which it resolves. */
const ENTRIES = {
  '.': [...FLUE_2, '@flue/runtime/routing'],
  '__test__/lines/2.0.0': FLUE_2,
  'examples/workflow': FLUE_1,
  '__test__/lines/0.11.1': FLUE_1,
  '__test__/lines/0.8.1': [...FLUE_1, '@flue/runtime/app'],
};
/** The versions of what is bundled, and of the bundler. */
const LOCKS = ['.', 'examples/workflow', '__test__/lines'].map((from) =>
  join(root, from, 'package-lock.json'),
);

/** Makes the bundle unless it is current. */
export default async function bundleFlue() {
  const installed = Object.entries(ENTRIES).filter(([from]) =>
    existsSync(join(root, from, 'node_modules/@flue/runtime')),
  );
  const hash = createHash('sha256').update(JSON.stringify([root, installed]));
  for (const file of [fileURLToPath(import.meta.url), ...LOCKS]) hash.update(readFileSync(file));
  const key = hash.digest('hex');
  const stamp = join(bundle, 'key');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return;

  const made = `${bundle}-${process.pid}`;
  const entries = installed.flatMap(([from, names]) =>
    names.map((name) => `entry:${from}:${name}`),
  );
  const { metafile } = await build({
    entryPoints: entries.map((entry, n) => ({ in: entry, out: String(n) })),
    plugins: [{ name: 'entries', setup: resolveEntries }],
    absWorkingDir: root,
    outdir: made,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    // What is no ES module requires modules of Node.
    banner: {
      js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`,
    },
    metafile: true,
    logLevel: 'error',
  });
  /** The file of each module in the bundle, if it has one of its own. */
  const files = Object.fromEntries(Object.keys(metafile.inputs).map((name) => [name, null]));
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint !== undefined) files[entryPoint] = basename(output);
  }
  writeFileSync(join(made, 'files.json'), JSON.stringify(files));
  writeFileSync(join(made, 'key'), key);
  rmSync(bundle, { recursive: true, force: true });
  renameSync(made, bundle);
}

/** @param {import('esbuild').PluginBuild} plugin */
function resolveEntries(plugin) {
  plugin.onResolve({ filter: /^entry:/ }, ({ path }) => {
    const [, from, name] = path.split(':');
    return plugin.resolve(name, { resolveDir: join(root, from), kind: 'import-statement' });
  });
  // The clients of real providers and the like are loaded on demand, from where they are: never by the fixtures.
  plugin.onResolve({ filter: /^[^#]/ }, async ({ path, kind, resolveDir, pluginData }) => {
    if (kind !== 'dynamic-import' || pluginData === 'resolved') return undefined;
    const found = await plugin.resolve(path, { kind, resolveDir, pluginData: 'resolved' });
    return found.external || found.errors.length > 0
      ? found
      : { path: pathToFileURL(found.path).href, external: true };
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleFlue();
