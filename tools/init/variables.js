'use strict';

// What sets variables: the tracing module reads the key, and so must be loaded after it.

const { assignmentsIn } = require('./assignments');
const { isLoader, loaderCalls, placesOf } = require('./loaders');
const { importing, isOfTypes, modulesNamed } = require('./module-graph');
const { callsOfFunctions, settingOf } = require('./setting');
const { callsOf, importsOf, outermost } = require('./source');

/** The end of a line with which a statement ends: behind a semicolon, or where no operator goes on. */
const END_OF_STATEMENT = /(?<=;[^\S\n]*)\n|(?<![,.=&|?:+]\s*)\n(?!\s*[.,?:&|=+([])/g;

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/** @type {WeakMap<Project, Set<SourceFile>>} */
const setting = new WeakMap();

/** @param {Project} project @returns {Set<SourceFile>} the modules besides the app that set variables, or import one that does */
function modulesSetting(project) {
  const known = setting.get(project);
  if (known !== undefined) return known;
  const own = project.sources.filter(({ path: name }) => name !== project.app?.path);
  const found = importing(
    project,
    own.filter((file) => settingOf(project, file).isOnLoad),
  );
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
 * What sets variables in a module: which modules that it loads do, and which functions that it calls, as patterns.
 *
 * @typedef {{ loads: (from: string) => boolean, calls: readonly string[] }} Setters
 */

/** @param {Project} project @param {SourceFile} file @returns {Setters} */
const settersIn = (project, file) => ({
  loads: (from) => loadsVariables(project, file, from),
  calls: callsOfFunctions(project, file),
});

/**
 * Behind the line of a CommonJS module that sets variables last.
 *
 * @param {string} text
 * @param {Setters} [setters] besides packages
 * @returns {number} 0 if there is none
 */
function endOfVariables(text, { loads, calls } = { loads: isLoader, calls: [] }) {
  const flat = outermost(text);
  const modules = callsOf(text).filter(
    ({ start, from }) => flat.charAt(start) === 'r' && loads(from),
  );
  const called = [...placesOf(text, [...loaderCalls(text), ...calls]), ...assignmentsIn(text)];
  const ends = [...modules, ...called.filter(({ start }) => flat.charAt(start) !== ' ')].map(
    ({ end }) => end,
  );
  if (ends.length === 0) return 0;
  const last = Math.max(...ends);
  const close = flat.charAt(last - 1) === '(' ? flat.indexOf(')', last) : last;
  END_OF_STATEMENT.lastIndex = close;
  return END_OF_STATEMENT.test(flat) ? END_OF_STATEMENT.lastIndex : text.length;
}

module.exports = { endOfVariables, orderOfImports, settersIn };
