import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Ending, ROOT, environment } from './run';

const CLI = join(ROOT, 'js/cli.js');

/** Runs the program to its end, in a directory that has no settings unless another is given. */
export function cli(
  args: string[],
  { env = {}, cwd = '/' }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Ending> {
  return finished(process.execPath, [CLI, ...args], env, cwd);
}

/** The same on a terminal. What it writes to either stream is in `stdout`. */
export function onTerminal(args: string[], env: Record<string, string>): Promise<Ending> {
  const command = [process.execPath, CLI, ...args].map((part) => `'${part}'`).join(' ');
  return finished('script', ['-qec', command, '/dev/null'], { TERM: 'xterm', ...env }, '/');
}

function finished(
  command: string,
  args: string[],
  env: Record<string, string>,
  cwd: string,
): Promise<Ending> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      cwd,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 50_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
}
