'use strict';

// The commands of the package managers.

const { existsSync } = require('node:fs');
const path = require('node:path');

const { isForCloudflare } = require('../support/cloudflare');
const { FLUE_CONFIGURATIONS } = require('./configured-app');
const { readableFile } = require('./files');
const { manifestOf } = require('./project');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./project').PackageManager} PackageManager */

/** @type {Record<PackageManager, { add: string, remove: string, execute: string }>} */
const COMMANDS = {
  npm: { add: 'npm install', remove: 'npm uninstall', execute: 'npx' },
  pnpm: { add: 'pnpm add', remove: 'pnpm remove', execute: 'pnpm exec' },
  yarn: { add: 'yarn add', remove: 'yarn remove', execute: 'yarn run' },
  bun: { add: 'bun add', remove: 'bun remove', execute: 'bunx' },
};

/**
 * The commands of a project's package manager. In the root of a workspace, pnpm and Yarn 1 need a flag.
 *
 * @param {Pick<Project, 'root' | 'packageManager'>} project
 */
function commandsOf({ root, packageManager }) {
  const { add, remove } = COMMANDS[packageManager];
  const flag = rootFlag(root, packageManager);
  return { add: add + flag, remove: remove + flag };
}

/** @param {string} root @param {PackageManager} packageManager */
function rootFlag(root, packageManager) {
  if (packageManager === 'pnpm') {
    return existsSync(path.join(root, 'pnpm-workspace.yaml')) ? ' -w' : '';
  }
  if (packageManager !== 'yarn' || manifestOf(root).workspaces === undefined) return '';
  return /^# yarn lockfile v1$/m.test(readableFile(root, 'yarn.lock')?.text ?? '') ? ' -W' : '';
}

/**
 * The commands that remove and install packages, for the user to run. A package goes before another one comes: what it
 * demands of others, or its exact version, could make the installation fail.
 *
 * @param {Project} project
 * @param {{ wanted: string[], unwanted: string[] }} packages
 * @returns {string[]}
 */
function installation(project, { wanted, unwanted }) {
  const { dependencies } = project;
  const { add, remove } = commandsOf(project);
  const present = unwanted.filter((name) => name in dependencies);
  const missing = wanted.filter((name) => !(name in dependencies));
  return [
    ...(present.length > 0 ? [`${remove} ${present.join(' ')}`] : []),
    ...(missing.length > 0 ? [`${add} ${missing.join(' ')}`] : []),
  ];
}

/**
 * A command of an installed package.
 *
 * @param {PackageManager} packageManager
 * @param {string} command
 */
const executed = (packageManager, command) => `${COMMANDS[packageManager].execute} ${command}`;

/**
 * The command that starts the development server.
 *
 * @param {Project} project
 */
function development({ root, packageManager, line, hasDevScript }) {
  if (hasDevScript) return `${packageManager} run dev`;
  if (line === '2.x') return executed(packageManager, 'vite dev');
  // The configuration names the target.
  const isConfigured = FLUE_CONFIGURATIONS.some((name) => existsSync(path.join(root, name)));
  const target = isForCloudflare(root) ? 'cloudflare' : 'node';
  return executed(packageManager, isConfigured ? 'flue dev' : `flue dev --target ${target}`);
}

module.exports = { commandsOf, development, executed, installation };
