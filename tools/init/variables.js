'use strict';

// What sets variables from files: the tracing module reads the key, and so must be loaded after it.

const { withoutTexts } = require('./lexer');
const { importing, isOfTypes, modulesNamed } = require('./module-graph');
const { assignedImportsOf, callsOf, escaped, flattened, importsOf } = require('./source');

/** Modules that set variables from files when they are loaded. */
const LOADS_VARIABLES = /^(?:@dotenvx\/)?dotenv[\w-]*\/config(?:\.js)?$/;
/** Packages that set variables from files when their function `config` is called. */
const LOADERS = new Set(['dotenv', 'dotenv-flow', 'dotenv-defaults', '@dotenvx/dotenvx']);
/** The end of a line with which a statement ends: behind a semicolon, or where no operator goes on. */
const END_OF_STATEMENT = /(?<=;[^\S\n]*)\n|(?<![,.=&|?:+]\s*)\n(?!\s*[.,?:&|=+([])/g;
const CONFIG = /(?<![\w$])config\s*\(/;
/** Node's own function for that. */
const NODE_LOADER = /(?<![\w$])loadEnvFile\s*\(/;

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/** @param {string} from @returns {boolean} whether it is a module of a package that sets variables */
const isLoader = (from) => LOADS_VARIABLES.test(from);

/**
 * The package by whose function an ES module sets variables, after all that it imports.
 *
 * @param {string} text
 * @returns {string | undefined} `process` for Node's function; undefined: it calls none
 */
function loaderCalled(text) {
  const code = withoutTexts(text);
  const loader = importsOf(text).find(({ from }) => LOADERS.has(from))?.from;
  if (loader !== undefined && CONFIG.test(code)) return loader;
  return NODE_LOADER.test(code) ? 'process' : undefined;
}

/** @param {SourceFile} file @returns {boolean} whether it sets variables, itself or by a package */
function setsVariables({ text }) {
  const loads = [...importsOf(text), ...callsOf(text)].some(({ from }) => isLoader(from));
  return loads || loaderCalled(text) !== undefined || endOfVariables(text) > 0;
}

/** @type {WeakMap<Project, Set<SourceFile>>} */
const setting = new WeakMap();

/** @param {Project} project @returns {Set<SourceFile>} the modules besides the app that set variables, or import one that does */
function modulesSetting(project) {
  const known = setting.get(project);
  if (known !== undefined) return known;
  const own = project.sources.filter(({ path: name }) => name !== project.app?.path);
  const found = importing(project, own.filter(setsVariables));
  setting.set(project, found);
  return found;
}

/**
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} from what it imports
 * @returns {boolean} whether that sets variables, or imports a module of the project that does
 */
function loadsVariables(project, file, from) {
  if (isLoader(from)) return true;
  return modulesNamed(project, file, from).some((one) => modulesSetting(project).has(one));
}

/**
 * Of the imports of an ES module, which leads to another module first, and which sets variables first.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} module
 * @returns {{ reading: number, setting: string | undefined, isBefore: boolean }} the number of the one that leads to it, -1 if
 *   there is none; what the one that sets variables imports; whether that comes no later
 */
function orderOfImports(project, file, module) {
  const imports = importsOf(file.text).filter(({ clause }) => !isOfTypes(clause));
  const wanted = project.sources.filter(({ path: name }) => name === module);
  const all = importing(project, wanted);
  const reading = imports.findIndex(({ from }) =>
    modulesNamed(project, file, from).some((one) => all.has(one)),
  );
  const first = imports.findIndex(({ from }) => loadsVariables(project, file, from));
  return { reading, setting: imports[first]?.from, isBefore: first >= 0 && first <= reading };
}

/**
 * Behind the line of a CommonJS module that sets variables from files last.
 *
 * @param {string} text
 * @param {(from: string) => boolean} [loads] whether a module that it loads sets variables
 * @returns {number} 0 if there is none
 */
function endOfVariables(text, loads = isLoader) {
  const flat = flattened(withoutTexts(text));
  const modules = callsOf(text).filter(({ from }) => loads(from));
  const ends = modules.filter(({ start }) => flat.charAt(start) === 'r').map(({ end }) => end);
  // `require('dotenv').config()`, or of a variable.
  const calls = [
    String.raw`(?:dotenv\w*|require\s*\([^)]*\))\s*\.\s*config`,
    String.raw`process\s*\.\s*loadEnvFile`,
    ...assignedImportsOf(text).flatMap(({ clause, from }) => {
      const name = functionOf(from);
      return name === undefined ? [] : loadIn(clause, name);
    }),
  ];
  for (const { index, 0: call } of flat.matchAll(
    new RegExp(String.raw`(?<![\w$.])(?:${calls.join('|')})\s*\(`, 'g'),
  )) {
    const isOther =
      call.startsWith('require') && !/dotenv/.test(text.slice(index, index + call.length));
    if (!isOther) ends.push(index + call.length);
  }
  if (ends.length === 0) return 0;
  const last = Math.max(...ends);
  const close = flat.charAt(last - 1) === '(' ? flat.indexOf(')', last) : last;
  END_OF_STATEMENT.lastIndex = close;
  return END_OF_STATEMENT.test(flat) ? END_OF_STATEMENT.lastIndex : text.length;
}

/** @param {string} from @returns {string | undefined} the function of a package that sets variables */
function functionOf(from) {
  if (LOADERS.has(from)) return 'config';
  return /^(?:node:)?process$/.test(from) ? 'loadEnvFile' : undefined;
}

/**
 * How a module calls a function of a package that it has loaded.
 *
 * @param {string} clause by which it holds the package
 * @param {string} name
 * @returns {string[]} patterns, none if it does not call it
 */
function loadIn(clause, name) {
  const [, all] = /^\*\s*as\s+([\w$]+)/.exec(clause) ?? [];
  if (all !== undefined) return [String.raw`${escaped(all)}\s*\.\s*${name}`];
  const pattern = String.raw`(?<![\w$])${name}(?:\s*:\s*([\w$]+))?(?![\w$])`;
  const named = new RegExp(pattern).exec(clause);
  return named === null ? [] : [escaped(named[1] ?? name)];
}

module.exports = {
  endOfVariables,
  isLoader,
  loaderCalled,
  loadsVariables,
  orderOfImports,
};
