import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = new URL('./', import.meta.url);

/** Installs the older exporter, unless it is there. */
export function install() {
  const installed = new URL('node_modules/braintrust-3.17/package.json', directory);
  const lock = JSON.parse(readFileSync(new URL('package-lock.json', directory), 'utf8'));
  const { version } = lock.packages['node_modules/braintrust-3.17'];
  if (existsSync(installed) && JSON.parse(readFileSync(installed, 'utf8')).version === version) {
    return;
  }
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { npm_execpath: cli, npm_node_execpath: node } = process.env;
  const [command, more] =
    cli?.endsWith('.js') && node
      ? [node, [cli]]
      : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
  const { status, error, stderr } = spawnSync(command, [...more, ...args], {
    cwd: fileURLToPath(directory),
    encoding: 'utf8',
    shell: command.endsWith('.cmd'),
  });
  if (status !== 0)
    throw new Error(`braintrust ${version} could not be installed: ${error ?? stderr}`);
}
