/**
 * Makes a fresh clone ready to run: installs the packages, installs those of the workflow example (which needs a Flue
 * line of its own), bundles the viewer's page, and builds the native part: as the tests need it by default, as it is
 * published with --release. With --demo it does what leads to a first trace soonest: without the packages of the
 * example, and with a native part that compiles fastest. With --tests it also installs the lines of Flue and Node that
 * only the tests run, and Chromium from the system's packages where there is none (not with FLUE_BRAINTRUST_NO_BROWSER
 * set, which also skips its tests). Steps that are up to date are skipped silently. Uses core modules only, since
 * nothing is installed yet.
 *
 *     node scripts/setup.mjs [--no-build | --release | --demo] [--tests]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cargoBuild, isCurrent } from './build-worker.mjs';
import { findChromium } from './chromium.js';
import { linting } from './linting.mjs';
import { npm } from './npm.mjs';
import { platformOf } from './platform.mjs';
import { missingPrerequisites } from './prerequisites.mjs';
import { releaseEnvironment } from './release-environment.mjs';
import { run, step } from './step.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const CHROMIUM_MS = 300_000;
/** In `target/`: the profile and the binary that setup built last. */
const STAMP = '.setup-profile';

/** Directories with packages of their own, because each needs another line of Flue, or of Node. */
const examples = ['examples/workflow'];
const testLines = ['__test__/lines', '__test__/node-24'];

const { values: options } = parseArgs({
  options: {
    'no-build': { type: 'boolean' },
    release: { type: 'boolean' },
    demo: { type: 'boolean' },
    tests: { type: 'boolean' },
  },
});

const profile = options.release ? 'release' : options.demo ? 'demo' : 'dev';
const SCRIPTS = { release: 'build', demo: 'build:demo', dev: 'build:debug' };

checkPrerequisites();
const needsBinary = !options['no-build'] && !isBuilt();
/** The tests lint what they compile: what is compiled here serves them only if it is linted, too. */
const env = {
  ...(needsBinary && options.release ? releaseEnvironment() : process.env),
  ...(options.tests && linting),
};
/** What is published has it. For the tests `check.mjs` builds it, beside those of Rust. */
const needsModule = !options['no-build'] && Boolean(options.release) && !isCurrent();
if (needsModule || (options.tests && !options['no-build'])) await installWasmTarget();
// All of this goes on while the packages are installed.
const chromium =
  options.tests && !process.env.FLUE_BRAINTRUST_NO_BROWSER ? installChromium() : undefined;
// The builds, which need the tools among the packages, then take seconds.
const compiled = needsBinary ? compile() : undefined;
const compiledModule = needsModule ? compileModule() : undefined;

await installPackages([...(options.demo ? [] : examples), ...(options.tests ? testLines : [])]);
if (chromium !== undefined) await step('Installing Chromium for the tests', () => chromium);
await bundleViewer();
if (compiled !== undefined) {
  // A failure shows again, and at the right place.
  const build = () =>
    compiled.then(() => run({ ...npm(['run', SCRIPTS[profile]]), cwd: root, env }));
  await step('Building the native part', build);
  // Cargo may build elsewhere.
  mkdirSync(join(root, 'target'), { recursive: true });
  writeFileSync(join(root, 'target', STAMP), stampOf(profile, binaryOf()));
}
if (needsModule) await buildModule();

/** As the build and the tests do it, or nothing of it would serve twice. */
function compile() {
  const args = ['build', '--target', 'host-tuple', '--profile', profile];
  return run({ command: 'cargo', args, cwd: root, env });
}

/** The same for the WebAssembly module of Workers. */
async function compileModule() {
  await compiled;
  return run(cargoBuild());
}

/** The WebAssembly module of Workers, as it is published. */
function buildModule() {
  const script = join(root, 'scripts/build-worker.mjs');
  const build = { command: process.execPath, args: [script], cwd: root };
  return step('Building the WebAssembly module', () => compiledModule.then(() => run(build)));
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

/** Of the module of Workers, which has all core crates: they build without an operating system. */
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

/**
 * The tests of the trace viewer need a real browser: its installation, or undefined where there is one. Where it cannot
 * be installed, prints the alternatives.
 */
function installChromium() {
  if (findChromium()) return undefined;
  const canInstall =
    process.platform === 'linux' &&
    process.getuid() === 0 &&
    !spawnSync('apt-get', ['--version']).error;
  if (canInstall) {
    const install = 'apt-get update && apt-get install -y --no-install-recommends chromium';
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    return run({ command: 'sh', args: ['-c', install], env, timeout: CHROMIUM_MS });
  }
  console.error(
    'The tests of the trace viewer need Chromium or Chrome. Please install it, name it in CHROME_PATH,\n' +
      'or set FLUE_BRAINTRUST_NO_BROWSER=1 to leave those tests out.',
  );
  return undefined;
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

/**
 * Whether this platform's binary is younger than everything it is made from, and a build of the profile: any serves the
 * demo; all but that of the demo, which checks nothing, serve the tests.
 */
function isBuilt() {
  const binary = binaryOf();
  if (!binary) return false;
  const isOf = (name) => readStamp() === stampOf(name, binary);
  if (profile === 'release' ? !isOf('release') : profile === 'dev' && isOf('demo')) return false;
  const sources = ['src', 'crates']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
    )
    .concat('Cargo.toml', 'Cargo.lock', 'build.rs');
  const built = modified(binary);
  return sources.every((name) => modified(name) <= built);
}

function binaryOf() {
  const name = `flue-braintrust.${platformOf()}.node`;
  return existsSync(join(root, name)) ? name : undefined;
}

function readStamp() {
  const file = join(root, 'target', STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function stampOf(name, binary) {
  return `${name} ${modified(binary)}`;
}

function modified(name) {
  return statSync(join(root, name)).mtimeMs;
}
