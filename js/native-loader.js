'use strict';

// Loads the native binary. Its error names the cause and the remedy in one line. Never loads a truncated file, and never
// waits for one that is a FIFO.

const { closeSync, existsSync, fstatSync, openSync, readSync, statSync } = require('node:fs');
const path = require('node:path');

const { explain, overriding, PLATFORMS, ReplacedBinaryError } = require('./native-load-error.js');

/** @type {typeof import('../native.d.ts') | undefined} */
let native;

/** The native part, loaded once. Throws an error that names the cause when it cannot be loaded. */
function loadNative() {
  return (native ??= load());
}

/** @returns {typeof import('../native.d.ts')} */
function load() {
  try {
    checkFiles();
    const native = require('../native.js');
    // A bundler may have put the name or the bytes of the file in its place.
    if (typeof native?.Recorder !== 'function') throw new ReplacedBinaryError(native);
    return native;
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
}

/** Loading a file that was cut short ends a Linux process with a signal, and loading a FIFO or a device never ends. */
function checkFiles() {
  const machine = `${process.platform}-${process.arch}`;
  const ofMachine = PLATFORMS.filter((name) => name.startsWith(machine));
  const override = overriding();
  const choices = override ? [[override]] : ofMachine.map(filesOf);
  const present = choices.filter((files) => files.length > 0);
  const faults = present.map((files) => files.map(faultOf).find(Boolean));
  // Which of two C libraries is in use is found out by the generated loader.
  if (faults.length > 0 && faults.every(Boolean)) throw new Error(faults[0]);
}

/**
 * The files that the generated loader tries for a platform: the one in this package, as a clone or a single tarball has
 * it, and that of the platform's package.
 * @param {string} name of a platform
 */
function filesOf(name) {
  const root = typeof __dirname === 'string' ? __dirname.replace(/[\\/]js([\\/]entry)?$/, '') : '';
  const own = path.join(root, `flue-braintrust.${name}.node`);
  return [...(existsSync(own) ? [own] : []), ...resolved(`flue-braintrust-${name}`)];
}

/**
 * @param {string} path
 * @returns {string | undefined} why the file must not be loaded
 */
function faultOf(path) {
  if (!statSync(path).isFile()) return `${path} is not a file`;
  return isCutShort(path) ? `${path} is cut short` : undefined;
}

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

module.exports = { PLATFORMS, loadNative };
