/**
 * Makes a fresh clone ready to run: installs the packages, installs those of the workflow example (which needs a Flue
 * line of its own), bundles the viewer's page, and builds the native part: unoptimised by default, as it is
 * published with --release. With --tests it also installs the lines of Flue and Node that only the tests run, and Chromium
 * from the system's packages where there is none (not with FLUE_BRAINTRUST_NO_BROWSER set, which also skips its
 * tests). Steps that are up to date are skipped silently. Uses core modules only, since nothing is installed yet.
 *
 *     node scripts/setup.mjs [--no-build | --release] [--tests]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findChromium } from './chromium.js';
import { npm } from './npm.mjs';
import { missingPrerequisites } from './prerequisites.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const TAIL_LINES = 40;
const CHROMIUM_MS = 300_000;
/** In `target/`: which binary is the release build that setup made last. */
const RELEASE_STAMP = '.setup-release';

/** Directories with packages of their own, because each needs another line of Flue, or of Node. */
const examples = ['examples/workflow'];
const testLines = [
  '__test__/flue/0.8.1',
  '__test__/flue/0.11.1',
  '__test__/flue/2.0.0',
  '__test__/cloudflare',
  '__test__/interop',
  '__test__/node-24',
  '__test__/projects/1.0-beta',
  '__test__/projects/2.x',
];

const { values: options } = parseArgs({
  options: {
    'no-build': { type: 'boolean' },
    release: { type: 'boolean' },
    tests: { type: 'boolean' },
  },
});

checkPrerequisites();
const compiled = options['no-build'] || isBuilt() ? undefined : compile();

await installPackages(options.tests ? [...examples, ...testLines] : examples);
if (options.tests || options.release) await installWasmTarget();
if (options.tests && !process.env.FLUE_BRAINTRUST_NO_BROWSER) await installChromium();
await bundleViewer();
if (!options['no-build'] && (options.tests || options.release)) await buildWorker();
if (compiled !== undefined) {
  const script = options.release ? 'build' : 'build:debug';
  // A failure shows again, and at the right place.
  const build = () => compiled.then(() => run({ ...npm(['run', script]), cwd: root }));
  await step('Building the native part', build);
  if (options.release) writeFileSync(join(root, 'target', RELEASE_STAMP), stampOf(binaryOf()));
}

/** Compiles while the packages are installed: the build, which needs their tools, then takes seconds. */
function compile() {
  // As the build and the tests do it, or nothing of it would serve twice.
  const profile = options.release ? 'release' : 'dev';
  const args = ['build', '--target', 'host-tuple', '--profile', profile];
  return run({ command: 'cargo', args, cwd: root });
}

/** The WebAssembly module of Workers, as it is published. */
async function buildWorker() {
  const { isCurrent } = await import('./build-worker.mjs');
  if (isCurrent()) return;
  // Both would wait for Cargo's lock.
  await compiled;
  const script = join(root, 'scripts/build-worker.mjs');
  const build = { command: process.execPath, args: [script], cwd: root };
  await step('Building the WebAssembly module', build);
}

/** Takes too little time for a line of its own. The bundler is there only now. */
async function bundleViewer() {
  const { default: bundle } = await import('./bundle-viewer.mjs');
  await bundle();
}

/** Installs the packages of the root and of those directories that are not up to date, all at once. */
async function installPackages(directories) {
  const outdated = directories.map((name) => join(root, name)).filter((name) => !isInstalled(name));
  // Nothing that the directories use needs an install script.
  const installs = outdated.map((cwd) => ({ ...npm(['ci', '--ignore-scripts']), cwd }));
  const isRootOutdated = !isInstalled(root);
  if (isRootOutdated) installs.push({ ...npm(['ci']), cwd: root });
  if (installs.length === 0) return;

  await step('Installing the packages', ...installs);
  if (isRootOutdated) {
    if (!existsSync(join(root, 'node_modules', 'node', 'bin'))) await installNode();
    markInstalled(root);
  }
  outdated.forEach(markInstalled);
}

/** Names everything that is missing at once, before any work is done. */
function checkPrerequisites() {
  const missing = missingPrerequisites({ rust: !options['no-build'] });
  if (missing.length === 0) return;
  for (const line of missing) console.error(line);
  process.exit(1);
}

/**
 * The Node that Flue needs comes as a package that fetches its binary in an install script. An npm
 * that runs no unapproved install scripts leaves it empty: fetch it now, for that package alone.
 */
function installNode() {
  const env = { ...process.env, npm_config_dangerously_allow_all_scripts: 'true' };
  return step('Installing Node for Flue', { ...npm(['rebuild', 'node']), env, cwd: root });
}

/** The core crates must build without an operating system: the tests check it with this target. */
async function installWasmTarget() {
  const target = 'wasm32-unknown-unknown';
  const libraries = spawnSync('rustc', ['--print', 'target-libdir', '--target', target]);
  if (libraries.status === 0 && existsSync(String(libraries.stdout).trim())) return;
  await step('Installing the WebAssembly target of Rust', {
    command: 'rustup',
    args: ['target', 'add', target],
    cwd: root,
  });
}

/** The tests of the trace viewer need a real browser; where it cannot be had, says how and goes on. */
async function installChromium() {
  if (findChromium()) return;
  const canInstall =
    process.platform === 'linux' &&
    process.getuid() === 0 &&
    !spawnSync('apt-get', ['--version']).error;
  if (canInstall) {
    const install = 'apt-get update && apt-get install -y --no-install-recommends chromium';
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await step('Installing Chromium for the tests', {
      command: 'sh',
      args: ['-c', install],
      env,
      timeout: CHROMIUM_MS,
    });
    return;
  }
  console.error(
    'The tests of the trace viewer need Chromium or Chrome. Please install it, name it in CHROME_PATH,\n' +
      'or set FLUE_BRAINTRUST_NO_BROWSER=1 to leave those tests out.',
  );
}

/**
 * Runs commands, or functions that run some, at once, behind one line of output. When one fails, shows its output and
 * exits with its code.
 */
async function step(title, ...commands) {
  process.stdout.write(`${title} … `);
  const began = Date.now();
  const endings = await Promise.all(
    commands.map((command) => (typeof command === 'function' ? command() : run(command))),
  );
  const failure = endings.find(({ code }) => code !== 0);
  if (!failure) {
    console.log(`${((Date.now() - began) / 1000).toFixed(1)} s`);
    return;
  }
  console.log('failed');
  console.error(failure.output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n'));
  process.exit(failure.code);
}

function run({ command, args, ...settings }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...settings, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk) => (output += chunk);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => resolve({ code: 1, output: `${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Kept inside node_modules, so that it goes when they go. */
function stampFile(directory) {
  return join(directory, 'node_modules', '.setup-lock-hash');
}

function lockHash(directory) {
  return createHash('sha256')
    .update(readFileSync(join(directory, 'package-lock.json')))
    .digest('hex');
}

function isInstalled(directory) {
  const stamp = stampFile(directory);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash(directory);
}

function markInstalled(directory) {
  writeFileSync(stampFile(directory), lockHash(directory));
}

/** Whether this platform's binary is younger than everything it is made from, and a release build where one is asked for. */
function isBuilt() {
  const binary = binaryOf();
  if (!binary) return false;
  if (options.release && readStamp() !== stampOf(binary)) return false;
  const sources = ['src', 'crates']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
    )
    .concat('Cargo.toml', 'Cargo.lock', 'build.rs');
  const built = modified(binary);
  return sources.every((name) => modified(name) <= built);
}

function binaryOf() {
  const prefix = `flue-braintrust.${process.platform}-${process.arch}`;
  return readdirSync(root).find((name) => name.startsWith(prefix) && name.endsWith('.node'));
}

function readStamp() {
  const file = join(root, 'target', RELEASE_STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function stampOf(binary) {
  return String(modified(binary));
}

function modified(name) {
  return statSync(join(root, name)).mtimeMs;
}
