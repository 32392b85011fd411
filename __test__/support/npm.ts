import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, finished } from './run';

/** Its code on Node, without the binary. */
const CODE = ['package.json', 'index.js', 'index.mjs', 'native.js', 'js'];

/** The manifest of the package in a directory. */
export const manifestIn = (directory: string) =>
  JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));

/** Puts the package into a project as npm installs it, in place of a link, which Vite bundles; gives the place. */
export function installCopy(project: string) {
  const place = join(project, 'node_modules/flue-braintrust');
  rmSync(place, { force: true });
  mkdirSync(place, { recursive: true });
  for (const name of CODE) cpSync(join(ROOT, name), join(place, name), { recursive: true });
  for (const name of readdirSync(ROOT).filter((file) => file.endsWith('.node'))) {
    symlinkSync(join(ROOT, name), join(place, name));
  }
  return place;
}

/** Runs npm as the user does, with the registry, proxies and certificates that it has here. */
export async function npm(args: string[], cwd: string, env: Record<string, string> = {}) {
  // By that an npm that runs this process locates its children.
  const { npm_config_local_prefix: _prefix, ...inherited } = process.env;
  const all = { ...(inherited as Record<string, string>), ...env };
  const { code, stdout, stderr } = await finished('npm', args, all, cwd, 180_000);
  if (code === 0) return stdout.trim();
  throw new Error(`npm ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
}
