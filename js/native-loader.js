'use strict';

// Loads the native binary. Its error names the cause and the remedy in one line. Never loads a truncated file.

const { closeSync, fstatSync, openSync, readSync } = require('node:fs');

/** The platforms with a binary; each has a package of its own, an optional dependency of this one. */
const PLATFORMS = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-x64-msvc',
];

/** @type {typeof import('../native.d.ts') | undefined} */
let native;

/** The native part, loaded once. Throws an error that names the cause when it cannot be loaded. */
function loadNative() {
  return (native ??= load());
}

/** Loads the native part, if it can be loaded: whoever needs it learns why not. */
function preloadNative() {
  try {
    loadNative();
  } catch {
    // `loadNative` tries again and throws.
  }
}

/** @returns {typeof import('../native.d.ts')} */
function load() {
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

/** Loading a file that was cut short ends a Linux process with a signal; elsewhere the system refuses it. */
function checkWhole() {
  if (process.platform !== 'linux') return;
  const ofMachine = PLATFORMS.filter((name) => name.startsWith(`linux-${process.arch}`));
  const override = overriding();
  const files = override
    ? [override]
    : ofMachine.flatMap((name) => resolved(`flue-braintrust-${name}`));
  const cut = files.filter(isCutShort);
  // Which of two C libraries is in use is found out by the generated loader.
  if (cut.length > 0 && cut.length === files.length) throw new Error(`${cut[0]} is cut short`);
}

/** The binary that is to be loaded in the place of the installed one. */
const overriding = () => process.env.NAPI_RS_NATIVE_LIBRARY_PATH;

/**
 * Whether an ELF file ends before its section header table, which is its last part.
 * @param {string} path
 */
function isCutShort(path) {
  const header = Buffer.alloc(64);
  const file = openSync(path, 'r');
  try {
    readSync(file, header);
    if (header.toString('latin1', 1, 4) !== 'ELF') return false;
    const [entryBytes, entries] = [header.readUInt16LE(58), header.readUInt16LE(60)];
    return fstatSync(file).size < Number(header.readBigUInt64LE(40)) + entryBytes * entries;
  } finally {
    closeSync(file);
  }
}

/** @param {string} name of a package @returns {string[]} its file, if both are there */
function resolved(name) {
  try {
    return [require.resolve(name)];
  } catch {
    return [];
  }
}

const machine = () => `${process.platform}-${process.arch}, Node ${process.versions.node}`;

/**
 * The generated loader tries several places and reports a chain of errors under a message of its own. The error of a
 * binary that was found and failed to load comes before those of binaries that were not found.
 * @param {unknown} error
 * @returns {string} why, and what to do
 */
function trueCause(error) {
  /** @type {NodeJS.ErrnoException[]} */
  const causes = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) causes.push(cause);
  const override = overriding();
  if (override) return `${lineOf(causes.at(-1))} (NAPI_RS_NATIVE_LIBRARY_PATH names ${override})`;
  const broken = causes.find((cause) => !isAbsence(cause));
  if (broken !== undefined) return `${lineOf(broken)} (${remedyFor(broken.message)})`;

  const platform = PLATFORMS.find((name) =>
    causes.some(({ message }) => message.includes(`flue-braintrust-${name}`)),
  );
  if (platform === undefined) return `there is no binary for it, only for ${PLATFORMS.join(', ')}`;
  return (
    `its optional dependency flue-braintrust-${platform} is not installed (run \`npm install\` without ` +
    '`--omit=optional`, on this kind of machine; if a lock file from another kind leaves it out, remove that ' +
    'and node_modules before)'
  );
}

/** @param {Error | undefined} error */
const lineOf = (error) => error?.message.split('\n')[0] ?? 'nothing was thrown';

/**
 * Whether an error only means that one of the generated loader's places is empty, or that it knows none: a package
 * is named without a path.
 * @param {NodeJS.ErrnoException} error
 */
const isAbsence = ({ code, message }) =>
  /^(Cannot find native|Failed to load native|Unsupported )/.test(message) ||
  ((code === 'MODULE_NOT_FOUND' || message.startsWith('Cannot find module ')) &&
    /(^|[^/\\]|'\.\/)flue-braintrust[.-]/.test(message));

/** @param {string} message */
const remedyFor = (message) =>
  /GLIBC|macOS/.test(message)
    ? 'it needs a newer system'
    : 'the file is damaged or meant for another machine: remove node_modules and run `npm install` again';

module.exports = { PLATFORMS, loadNative, preloadNative };
