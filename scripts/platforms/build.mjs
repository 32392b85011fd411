/** Builds and checks binaries as the release workflow does. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { commandsOf } from '../workflow.mjs';
import { binaries, cache, output, root, sh } from './shell.mjs';

const venv = join(cache, 'python');

/** @typedef {import('./list.mjs').Platform} Platform */

/** @param {Platform} platform @returns {Promise<string>} */
export async function build({ name, target, glibc }) {
  addTarget(target);
  mkdirSync(binaries, { recursive: true });
  const versioned = glibc ? `${target}.${glibc}` : target;
  const args = ['scripts/build.mjs', '--target', versioned, '-x', '--output-dir', binaries];
  sh(process.execPath, args, { env: withZig() });
  if (!existsSync(fileOf(name))) throw new Error(`no binary for ${name}`);
  return glibc ? `yes, for glibc ${glibc}` : 'yes';
}

/** @param {Platform} platform @returns {Promise<string>} what it needs */
export async function check({ target }) {
  const script = join(root, 'scripts/check-binary.mjs');
  const printed = output(process.execPath, [script, target], { cwd: binaries });
  console.log(printed);
  const [, bytes = '0', glibc = ''] = /: (\d+) bytes.*glibc (\S+)$/m.exec(printed) ?? [];
  const size = `${(Number(bytes) / 1e6).toFixed(1)} MB`;
  return glibc === 'none' ? size : `${size}, glibc ${glibc}`;
}

/**
 * Compiles the crate for a platform without linking it.
 *
 * @param {Platform} platform
 * @returns {Promise<string>}
 */
export async function compile({ target }) {
  addTarget(target);
  const cc = compiler(target);
  const variable = target.replaceAll('-', '_');
  const env = { ...withZig(), [`CC_${variable}`]: cc, [`AR_${variable}`]: join(cache, 'zig-ar') };
  sh('cargo', ['check', '--locked', '--quiet', '--target', target], { env });
  return 'compiles';
}

/** @param {string} name */
export const fileOf = (name) => join(binaries, `flue-braintrust.${name}.node`);

/** @param {string} target */
export function addTarget(target) {
  const installed = output('rustup', ['target', 'list', '--installed']).split('\n');
  if (!installed.includes(target)) sh('rustup', ['target', 'add', target]);
}

/** The environment with the Zig that the release installs. */
export function withZig() {
  if (!existsSync(join(venv, 'bin/cargo-zigbuild'))) {
    const install = commandsOf('release.yml').find(({ command }) => command.startsWith('pip '));
    if (install === undefined) throw new Error('release.yml installs no Zig');
    sh('python3', ['-m', 'venv', venv]);
    sh(join(venv, 'bin/pip'), install.command.split(' ').slice(1));
  }
  return { ...process.env, PATH: `${join(venv, 'bin')}${delimiter}${process.env.PATH}` };
}

/**
 * A C compiler for the sources in `ring`, which a check compiles, too: Zig has the headers of every system.
 *
 * @param {string} target
 */
function compiler(target) {
  const [arch] = target.split('-');
  const system = target.includes('darwin') ? 'macos' : 'windows-gnu';
  // For Microsoft's linker, archives are made with the arguments of its own tool.
  script('zig-ar', `exec python3 -m ziglang ${target.endsWith('msvc') ? 'lib' : 'ar'} "$@"`);
  // It names targets in its own way.
  return script(
    `zig-cc-${target}`,
    `for arg; do shift; case "$arg" in --target=*|-arch|arm64|x86_64|-mmacosx-version-min=*|-fPIC|-isysroot|/*.sdk) ;; *) set -- "$@" "$arg";; esac; done
exec python3 -m ziglang cc -target ${arch}-${system} "$@"`,
  );
}

/** A shell script in the cache. @param {string} name @param {string} text @returns {string} its path */
export function script(name, text) {
  const file = join(cache, name);
  const content = `#!/bin/sh\n${text}\n`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== content) writeFileSync(file, content);
  chmodSync(file, 0o755);
  return file;
}
