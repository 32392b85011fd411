'use strict';

// Reads a Flue project, as far as `init` needs it. Changes nothing.

const fs = require('node:fs');
const path = require('node:path');

const { Failure } = require('../support/usage');

/** In the order in which Flue looks for them. */
const EXTENSIONS = ['ts', 'mts', 'js', 'mjs', 'cts', 'cjs'];
/** In the order in which Flue takes them; the last is the project itself. */
const SOURCE_ROOTS = ['.flue', 'src', '.'];
const SOURCE_FILE = /(?<!\.d)\.[cm]?[jt]sx?$/;
const NOT_SOURCES = new Set(['node_modules', 'dist', 'build', 'coverage']);
/** The files that start the application. */
const LAUNCHERS = ['package.json', 'Dockerfile', 'Procfile'];
const LOCK_FILES = /** @type {const} */ ([
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
]);
/** How far above the project the lock file of a workspace is looked for. */
const MAX_PARENTS = 16;

/** @typedef {{ path: string, text: string }} SourceFile the path is relative to the project */

/**
 * A Flue project, as far as it matters here.
 *
 * @typedef {object} Project
 * @property {string} root
 * @property {string} sourceRoot relative to the root; `.` for the root itself
 * @property {'0.8' | '0.x' | 'beta' | '2.x'} line of Flue
 * @property {SourceFile | undefined} app
 * @property {SourceFile[]} sources all modules below the source root
 * @property {SourceFile[]} launchers files that start the application
 * @property {Record<string, string>} dependencies of all kinds
 * @property {string[]} pins where package.json sets the version of `braintrust` for the whole tree
 * @property {PackageManager} packageManager
 */

/** @typedef {'npm' | 'pnpm' | 'yarn' | 'bun'} PackageManager */

/**
 * @param {string} directory
 * @returns {Project}
 */
function readProject(directory) {
  const root = path.resolve(directory);
  const manifest = readText(path.join(root, 'package.json'));
  if (manifest === undefined) throw new Failure(`there is no package.json in ${root}`);
  const parsed = parsedManifest(manifest, root);
  const dependencies = dependenciesOf(parsed);
  const version = installedVersion(root) ?? dependencies['@flue/runtime'];
  if (version === undefined) {
    throw new Failure(`${root} is no Flue project: it does not depend on @flue/runtime`);
  }
  const exists = (/** @type {string} */ name) => fs.existsSync(path.join(root, name));
  const sourceRoot = SOURCE_ROOTS.find((name) => isDirectory(path.join(root, name))) ?? '.';
  const sources = sourcesIn(root, sourceRoot);
  const appPath = configuredApp(root) ?? firstOf(sources, path.join(sourceRoot, 'app'))?.path;
  return {
    root,
    sourceRoot,
    line: lineOf(version),
    app: appPath === undefined ? undefined : readSource(root, appPath),
    sources,
    launchers: LAUNCHERS.filter(exists).map((name) => readSource(root, name)),
    dependencies,
    pins: pinsOf(parsed),
    packageManager: packageManagerOf(root, parsed),
  };
}

/**
 * @param {string} manifest
 * @param {string} root
 * @returns {Record<string, any>}
 */
function parsedManifest(manifest, root) {
  try {
    // Editors on Windows write a byte order mark.
    const parsed = JSON.parse(manifest.replace(/^\uFEFF/, ''));
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // As below.
  }
  throw new Failure(`the package.json in ${root} is not JSON`);
}

/**
 * @param {Record<string, any>} manifest
 * @returns {Record<string, string>}
 */
function dependenciesOf({ dependencies, devDependencies, optionalDependencies }) {
  return { ...optionalDependencies, ...devDependencies, ...dependencies };
}

/**
 * The members of package.json that set the version of `braintrust` for the whole tree.
 *
 * @param {Record<string, any>} manifest
 */
function pinsOf({ overrides, resolutions, pnpm }) {
  const members = { overrides, resolutions, 'pnpm.overrides': pnpm?.overrides };
  return Object.entries(members).flatMap(([name, versions]) => {
    const isPinned = Object.keys(versions ?? {}).some((key) =>
      /^(?:\*\*\/)?braintrust(?:@|$)/.test(key),
    );
    return isPinned ? [name] : [];
  });
}

/**
 * As package.json states it, else as the nearest lock file shows it.
 *
 * @param {string} root
 * @param {Record<string, any>} manifest
 * @returns {PackageManager}
 */
function packageManagerOf(root, { packageManager }) {
  const stated = /^(npm|pnpm|yarn|bun)@/.exec(String(packageManager))?.[1];
  if (stated !== undefined) return /** @type {PackageManager} */ (stated);
  let at = root;
  for (let parents = 0; parents <= MAX_PARENTS; parents++) {
    const found = LOCK_FILES.find(([lock]) => fs.existsSync(path.join(at, lock)));
    if (found !== undefined) return found[1];
    // Outside of a repository nothing belongs to the project.
    if (fs.existsSync(path.join(at, '.git')) || at === path.dirname(at)) break;
    at = path.dirname(at);
  }
  return 'npm';
}

/**
 * The version of Flue that is installed, here or above.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
function installedVersion(root) {
  for (let at = root; ; at = path.dirname(at)) {
    const text = readText(path.join(at, 'node_modules/@flue/runtime/package.json'));
    if (text !== undefined) return JSON.parse(text).version;
    if (at === path.dirname(at)) return undefined;
  }
}

/**
 * @param {string} version or a range; what cannot be read counts as the newest
 * @returns {Project['line']}
 */
function lineOf(version) {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === '0') return Number(minor) < 10 ? '0.8' : '0.x';
  return major === '1' ? 'beta' : '2.x';
}

/**
 * The application's entry, where Flue's configuration names another than the usual.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
function configuredApp(root) {
  for (const extension of EXTENSIONS) {
    const config = readText(path.join(root, `flue.config.${extension}`));
    const app = /\bapp\s*:\s*(["'])([^"']+)\1/.exec(config ?? '')?.[2];
    if (app !== undefined && fs.existsSync(path.join(root, app))) return path.normalize(app);
  }
  return undefined;
}

/**
 * @param {string} root
 * @param {string} sourceRoot
 * @returns {SourceFile[]}
 */
function sourcesIn(root, sourceRoot) {
  /** @param {string} folder @returns {string[]} */
  const below = (folder) =>
    fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory()) return isSourceFolder(entry.name) ? below(name) : [];
      return SOURCE_FILE.test(entry.name) ? [name] : [];
    });
  return below(sourceRoot).map((name) => readSource(root, name));
}

/** @param {string} name */
const isSourceFolder = (name) => !NOT_SOURCES.has(name) && !name.startsWith('.');

/**
 * @param {string} root
 * @param {string} name
 * @returns {SourceFile}
 */
function readSource(root, name) {
  return { path: name, text: fs.readFileSync(path.join(root, name), 'utf8') };
}

/**
 * The module of that name, by whichever ending it has.
 *
 * @param {SourceFile[]} sources
 * @param {string} name without its ending
 */
function firstOf(sources, name) {
  return EXTENSIONS.map((ending) => sources.find((file) => file.path === `${name}.${ending}`)).find(
    (file) => file !== undefined,
  );
}

/** @param {string} directory */
function isDirectory(directory) {
  return fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * @param {string} file
 * @returns {string | undefined} undefined when there is none
 */
function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

module.exports = { firstOf, readProject, readText };
