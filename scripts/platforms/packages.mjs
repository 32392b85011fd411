/** Packages of Debian and npm, unpacked in the cache and not installed. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, output, sh } from './shell.mjs';

const NODE = '22.23.3';
const RELEASE = 'trixie';

/**
 * Node of another platform, from its package.
 *
 * @param {string} platform as the package has it: `linux-arm64`
 * @param {string} [program]
 * @returns {string} its path
 */
export function npmNode(platform, program = 'node') {
  const directory = join(cache, `node-${platform}`);
  const node = join(directory, 'package/bin', program);
  if (!existsSync(node)) {
    mkdirSync(directory, { recursive: true });
    const tarball = output('npm', ['pack', '--silent', `node-${platform}@${NODE}`], {
      cwd: directory,
    });
    sh('tar', ['-xzf', tarball], { cwd: directory });
    rmSync(join(directory, tarball));
  }
  return node;
}

/**
 * Unpacks packages of Debian into a folder of the cache, and installs nothing.
 *
 * @param {string} name of the folder
 * @param {string[]} packages
 * @param {string} [arch] as Debian names it; default: that of this machine
 * @returns {string} the folder
 */
export function debs(name, packages, arch) {
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
