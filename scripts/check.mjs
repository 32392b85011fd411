/**
 * Checks everything, as CI does: first the formatters, linters and types of JavaScript, and the build of the WebAssembly
 * module, whose last step is one long thread, in parallel with the formatter, walls and tests of Rust, which is linted
 * as it compiles; then the tests of JavaScript. The first failure ends all that runs. The packages must be installed and
 * the native part built.
 *
 *     npm run check
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { linting } from './linting.mjs';
import { npm } from './npm.mjs';

const cwd = fileURLToPath(new URL('..', import.meta.url));
const isWindows = process.platform === 'win32';
/** What runs now. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

process.on('SIGINT', () => fail('')).on('SIGTERM', () => fail(''));

const beside = [
  quietly('build:worker', 'published'),
  quietly('lint:js', 'types', 'dependencies', 'workflows'),
];
await loudly('format:rust', 'walls', 'test:rust');
for (const output of beside) process.stdout.write(await output);
await loudly('test:js');

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
    const { code } = await start(name, 'inherit');
    if (code !== 0) await fail('');
  }
}

/** Runs a script, with all that it starts in a group of its own; its exit code, and its output if that is piped. */
function start(name, stdio) {
  const { command, args, shell } = npm(['run', '--silent', name]);
  // Only what compiles the tests lints: all crates are among them.
  const env = name === 'test:rust' ? { ...process.env, ...linting } : process.env;
  const options = { cwd, env, shell, detached: !isWindows };
  const child = spawn(command, args, { ...options, stdio: ['ignore', stdio, stdio] });
  running.add(child);
  let output = '';
  const collect = (chunk) => (output += chunk);
  child.stdout?.setEncoding('utf8').on('data', collect);
  child.stderr?.setEncoding('utf8').on('data', collect);
  return new Promise((resolve) => {
    child.on('error', (error) => fail(`${command}: ${error.message}\n`));
    child.on('close', (code) => {
      running.delete(child);
      resolve({ code: code ?? 1, output });
    });
  });
}

/** Shows an output, and ends everything; never returns. */
function fail(output) {
  for (const child of running) {
    if (isWindows) child.kill();
    else if (child.pid !== undefined) process.kill(-child.pid);
  }
  running.clear();
  process.stdout.write(output, () => process.exit(1));
  return new Promise(() => {});
}
