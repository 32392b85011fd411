import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from './run';

/** The manifest of the package in a directory. */
export const manifestIn = (directory: string) =>
  JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));

/** Runs npm as the user does, with the registry, proxies and certificates that it has here. */
export async function npm(args: string[], cwd: string, env: Record<string, string> = {}) {
  // By that an npm that runs this process locates its children.
  const { npm_config_local_prefix: _prefix, ...inherited } = process.env;
  const all = { ...(inherited as Record<string, string>), ...env };
  const { code, stdout, stderr } = await finished('npm', args, all, cwd, 180_000);
  if (code === 0) return stdout.trim();
  throw new Error(`npm ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
}
