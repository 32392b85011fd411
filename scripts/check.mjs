/**
 * Checks everything, as CI does: the formatter, walls and tests of Rust, which is linted as it compiles; in parallel the
 * formatters, linters and types of JavaScript, and the build of the WebAssembly module, after which the tests of
 * JavaScript start; their output comes last. The first other failure ends the run. The packages must be installed and
 * the native part built.
 *
 *     npm run check
 */
import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { linting } from './linting.mjs';
import { npm } from './npm.mjs';

/** More than any runner prints: one whose output waits for its turn must not wait itself. */
const MAX_HELD_BYTES = 2 ** 30;

const cwd = fileURLToPath(new URL('..', import.meta.url));
const isWindows = process.platform === 'win32';
/** What runs now. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

process.on('SIGINT', () => fail('')).on('SIGTERM', () => fail(''));

const rust = loudly('format:rust', 'walls', 'test:rust');
const javascript = quietly('lint:js', 'types', 'dependencies', 'workflows');
const module = quietly('build:worker');
const published = module.then(() => quietly('published'));
const tests = module.then(() => start('test:js', 'pipe'));
await rust;
for (const output of [javascript, module, published]) process.stdout.write(await output);
const { output, code } = await tests;
output.pipe(process.stdout);
await finished(output);
process.exitCode = await code;

/** Runs scripts, one after the other, and returns their output. */
async function quietly(...names) {
  let all = '';
  for (const name of names) {
    const { code, output } = start(name, 'pipe');
    all += await text(output);
    if ((await code) !== 0) await fail(all);
  }
  return all;
}

/** Runs scripts, one after the other, and shows their output. */
async function loudly(...names) {
  for (const name of names) {
    if ((await start(name, 'inherit').code) !== 0) await fail('');
  }
}

/** Starts a script, with all that it starts in a group of its own; its exit code, and its output if that goes to pipes. */
function start(name, stdio) {
  const { command, args, shell } = npm(['run', '--silent', name]);
  // Only what compiles the tests lints: all crates are among them.
  const env = name === 'test:rust' ? { ...process.env, ...linting } : process.env;
  const options = { cwd, env, shell, detached: !isWindows };
  const child = spawn(command, args, { ...options, stdio: ['ignore', stdio, stdio] });
  running.add(child);
  const output = new PassThrough({ highWaterMark: MAX_HELD_BYTES });
  child.stdout?.pipe(output, { end: false });
  child.stderr?.pipe(output, { end: false });
  const code = new Promise((resolve) => {
    child.on('error', (error) => fail(`${command}: ${error.message}\n`));
    child.on('close', (status) => {
      running.delete(child);
      output.end();
      resolve(status ?? 1);
    });
  });
  return { output, code };
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
