'use strict';

// How the modules of a project set variables: when they are loaded, or by functions that others call.

const { assignmentsIn } = require('./assignments');
const { functionAt, functionsOf } = require('./functions');
const { withoutTexts } = require('./lexer');
const { callsIn, isLoader, loaderCalled, loaderCalls, placesOf } = require('./loaders');
const { isOfTypes, modulesNamed } = require('./module-graph');
const { assignedImportsOf, callsOf, escaped, importsOf } = require('./source');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/**
 * How a module sets variables: when it is loaded, or else by functions that it exports.
 *
 * @typedef {{ isOnLoad: boolean, functions: readonly string[] }} Setting
 */

/** @type {WeakMap<SourceFile, Setting>} */
const settings = new WeakMap();

/** @param {Project} project @param {SourceFile} file @returns {Setting} */
function settingOf(project, file) {
  const known = settings.get(file);
  if (known !== undefined) return known;
  // What imports itself by others finds nothing of itself.
  settings.set(file, { isOnLoad: false, functions: [] });
  const setting = readSetting(project, file);
  settings.set(file, setting);
  return setting;
}

/** @param {Project} project @param {SourceFile} file @returns {Setting} */
function readSetting(project, file) {
  const { text } = file;
  const onLoad = { isOnLoad: true, functions: [] };
  if ([...importsOf(text), ...callsOf(text)].some(({ from }) => isLoader(from))) return onLoad;
  const calls = [...loaderCalls(text), ...callsOfFunctions(project, file)];
  let places = [...placesOf(text, calls), ...assignmentsIn(text)];
  // One in a form that is not known here.
  if (places.length === 0) return { isOnLoad: loaderCalled(text) !== undefined, functions: [] };
  const code = withoutTexts(text);
  const all = functionsOf(code);
  /** @type {Set<string>} */
  const names = new Set();
  while (places.length > 0) {
    const around = places.map(({ start }) => functionAt(all, start)?.name);
    if (around.includes(undefined)) return onLoad;
    const added = around.flatMap((name) => (name === undefined || names.has(name) ? [] : name));
    for (const name of added) names.add(name);
    places = placesOf(text, added.map(escaped));
  }
  const functions = [...names].flatMap((name) => exportedAs(code, name));
  // Who calls the others is not known.
  return functions.length === 0 ? onLoad : { isOnLoad: false, functions };
}

/**
 * @param {string} code
 * @param {string} name of a function
 * @returns {string[]} the names by which the module exports it
 */
function exportedAs(code, name) {
  if (name === 'default') return [name];
  const own = String.raw`(?<![\w$])${escaped(name)}(?![\w$])`;
  const has = (/** @type {string} */ pattern) => new RegExp(pattern).test(code);
  const isNamed =
    has(String.raw`\bexport\s+(?:async\s+)?(?:function\s*\*?|const|let|var)\s*${own}`) ||
    has(String.raw`\bexports\s*(?:\.\s*${own}\s*=|=\s*\{[^}]*?${own})`);
  const isDefault =
    has(String.raw`\bexport\s+default\s+(?:async\s+)?(?:function\s*\*?\s*)?${own}`) ||
    has(String.raw`\bmodule\s*\.\s*exports\s*=\s*${own}`);
  const list = new RegExp(String.raw`\bexport\s*\{[^}]*?${own}(?:\s+as\s+([\w$]+))?`).exec(code);
  return [
    ...(isNamed ? [name] : []),
    ...(isDefault ? ['default'] : []),
    ...(list === null ? [] : [list[1] ?? name]),
  ];
}

/**
 * The functions of other modules by which a module sets variables where it calls them.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @returns {string[]} patterns of their names here
 */
const callsOfFunctions = (project, file) =>
  functionsImported(project, file).flatMap(({ calls }) => calls);

/** @param {Project} project @param {SourceFile} file */
function functionsImported(project, file) {
  return [...importsOf(file.text), ...assignedImportsOf(file.text)]
    .filter(({ clause }) => !isOfTypes(clause))
    .map(({ clause, from }) => {
      const modules = modulesNamed(project, file, from).filter((one) => one !== project.app);
      const functions = modules.flatMap((one) => settingOf(project, one).functions);
      return { from, calls: functions.flatMap((name) => callsIn(clause, name)) };
    });
}

/**
 * The function of another module by which an app sets variables, after all that it imports.
 *
 * @param {Project} project
 * @param {SourceFile} app
 * @returns {{ name: string, from: string } | undefined}
 */
function functionCalled(project, app) {
  for (const { from, calls } of functionsImported(project, app)) {
    const [place] = placesOf(app.text, calls);
    if (place) return { from, name: app.text.slice(place.start, place.end - 1).trim() };
  }
  return undefined;
}

module.exports = { callsOfFunctions, functionCalled, settingOf };
