'use strict';

// Why the native binary is not loaded, and the remedy, in one line.

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

/** The file with this text, here and as it is published, unless it is in a bundle of the application. */
const OWN_FILE = /[\\/]js[\\/](native-load-error|entry[\\/]node)\.js$/;

/**
 * The generated loader adds members to the addon, which fails for a text in its place; the error quotes the whole text.
 */
const IS_TEXT = /^Cannot create property/;

/** The most characters of an error's message. */
const MAX_LINE = 500;

const KEEP_OUT =
  "keep flue-braintrust out of the bundle: `external: ['flue-braintrust']` in esbuild and Rollup, " +
  "`externals: { 'flue-braintrust': 'commonjs flue-braintrust' }` in webpack, " +
  "`ssr: { external: ['flue-braintrust'] }` in Vite, `serverExternalPackages` in Next.js";

/** Something other than the addon was loaded. */
class ReplacedBinaryError extends Error {
  /** @param {unknown} found in the place of the addon */
  constructor(found) {
    const kind = typeof found === 'string' ? 'a text' : 'something else';
    super(`a bundler or loader has replaced the binary with ${kind}`);
  }
}

/**
 * The errors of the system or Node for a binary that exists, and their remedies.
 * @type {[RegExp, string | ((message: string) => string)][]}
 */
const REMEDIES = [
  [/loading addons is disabled/i, addonsAreOff],
  [
    /Access to this API has been restricted/,
    "Node's permission model forbids reading it: add `--allow-fs-read` for the folder of the package",
  ],
  [/GLIBC_/, olderLibrary],
  [/built for macOS|Symbol not found: _/, 'it needs a newer system'],
  [
    /\bld-linux-[\w-]+\.so|libc\.musl|libc\.so\.6|symbol not found/,
    'it is for another C library (glibc or musl): remove node_modules and run `npm install` on this kind of system',
  ],
  [
    /failed to map segment|Operation not permitted/,
    'the system executes no files of this folder, for example because of the mount option `noexec`: install elsewhere',
  ],
  [/Permission denied/i, 'the process may not read the file: change its permissions'],
  [/Too many open files/, 'no file descriptor is left: raise the limit (`ulimit -n`)'],
  [/Cannot allocate memory/, 'there is not enough memory for it: raise the limit of the process'],
  [/a bundler or loader/, KEEP_OUT],
];

/** The remedy for the one of Node's two switches that is set. */
function addonsAreOff() {
  return 'permission' in process
    ? "Node's permission model forbids native addons: add `--allow-addons`"
    : '`--no-addons` switches native addons off: start Node without it, also in NODE_OPTIONS';
}

/** @param {string} message */
function olderLibrary(message) {
  const needed = /GLIBC_([\d.]+)/.exec(message)?.[1];
  const version = systemLibrary() ?? 'an older one';
  return `it needs glibc ${needed ?? '2.28'} or newer, and this system has ${version}`;
}

/** The version of this system's glibc. @returns {string | undefined} */
function systemLibrary() {
  /** Older types lack `excludeNetwork`. @type {any} */
  const report = process.report;
  if (!report) return undefined;
  const { excludeNetwork } = report;
  // The names of network peers may take seconds to look up.
  report.excludeNetwork = true;
  try {
    return report.getReport().header?.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/**
 * Explains an error of loading.
 * @param {unknown} error
 * @returns {string} one line: the machine, the cause and the remedy
 */
function explain(error) {
  return `The native part of flue-braintrust could not be loaded for ${machine()}: ${trueCause(error)}`;
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
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    causes.push(IS_TEXT.test(cause.message) ? new ReplacedBinaryError('') : cause);
  }
  const broken = causes.find((cause) => !isAbsence(cause));
  const override = overriding();
  if (override) {
    return `${lineOf(causes.at(-1))} (NAPI_RS_NATIVE_LIBRARY_PATH names ${override}${broken ? `; ${remedyFor(broken.message)}` : ''})`;
  }
  if (broken !== undefined) return `${lineOf(broken)} (${remedyFor(broken.message)})`;
  if (isInBundle()) return `its code is in a bundle, without the binary (${KEEP_OUT})`;

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

/** Whether a bundler has moved this code: it has the name of another file then, or none. */
function isInBundle() {
  return typeof __filename !== 'string' || !OWN_FILE.test(__filename);
}

/** The binary to load instead of the installed one. */
function overriding() {
  return process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
}

/** @param {Error | undefined} error */
const lineOf = (error) => error?.message.split('\n')[0]?.slice(0, MAX_LINE) ?? 'nothing was thrown';

/**
 * Whether an error only means that the generated loader found nothing in one of its places, or knows no place: such an
 * error names a package without a path.
 * @param {NodeJS.ErrnoException} error
 */
const isAbsence = ({ code, message }) =>
  /^(Cannot find native|Failed to load native|Unsupported )/.test(message) ||
  ((code === 'MODULE_NOT_FOUND' || message.startsWith('Cannot find module ')) &&
    /(^|[^/\\]|'\.\/)flue-braintrust[.-]/.test(message));

/** @param {string} message */
function remedyFor(message) {
  const remedy = REMEDIES.find(([pattern]) => pattern.test(message))?.[1];
  if (remedy) return typeof remedy === 'string' ? remedy : remedy(message);
  if (overriding())
    return 'name the binary of this version for this machine, or unset the variable';
  if (isInBundle()) return KEEP_OUT;
  return 'the file is damaged or meant for another machine: remove node_modules and run `npm install` again';
}

module.exports = { explain, overriding, PLATFORMS, ReplacedBinaryError };
