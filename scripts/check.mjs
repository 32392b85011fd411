/**
 * Checks everything, as CI does: the formatter, walls and tests of Rust, which is linted as it compiles; in parallel the
 * formatters, linters and types of JavaScript, and the build of the WebAssembly module, after which the tests of
 * JavaScript start. The first failure ends the run. The packages must be installed and the native part built.
 *
 *     npm run check
 */
import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { linting } from './linting.mjs';
import { npm } from './npm.mjs';
import { run } from './step.mjs';

/** More than any runner prints: one whose output waits for its turn must not wait itself. */
const MAX_HELD_BYTES = 2 ** 30;

const ending = new AbortController();
const cwd = fileURLToPath(new URL('..', import.meta.url));
/** Only what compiles the tests lints: all crates are among them. */
const script = (name) => {
  const env = name === 'test:rust' ? { ...process.env, ...linting } : process.env;
  return { ...npm(['run', '--silent', name]), cwd, env, signal: ending.signal };
};
/** Without npm, whose shell would not pass the signal on: these tests take minutes. */
const jest = {
  command: process.execPath,
  args: [fileURLToPath(import.meta.resolve('jest/bin/jest'))],
  cwd,
  signal: ending.signal,
};

const rust = loudly('format:rust', 'walls', 'test:rust');
const javascript = quietly('lint:js', 'types', 'dependencies', 'workflows');
const module = quietly('build:worker');
const published = module.then(() => quietly('published'));
const tests = module.then(() => start(jest, 'pipe'));
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
    const { code, output } = await run(script(name));
    all += output;
    if (code !== 0) await fail(all);
  }
  return all;
}

/** Runs scripts, one after the other, and shows their output. */
async function loudly(...names) {
  for (const name of names) {
    if ((await start(script(name), 'inherit').code) !== 0) await fail('');
  }
}

/** Starts a command; its exit code, and its output if that goes to pipes. */
function start({ command, args, ...settings }, stdio) {
  const child = spawn(command, args, { ...settings, stdio: ['inherit', stdio, stdio] });
  const output = new PassThrough({ highWaterMark: MAX_HELD_BYTES });
  child.stdout?.pipe(output, { end: false });
  child.stderr?.pipe(output, { end: false });
  const code = new Promise((resolve) => {
    child.on('error', (error) => fail(`${command}: ${error.message}\n`));
    child.on('close', (status) => {
      output.end();
      resolve(status ?? 1);
    });
  });
  return { output, code };
}

/** Shows the output of the first that fails, and ends everything; never returns. */
function fail(output) {
  if (!ending.signal.aborted) {
    ending.abort();
    process.stdout.write(output, () => process.exit(1));
  }
  return new Promise(() => {});
}
