'use strict';

const { statSync } = require('node:fs');

/** The platforms that there is a binary for; each has a package of its own, an optional dependency of ours. */
const PLATFORMS = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-x64-msvc',
];

/**
 * The native part. Throws an error that names the true cause when there is none for this machine.
 * @returns {typeof import('../native.d.ts')}
 */
function loadNative() {
  try {
    checkWhole();
    return require('../native.js');
  } catch (error) {
    throw new Error(
      `The native part of flue-braintrust could not be loaded for ${machine()}: ${trueCause(error)}`,
      { cause: error },
    );
  }
}

/** Loading a file that was cut short ends the process: its size is compared with the one that was packed. */
function checkWhole() {
  const names = PLATFORMS.filter((name) => name.startsWith(`${process.platform}-${process.arch}`));
  for (const name of names) {
    const binary = resolved(`flue-braintrust-${name}`);
    if (binary === undefined) continue;
    const { size } = statSync(binary);
    const { binaryBytes } = require(`flue-braintrust-${name}/package.json`);
    // One that was signed or patched since is larger.
    if (size < binaryBytes) throw new Error(`${binary} has ${size} bytes, not ${binaryBytes}`);
  }
}

/** @param {string} name of a package @returns {string | undefined} its file, if both are there */
function resolved(name) {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

const machine = () => `${process.platform}-${process.arch}, Node ${process.versions.node}`;

/**
 * The generated loader tries several places and reports a chain of errors under a message of its own. A
 * binary that was found and would not load tells more than one that was not found.
 * @param {unknown} error
 * @returns {string} why, and what to do
 */
function trueCause(error) {
  /** @type {string[]} */
  const messages = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    messages.push(cause.message.split('\n')[0] ?? '');
  }
  const broken = messages.find((message) => !isAbsence(message));
  if (broken !== undefined) return `${broken} (${remedyFor(broken)})`;

  const platform = PLATFORMS.find((name) =>
    messages.some((message) => message.includes(`'flue-braintrust-${name}'`)),
  );
  if (platform === undefined) return `there is no binary for it, only for ${PLATFORMS.join(', ')}`;
  return (
    `its optional dependency flue-braintrust-${platform} is not installed (run \`npm install\` without ` +
    '`--omit=optional`, on this kind of machine)'
  );
}

/** Whether a message only says that one of the generated loader's places is empty, or that it knows none. */
const isAbsence = (/** @type {string} */ message) =>
  /^(Cannot find (native|module '(\.\/)?flue-braintrust[.-])|Failed to load native|Unsupported )/.test(
    message,
  );

/** @param {string} message */
const remedyFor = (message) =>
  /GLIBC|macOS/.test(message)
    ? 'it needs a newer system'
    : 'the file is damaged or meant for another machine: remove node_modules and run `npm install` again';

module.exports = { PLATFORMS, loadNative };
