/**
 * What works in a fresh clone: checks the arguments, sets the clone up, and runs a script. Uses core modules only, since
 * nothing is installed yet.
 *
 *     node scripts/first-run.mjs demo [options]
 *     node scripts/first-run.mjs package [<project>]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { demoOptions } from './demo-options.mjs';
import { npm } from './npm.mjs';
import { projectArgument } from './project-argument.mjs';

const SCRIPTS = {
  demo: { check: demoOptions, setup: ['--demo'] },
  package: { check: projectArgument, setup: ['--release'] },
};

const [name, ...args] = process.argv.slice(2);
const { check, setup } = SCRIPTS[name];
// A mistake shows before minutes of work.
check(args);
const script = fileURLToPath(new URL('setup.mjs', import.meta.url));
await run({ command: process.execPath, args: [script, ...setup] });
await run(npm(['run', '--silent', `${name}:run`, '--', ...args]));

/** Runs a command; ends with its exit code if that is not 0. Ctrl-C reaches it, too: it decides what that means. */
async function run({ command, args, shell }) {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const child = spawn(command, args, { cwd, shell, stdio: 'inherit' });
  const pass = (signal) => child.kill(signal);
  const ignore = () => {};
  process.on('SIGTERM', pass).on('SIGINT', ignore);
  const [code] = await once(child, 'exit');
  process.off('SIGTERM', pass).off('SIGINT', ignore);
  if (code !== 0) process.exit(code ?? 1);
}
