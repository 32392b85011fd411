/**
 * Installs this clone in a project as one tarball with the binary in it: packs the package as it is published, and
 * hands the tarball to the package manager of the project. It stays in `target/packages`, where later installations
 * in the project find it.
 *
 *     npm run package -- <project>
 *
 * Without a project, prints the tarball's path.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandsOf } from '../tools/init/packages.js';
import { manifestOf, packageManagerOf } from '../tools/init/project.js';
import { npm } from './npm.mjs';
import { projectArgument } from './project-argument.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = join(root, 'target/packages');

const directory = projectArgument(process.argv.slice(2));
const tarball = packed();
if (directory) add(directory);
else console.log(tarball);

/** @returns {string} the tarball, named by its content: package managers keep what they know by its name */
function packed() {
  mkdirSync(packages, { recursive: true });
  const script = join(root, 'scripts/pack.mjs');
  const printed = execFileSync(process.execPath, [script, packages, '--single'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const file = printed.trim();
  const hash = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
  const named = file.replace(/\.tgz$/, `-${hash}.tgz`);
  renameSync(file, named);
  return named;
}

/** @param {string} directory of the project */
function add(directory) {
  const packageManager = packageManagerOf(directory, manifestOf(directory));
  const [name = '', ...verb] = commandsOf({ root: directory, packageManager }).add.split(' ');
  const isWindows = process.platform === 'win32';
  const { command, args, shell } =
    packageManager === 'npm'
      ? npm([...verb, tarball])
      : { command: name, args: [...verb, `file:${tarball}`], shell: isWindows };
  console.log(`${name} ${verb.join(' ')} ${tarball}`);
  const { npm_config_local_prefix: _prefix, ...env } = process.env;
  execFileSync(command, args, { cwd: directory, env, shell, stdio: 'inherit' });
}
