/**
 * Checks everything, as CI does: first the formatters, linters and types of JavaScript, and the build of the WebAssembly
 * module, whose last step is one long thread, in parallel with the formatter, walls and tests of Rust, which is linted
 * as it compiles; then the tests of JavaScript. The packages must be installed and the native part built.
 *
 *     node scripts/check.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { linting } from './linting.mjs';
import { npm } from './npm.mjs';
import { run } from './step.mjs';

const cwd = fileURLToPath(new URL('..', import.meta.url));
/** Only what compiles the tests lints: all crates are among them. */
const script = (name) => {
  const env = name === 'test:rust' ? { ...process.env, ...linting } : process.env;
  return { ...npm(['run', '--silent', name]), cwd, env };
};

const beside = [
  quietly('build:worker', 'published'),
  quietly('lint:js', 'types', 'dependencies', 'workflows'),
];
const passed = await loudly('format:rust', 'walls', 'test:rust');
const ended = await Promise.all(beside);
for (const { output } of ended) process.stdout.write(output);
if (!passed || ended.some(({ code }) => code !== 0)) process.exit(1);
if (!(await loudly('test:js'))) process.exit(1);

/** Runs scripts until one fails, and keeps their output. */
async function quietly(...names) {
  let all = '';
  for (const name of names) {
    const { code, output } = await run(script(name));
    all += output;
    if (code !== 0) return { code, output: all };
  }
  return { code: 0, output: all };
}

/** Runs scripts until one fails, and shows their output. */
async function loudly(...names) {
  for (const name of names) {
    const { command, args, ...settings } = script(name);
    const [code] = await once(spawn(command, args, { ...settings, stdio: 'inherit' }), 'exit');
    if (code !== 0) return false;
  }
  return true;
}
