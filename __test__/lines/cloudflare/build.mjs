/**
 * Makes a Flue project as an application has it, with this package where npm would install it, and builds
 * it with Flue's own Vite plugin.
 *
 *     node __test__/lines/cloudflare/build.mjs DIRECTORY [--target node|cloudflare] [--app kept]
 *       [--tracer official] [--no-build]
 *
 * --app     what replaces files of the project: a braintrust.ts that uses the storage
 * --tracer  what stands for `flue-braintrust`: the `braintrust` package
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { linkPackages } from '../link.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

const TRACERS = { official: 'braintrust' };

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    target: { type: 'string', default: 'cloudflare' },
    app: { type: 'string' },
    tracer: { type: 'string' },
    'no-build': { type: 'boolean' },
  },
});
const directory = resolve(positionals[0]);

cpSync(join(here, 'project'), directory, { recursive: true });
// The same Flue, and the same model.
cpSync(join(root, '__test__/lines/projects/2.x/source/model.ts'), join(directory, 'src/model.ts'));
if (options.app) cpSync(join(here, options.app), directory, { recursive: true });
install();
if (options.tracer) useTracer(TRACERS[options.tracer]);
if (!options['no-build']) build();

function install() {
  const modules = join(directory, 'node_modules');
  const own = join(modules, 'flue-braintrust');
  mkdirSync(own, { recursive: true });
  linkPackages('cloudflare', directory);
  if (options.tracer) {
    symlinkSync(join(root, 'node_modules/braintrust'), join(modules, 'braintrust'));
  }

  // What npm would pack, and the binary, which comes in a package of the platform.
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const included = files.filter((name) => !name.startsWith('!'));
  for (const name of ['package.json', ...included, ...globSync('*.node', { cwd: root })]) {
    cpSync(join(root, name), join(own, name), { recursive: true });
  }

  // On Node Flue leaves out of the bundle what the project says it depends on.
  const manifest = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  Object.assign(manifest.dependencies, { 'flue-braintrust': '*' });
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest, null, 2));
}

/** @param {string} tracer */
function useTracer(tracer) {
  for (const name of globSync('src/*.ts', { cwd: directory })) {
    const file = join(directory, name);
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, source.replace(`from 'flue-braintrust'`, `from '${tracer}'`));
  }
}

function build() {
  const { status } = spawnSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build'], {
    cwd: directory,
    env: {
      ...process.env,
      TARGET: options.target,
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_LOG_PATH: directory,
    },
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
