/**
 * Windows on Linux: Wine, Node for Windows, and a binary for them. Microsoft's linker and C library cannot be had from a
 * package registry: what is built here is the same code for the `-gnu` target, without optimisation.
 */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addTarget, script, withZig } from '../build.mjs';
import { debs, npmNode } from '../packages.mjs';
import { cache, output, root, sh } from '../shell.mjs';

export const TARGET = 'x86_64-pc-windows-gnu';
/** As the loader of the package finds it on Windows. */
export const binary = join(cache, 'windows/flue-braintrust.win32-x64-msvc.node');

/** Rust asks it for random numbers; Wine has it since version 9. */
const PRNG = `__declspec(dllimport) unsigned char SystemFunction036(void *, unsigned long);
__declspec(dllexport) int ProcessPrng(unsigned char *data, unsigned long long bytes) {
  return SystemFunction036(data, (unsigned long)bytes);
}
`;

/** @returns {string} the script that runs a program of Windows */
export function wine() {
  const directory = debs('wine', ['wine64', 'libwine', 'libz-mingw-w64']);
  const programs = join(directory, 'usr/lib/wine');
  // Debian's script looks for the server where Debian installs it.
  const server = join(programs, 'wineserver64');
  if (existsSync(server)) renameSync(server, join(programs, 'wineserver'));
  const prefix = join(cache, 'wine-prefix');
  const variables = {
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // Neither .NET nor a browser nor menus.
    WINEDLLOVERRIDES: 'mscoree,mshtml,winemenubuilder.exe=',
    LD_LIBRARY_PATH: join(directory, 'usr/lib/x86_64-linux-gnu'),
  };
  const set = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  const run = script('wine', `export ${set.join(' ')}\nexec '${join(programs, 'wine64')}' "$@"`);
  if (!existsSync(join(prefix, 'ready'))) {
    rmSync(prefix, { recursive: true, force: true });
    const system = join(prefix, 'drive_c/windows/system32');
    mkdirSync(system, { recursive: true });
    copyFileSync(
      join(directory, 'usr/x86_64-w64-mingw32/lib/zlib1.dll'),
      join(system, 'zlib1.dll'),
    );
    library(join(system, 'bcryptprimitives.dll'), PRNG);
    sh(run, ['wineboot', '--init']);
    sh(run, ['winecfg', '-v', 'win10']);
    writeFileSync(join(prefix, 'ready'), '');
  }
  return run;
}

/** @returns {string} the script that runs Node for Windows, which cannot write to pipes of Linux */
export function windowsNode() {
  const node = npmNode('win-x64', 'node.exe');
  return script(
    'run-win32-x64-msvc',
    `out=$(mktemp)\nNAPI_RS_NATIVE_LIBRARY_PATH='${binary}' '${wine()}' '${node}' "$@" >"$out" 2>&1 </dev/null
code=$?\ncat "$out"\nrm "$out"\nexit $code`,
  );
}

/** Builds the addon. */
export function buildWindows() {
  cargo(['zigbuild', '--features', 'napi/dyn-symbols']);
  mkdirSync(join(cache, 'windows'), { recursive: true });
  copyFileSync(join(cache, '..', TARGET, 'debug/flue_braintrust.dll'), binary);
}

/** Tests that Wine fails. */
const SKIPPED = [
  // It removes no directory with an open file in it, as Windows 10 does.
  'a_deleted_directory_is_created_again',
  // It is slow: a limit of time comes first.
  'a_response_body_is_read_to_its_end_within_a_size_and_a_time',
];

/** Runs the tests in Rust of the file system, the exporter's host and the spool. @returns {number} how many passed */
export function testCrates() {
  const runner = `CARGO_TARGET_${TARGET.toUpperCase().replaceAll('-', '_')}_RUNNER`;
  // The snapshots ask Cargo for their place, and there is no Cargo for Windows here.
  const env = { [runner]: wine(), INSTA_WORKSPACE_ROOT: root, INSTA_UPDATE: 'no' };
  const skipped = SKIPPED.flatMap((name) => ['--skip', name]);
  const addon = ['-p', 'flue-braintrust', '--features', 'napi/dyn-symbols'];
  const printed = [
    cargo(['test', '-p', 'spool'], env, output),
    cargo(['test', ...addon, '--', ...skipped], env, output),
  ].join('\n');
  console.log(printed);
  const counts = [...printed.matchAll(/^test result: ok\. (\d+) passed/gm)];
  return counts.reduce((sum, [, passed]) => sum + Number(passed), 0);
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @param {typeof output | typeof sh} [run]
 * @returns {string | void}
 */
function cargo([verb = '', ...args], env = {}, run = sh) {
  addTarget(TARGET);
  const zig = withZig();
  // The addon finds Node's functions when it is loaded; its build script asks for a library all the same.
  const node = join(cache, 'windows/libnode');
  mkdirSync(node, { recursive: true });
  writeFileSync(join(node, 'libnode.dll'), '');
  sh('python3', ['-m', 'ziglang', 'ar', 'rcs', join(node, 'libnode.a')], { env: zig });
  return run('cargo-zigbuild', [verb, '--locked', '--target', TARGET, ...args], {
    env: { ...zig, LIBNODE_PATH: node, ...env },
  });
}

/** Compiles a library for Windows. @param {string} file @param {string} source */
function library(file, source) {
  const from = join(cache, 'library.c');
  writeFileSync(from, source);
  const args = ['-target', 'x86_64-windows-gnu', '-shared', '-s', '-o', file, from, '-ladvapi32'];
  sh('python3', ['-m', 'ziglang', 'cc', ...args], { env: withZig() });
}
