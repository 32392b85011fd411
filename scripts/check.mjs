/**
 * Checks everything, as CI does: first the formatters, linters and types of JavaScript, and the build of the WebAssembly
 * module, whose last step is one long thread, in parallel with the formatter and walls of Rust and the compilation of
 * its tests, which lints; then the tests of both languages in parallel. The first failure ends all that runs. The
 * packages must be installed and the native part built.
 *
 *     npm run check
 */
import { fileURLToPath } from 'node:url';
import { linting } from './linting.mjs';
import { npm } from './npm.mjs';
import { run } from './step.mjs';

const cwd = fileURLToPath(new URL('..', import.meta.url));
const isWindows = process.platform === 'win32';
/** @type {import('node:child_process').ChildProcess[]} */
const started = [];

process.on('SIGINT', () => fail('')).on('SIGTERM', () => fail(''));

const beside = [
  quietly('build:worker', 'published'),
  quietly('lint:js', 'types', 'dependencies', 'workflows'),
];
await loudly('format:rust', 'walls', 'compile:rust');
for (const output of beside) process.stdout.write(await output);
const rust = quietly('test:rust');
await loudly('test:js');
process.stdout.write(await rust);

/** Runs scripts, one after the other, and returns their output. */
async function quietly(...names) {
  let all = '';
  for (const name of names) {
    const { code, output } = await start(name, 'pipe');
    all += output;
    if (code !== 0) await fail(all);
  }
  return all;
}

/** Runs scripts, one after the other, and shows their output. */
async function loudly(...names) {
  for (const name of names) {
    const { code, output } = await start(name, 'inherit');
    if (code !== 0) await fail(output);
  }
}

/** Runs a script, with all that it starts in a group of its own; its exit code, and its output if that is piped. */
function start(name, stdio) {
  // Only what compiles the tests lints: all crates are among them.
  const env = /^(compile|test):rust$/.test(name) ? { ...process.env, ...linting } : process.env;
  const script = { ...npm(['run', '--silent', name]), cwd, env, detached: !isWindows, stdio };
  return run(script, (child) => started.push(child));
}

/** Shows an output, and ends everything; never returns. */
function fail(output) {
  for (const child of started.splice(0)) {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (!isRunning || child.pid === undefined) continue;
    if (isWindows) child.kill();
    else process.kill(-child.pid);
  }
  process.stdout.write(output, () => process.exit(1));
  return new Promise(() => {});
}
