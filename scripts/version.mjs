/**
 * Gives the version of package.json to all that carry it, too: the platforms' packages, the crate, the entry for
 * Workers, and, by a build, the generated loader. Run by `npm version`, which commits what this adds.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npm } from './npm.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
if (!repository?.url) {
  const example = '{ "type": "git", "url": "git+https://HOST/OWNER/NAME.git" }';
  throw new Error(`package.json lacks the address of this repository: "repository": ${example}`);
}

for (const platform of readdirSync(join(root, 'npm'))) {
  replace(join('npm', platform, 'package.json'), /"version": ".*"/, `"version": "${version}"`);
}
replace('Cargo.toml', /^version = ".*"$/m, `version = "${version}"`);
replace('js/edge/version.mjs', /'.*'/, `'${version}'`);

const { command, args, shell } = npm(['run', 'build']);
execFileSync('cargo', ['update', '--workspace', '--offline'], {
  cwd: root,
  stdio: 'inherit',
});
execFileSync(command, args, { cwd: root, shell, stdio: 'inherit' });
const changed = ['npm', 'Cargo.toml', 'Cargo.lock', 'js/edge/version.mjs', 'native.js'];
execFileSync('git', ['add', ...changed], { cwd: root });

/** @param {string} file @param {RegExp} pattern @param {string} text */
function replace(file, pattern, text) {
  const path = join(root, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(pattern, text));
}
