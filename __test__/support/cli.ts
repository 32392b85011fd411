import { join } from 'node:path';
import { type Ending, ROOT, finished } from './run';

/** The program, to be run by Node. */
export const CLI = join(ROOT, 'tools/cli.js');

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
