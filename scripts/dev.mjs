/**
 * Watches the sources and runs, after each change, what the change touches: the tests of a crate and a debug build of
 * the native part, or the test files that load a changed JavaScript file. Ctrl-C stops it.
 *
 *     npm run dev [-- --native-tests]
 *
 * --native-tests  runs the crate's tests only, without building the addon
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, watch } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({ options: { 'native-tests': { type: 'boolean' } } });

const FOLDERS = ['src', 'crates', 'js', 'tools', '__test__/support', '__test__/fixtures'];
/** Watched without what lies deeper: the folders of `__test__` hold whole installations. */
const FLAT = ['__test__'];
const FILES = [
  'index.js',
  'index.mjs',
  'register.js',
  'register.mjs',
  'testing.js',
  'build.rs',
  'Cargo.toml',
];
const CARGO_TEST = 'cargo test --quiet --target host-tuple --package'.split(' ');
/** Where jest looks for what a test file loads. */
const ROOTS = ['js', 'tools', '__test__'].flatMap((folder) => ['--roots', folder]);
/** How long no file may change before the work begins, in milliseconds: editors write more than once. */
const QUIET_MS = 150;
/** A file that more test files load is a part of their equipment, and not what they test. */
const MOST_RELATED = 6;

/** Files that changed since the last run. @type {Set<string>} */
const changed = new Set();
/** @type {NodeJS.Timeout | undefined} */
let timer;
let isRunning = false;

for (const folder of FOLDERS) {
  watch(join(root, folder), { recursive: true }, (_, name) => note(join(folder, String(name))));
}
for (const folder of FLAT) watch(join(root, folder), (_, name) => note(join(folder, String(name))));
// Their folder: editors replace a file, and the new one is not watched.
watch(root, (_, name) => FILES.includes(String(name)) && note(String(name)));
console.log(`Watching ${[...FOLDERS, ...FLAT, ...FILES].join(', ')}.`);

/** @param {string} file */
function note(file) {
  if (!/\.(rs|m?js|ts|toml|snap)$/.test(file) || /node_modules|viewer.bundle|\.d\.ts$/.test(file))
    return;
  changed.add(file);
  clearTimeout(timer);
  timer = setTimeout(() => void runChanged(), QUIET_MS);
}

async function runChanged() {
  if (isRunning) return;
  isRunning = true;
  while (changed.size > 0) {
    const files = [...changed];
    changed.clear();
    const began = Date.now();
    const steps = stepsFor(files);
    if (steps.length === 0) {
      console.log(`No test file is named after ${files.join(', ')}: run \`npm test\`.\n`);
      continue;
    }
    const ok = await runAll(steps);
    console.log(`${ok ? 'passed' : 'FAILED'} in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  }
  isRunning = false;
}

/** @param {string[]} files @returns {string[][]} commands, in their order */
function stepsFor(files) {
  const rust = files.filter(
    (file) => /\.(rs|toml|snap)$/.test(file) && !file.startsWith('__test__'),
  );
  const scripts = files.filter((file) => /\.(m?js|ts)$/.test(file));
  const packages = new Set(rust.map(packageOf));
  const steps = [...packages].map((name) => CARGO_TEST.concat(name));
  if (rust.length > 0 && !options['native-tests'])
    steps.push(['npm', 'run', '--silent', 'build:debug']);
  const specs = scripts.length > 0 ? specsFor(scripts) : [];
  if (specs.length > 0) steps.push(['npx', 'jest', ...ROOTS, '--runTestsByPath', ...specs]);
  return steps;
}

/**
 * The test files that load one of the files, unless those are nearly all, and those that are named after one or its
 * folder: most tests run a program of their own, whose imports jest does not see.
 *
 * @param {string[]} files
 * @returns {string[]}
 */
function specsFor(files) {
  const jest = ['jest', ...ROOTS, '--findRelatedTests', '--listTests', ...files];
  const shell = process.platform === 'win32';
  const listed = spawnSync('npx', jest, { cwd: root, encoding: 'utf8', shell });
  if (listed.status !== 0) console.error(listed.stderr || 'jest cannot be started');
  const related = (listed.stdout ?? '').split('\n').filter((line) => line.endsWith('.spec.ts'));
  const words = new Set(files.flatMap((file) => file.split(/[/\\]/).slice(1)).map(stemOf));
  const named = readdirSync(join(root, '__test__')).filter(
    (name) => name.endsWith('.spec.ts') && words.has(stemOf(name)),
  );
  const direct = related.length <= MOST_RELATED ? related.map((path) => relative(root, path)) : [];
  return [...new Set([...direct, ...named.map((name) => join('__test__', name))])];
}

/** @param {string} name @returns {string} up to the first dot */
const stemOf = (name) => name.split('.')[0] ?? name;

/** @param {string} file */
function packageOf(file) {
  const [folder, name = ''] = file.split(/[/\\]/);
  return folder === 'crates' ? name : 'flue-braintrust';
}

/** @param {string[][]} steps @returns {Promise<boolean>} false at the first that fails */
async function runAll(steps) {
  for (const [command = '', ...args] of steps) {
    console.log(`> ${[command, ...args].join(' ')}`);
    if (!(await run(command, args))) return false;
  }
  return true;
}

/** @param {string} command @param {string[]} args @returns {Promise<boolean>} */
function run(command, args) {
  return new Promise((resolve) => {
    const shell = process.platform === 'win32';
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}
