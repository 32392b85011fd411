import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The environment in which published code is compiled: messages of panics name files, and not by the paths of this
 * machine. Fetches the crates, whose paths it names. Applied twice it changes nothing more: with other flags Cargo
 * compiles all crates again.
 *
 * @returns {NodeJS.ProcessEnv}
 */
export function releaseEnvironment() {
  spawnSync('cargo', ['fetch', '--locked'], { cwd: root, stdio: 'inherit' });
  const sources = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry/src');
  // A folder for each registry: its name differs where a mirror replaces crates.io.
  const registries = existsSync(sources) ? readdirSync(sources) : [];
  const paths = [...registries.map((name) => `${join(sources, name)}/`), root];
  // A path with a space cannot be passed on like this.
  const remaps = paths.filter((path) => !/\s/.test(path));
  const given = process.env.RUSTFLAGS?.split(/\s+/).filter(Boolean) ?? [];
  const flags = remaps.map((path) => `--remap-path-prefix=${path}=`);
  const missing = flags.filter((flag) => !given.includes(flag));
  return { ...process.env, RUSTFLAGS: [...given, ...missing].join(' ') };
}
