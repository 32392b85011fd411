'use strict';

// Which module of a project imports which.

const path = require('node:path');

const { targetsOf } = require('./aliases');
const { importsOf, modulesCalled } = require('./source');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/** A clause of an import that names types alone. */
const OF_TYPES = /^(?:type\s+(?!,)|\{\s*type\s[\w$\s]+(?:,\s*type\s[\w$\s]+)*,?\s*\}$)/;

/** The modules of a project by their stems. @type {WeakMap<Project, Map<string, SourceFile[]>>} */
const modulesOf = new WeakMap();
/** The stems that a module imports. @type {WeakMap<SourceFile, Set<string>>} */
const imported = new WeakMap();

/** A path without what an import may leave out: its ending, and the name of an index. @param {string} file */
const stemOf = (file) =>
  path.join(file, '.').replace(/(?:[\\/]index)?\.[cm]?[jt]sx?$|[\\/]index$/, '');

/** @param {string} clause @returns {boolean} whether it names types alone, which are gone when the module runs */
const isOfTypes = (clause) => OF_TYPES.test(clause);

/**
 * The stems of what a name stands for in a module.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} from
 */
const stemsOf = (project, { path: name }, from) =>
  from.startsWith('.')
    ? [stemOf(path.join(path.dirname(name), from))]
    : targetsOf(project, from).map(stemOf);

/**
 * The modules that a module imports, by whatever endings, or by their folders if they are the indexes of these.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @returns {Set<string>} their stems
 */
function importsIn(project, file) {
  const known = imported.get(file);
  if (known !== undefined) return known;
  const { text } = file;
  const run = importsOf(text).filter(({ clause }) => !isOfTypes(clause));
  const all = [...run.map(({ from }) => from), ...modulesCalled(text)];
  const stems = new Set(all.flatMap((from) => stemsOf(project, file, from)));
  imported.set(file, stems);
  return stems;
}

/** @param {Project} project @returns {Map<string, SourceFile[]>} its modules by their stems */
function byStem(project) {
  const known = modulesOf.get(project);
  if (known !== undefined) return known;
  /** @type {Map<string, SourceFile[]>} */
  const modules = new Map();
  for (const file of project.sources) {
    const stem = stemOf(file.path);
    modules.set(stem, [...(modules.get(stem) ?? []), file]);
  }
  modulesOf.set(project, modules);
  return modules;
}

/**
 * Whether a module imports another one, by itself or by what it imports.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} module
 * @returns {boolean}
 */
function reaches(project, file, module) {
  const wanted = stemOf(module);
  const modules = byStem(project);
  const found = new Set([file]);
  // What is added is visited, too.
  for (const one of found) {
    for (const stem of importsIn(project, one)) {
      if (stem === wanted) return true;
      for (const next of modules.get(stem) ?? []) found.add(next);
    }
  }
  return false;
}

/**
 * Some modules with all others that import them, by themselves or by what they import. The app is not among these, nor is
 * what imports them by the app alone.
 *
 * @param {Project} project
 * @param {SourceFile[]} files
 * @returns {Set<SourceFile>}
 */
function importing(project, files) {
  const found = new Set(files);
  if (files.length === 0) return found;
  const modules = byStem(project);
  /** @type {Map<SourceFile, SourceFile[]>} */
  const importers = new Map();
  for (const file of project.sources.filter(({ path: name }) => name !== project.app?.path)) {
    for (const one of [...importsIn(project, file)].flatMap((stem) => modules.get(stem) ?? [])) {
      const others = importers.get(one);
      if (others === undefined) importers.set(one, [file]);
      else others.push(file);
    }
  }
  for (const one of found) for (const file of importers.get(one) ?? []) found.add(file);
  return found;
}

/**
 * The modules of the project that a name may stand for in a module.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} from the name
 * @returns {SourceFile[]}
 */
function modulesNamed(project, file, from) {
  const modules = byStem(project);
  return stemsOf(project, file, from).flatMap((stem) => modules.get(stem) ?? []);
}

module.exports = { importing, isOfTypes, modulesNamed, reaches };
