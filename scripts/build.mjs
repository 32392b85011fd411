/**
 * Builds the native part as it is published, with the arguments of `napi build`. The binary has no path of this machine
 * in it.
 *
 *     node scripts/build.mjs [--target <target>] [-x]
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { releaseEnvironment } from './release-environment.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const napi = join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
const how = ['--platform', '--release', '--js', 'native.js', '--dts', 'native.d.ts'];

const { status } = spawnSync(process.execPath, [napi, 'build', ...how, ...process.argv.slice(2)], {
  cwd: root,
  env: releaseEnvironment(),
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
