/**
 * Runs the commands of the release workflow that follow the builds, as they stand in it, with the binaries that
 * `npm run platforms` has built: packs, installs and tries the packages, checks the version, and publishes to nowhere.
 * `npm` and `gh` are replaced where they would publish. Nothing in the working tree changes.
 *
 *     node scripts/try-release.mjs
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandsOf } from './workflow.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(root, 'target/platforms/binaries');
/** Installed packages, and what is built: a clone lacks them. */
const SHARED = ['node_modules', 'target', 'js/edge/core.wasm'];

if (!existsSync(binaries)) throw new Error('There are no binaries: run `npm run platforms`.');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-release-'));
const clone = join(directory, 'clone');
const stubs = join(directory, 'stubs');
try {
  check('git', ['clone', '--quiet', root, clone], root);
  for (const name of SHARED) symlinkSync(join(root, name), join(clone, name));
  cpSync(binaries, join(clone, 'binaries'), { recursive: true });
  // Of this version, so that there are notes.
  const changes = join(clone, 'CHANGELOG.md');
  const text = readFileSync(changes, 'utf8').replace('## Unreleased', `## ${version}`);
  writeFileSync(changes, text);
  for (const { job, command } of commandsOf('release.yml')) {
    if (job === 'build' || command.startsWith('npm ci')) continue;
    // macOS and Windows are not built here.
    run(job, command.replace(' --complete', ''));
  }
  const published = readFileSync(join(directory, 'published'), 'utf8').trim().split('\n');
  console.log(`would publish:\n${published.map((line) => `  ${line}`).join('\n')}`);
  const last = published.findLast((line) => line.startsWith('npm publish'));
  if (!last?.includes(`flue-braintrust-${version}.tgz`))
    throw new Error('the main package is not last');
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** @param {string} job @param {string} command */
function run(job, command) {
  console.log(`> ${job}: ${command.split('\n')[0]}`);
  const env = {
    ...process.env,
    GITHUB_SERVER_URL: 'https://code.example',
    GITHUB_REPOSITORY: 'acme/flue-braintrust',
    GITHUB_REF_NAME: `v${version}`,
    ...(job === 'publish' && { PATH: `${publishing()}${delimiter}${process.env.PATH}` }),
  };
  check('bash', ['-eo', 'pipefail', '-c', command], clone, env);
}

/** @returns {string} a folder with an `npm` and a `gh` that write down what they are asked to do */
function publishing() {
  mkdirSync(stubs, { recursive: true });
  const log = join(directory, 'published');
  // Nothing is published yet: `npm view` fails.
  const scripts = {
    npm: `[ "$1" = view ] && exit 1; echo "npm $*" >> '${log}'`,
    gh: `echo "gh $*" >> '${log}'; [ -s notes ]`,
  };
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(stubs, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(stubs, name), 0o755);
  }
  return stubs;
}

/** @param {string} command @param {string[]} args @param {string} cwd @param {NodeJS.ProcessEnv} [env] */
function check(command, args, cwd, env = process.env) {
  const { status } = spawnSync(command, args, {
    cwd,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}`);
}
