'use strict';

// The settings in the environment and in `.env.braintrust`. The native part has their rules.

const fs = require('node:fs');
const path = require('node:path');
const { parseEnv } = require('node:util');

const { ownVariables } = require('./variables.js');

/**
 * The general variables for proxies and certificates. They are looked up by name: on Windows, names have no case.
 * `REQUEST_METHOD` is that of CGI, where `HTTP_PROXY` comes from the client.
 */
const NETWORK_VARIABLES = [
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  ...['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
    name.toLowerCase(),
    name,
  ]),
  'REQUEST_METHOD',
];

/** The variables that `.env.braintrust` may set; others in it are not ours to read. */
const FILE_VARIABLES = [
  'BRAINTRUST_API_KEY',
  'BRAINTRUST_APP_URL',
  'BRAINTRUST_API_URL',
  'BRAINTRUST_ORG_NAME',
  'BRAINTRUST_PROJECT_NAME',
  'BRAINTRUST_PROJECT_ID',
];

/** Errors of a path at which there is no file, or none that Node's permission model lets this process see. */
const NO_FILE = new Set(['ENOENT', 'ENOTDIR', 'ERR_ACCESS_DENIED']);

/** How far above the working directory the file is looked for. */
const MAX_PARENTS = 64;

/**
 * What the settings may be read from besides the options: the process's own variables and those of
 * `.env.braintrust`. Nothing is written back to `process.env`.
 * @returns {{ env: Record<string, string>, file: Record<string, string>, unusable?: string }} `unusable` states why the
 *   file cannot be used
 */
function environment() {
  const env = { ...ownVariables(), ...pick(process.env, NETWORK_VARIABLES) };
  const { path: name, variables, error } = nearestFile();
  const unusable = error && `${name} cannot be used (${error.message}).`;
  return { env, file: pick(variables, FILE_VARIABLES), ...(unusable && { unusable }) };
}

/**
 * @param {NodeJS.Dict<string>} variables
 * @param {readonly string[]} names
 */
function pick(variables, names) {
  /** @type {Record<string, string>} */
  const picked = {};
  for (const name of names) {
    const value = variables[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/**
 * The nearest `.env.braintrust`, from the working directory upwards. The first that exists ends the
 * search, even if it cannot be used.
 * @returns {{ path?: string, variables: NodeJS.Dict<string>, error?: Error }} no path: there is none
 */
function nearestFile() {
  let directory = workingDirectory();
  for (let parents = 0; directory !== '' && parents <= MAX_PARENTS; parents++) {
    const file = path.join(directory, '.env.braintrust');
    try {
      return { path: file, variables: variablesOf(readTrusted(file)) };
    } catch (cause) {
      const error = /** @type {NodeJS.ErrnoException} */ (cause);
      if (!NO_FILE.has(error.code ?? '')) {
        return { path: file, variables: {}, error };
      }
    }
    const parent = path.dirname(directory);
    if (parent === directory) break;
    directory = parent;
  }
  return { variables: {} };
}

/**
 * The variables in the text of a file, with a byte order mark or without. Throws if the file is not UTF-8.
 * @param {string} text
 * @returns {NodeJS.Dict<string>}
 */
function variablesOf(text) {
  // The NULs of UTF-16: no text that is UTF-8 has any.
  if (text.includes('\0')) throw new Error('it is not UTF-8');
  return parseEnv(text.replace(/^\uFEFF/, ''));
}

/**
 * The text of a file. Throws if it cannot be read, or another user may have written it: its address would receive the
 * key of this one.
 * @param {string} file
 */
function readTrusted(file) {
  // Opening a FIFO to which nobody writes would block the application forever.
  const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants;
  const descriptor = fs.openSync(file, O_RDONLY | O_NONBLOCK);
  try {
    const found = fs.fstatSync(descriptor);
    if (!found.isFile()) throw new Error('it is not a regular file');
    const why = distrust(found);
    if (why !== undefined) throw new Error(why);
    return fs.readFileSync(descriptor, 'utf8');
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * Why a file is not trusted. Users who can write to the working directory are trusted: a container that runs as root
 * has files of other users there, and Windows' disks, as Linux mounts them, are open to everyone. Windows itself states
 * no owners.
 * @param {fs.Stats} file
 */
function distrust(file) {
  const user = process.geteuid?.();
  if (user === undefined) return undefined;
  const here = fs.statSync('.');
  if (![0, user, here.uid].includes(file.uid)) return 'it belongs to another user';
  // In a directory with the sticky bit, such as /tmp, everyone can only add files.
  const isOpenHere = (here.mode & 0o1002) === 0o002;
  return (file.mode & 0o002) !== 0 && !isOpenHere ? 'every user can write it' : undefined;
}

/** Empty when it was deleted. */
function workingDirectory() {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

/** Whether a variable or the file has a key. One that is blank counts as unset. */
function hasKey() {
  const { env, file } = environment();
  return [env, file].some(({ BRAINTRUST_API_KEY }) => BRAINTRUST_API_KEY?.trim());
}

module.exports = { FILE_VARIABLES, environment, hasKey, nearestFile, variablesOf };
