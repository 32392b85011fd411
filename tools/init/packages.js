'use strict';

// The commands of the package managers.

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
 * The commands that remove and install packages, for the user to run. A package goes before another one comes: what it
 * demands of others, or its exact version, could make the installation fail.
 *
 * @param {Project} project
 * @param {{ wanted: string[], unwanted: string[] }} packages
 * @returns {string[]}
 */
function installation({ dependencies, packageManager }, { wanted, unwanted }) {
  const { add, remove } = COMMANDS[packageManager];
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
function development({ packageManager, line, hasDevScript }) {
  if (hasDevScript) return `${packageManager} run dev`;
  return executed(packageManager, line === '2.x' ? 'vite dev' : 'flue dev');
}

module.exports = { COMMANDS, development, executed, installation };
