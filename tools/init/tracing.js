'use strict';

// Recognises the modules that connect Flue with Braintrust, and changes those of the `braintrust` package to this one.

const fs = require('node:fs');
const path = require('node:path');

const { Failure } = require('../support/usage');
const { assignedImportsOf, importsOf, modulesCalled, namesOf } = require('./source');

const OURS = 'flue-braintrust';
const OFFICIAL = 'braintrust';
/** Names that identify a module which connects Flue with Braintrust. */
const CONNECTORS = ['braintrustFlueObserver', 'braintrustFlueInstrumentation'];

/** @typedef {import('./files').SourceFile} SourceFile */

/** @param {string} text */
const allImportsOf = (text) => [...importsOf(text), ...assignedImportsOf(text)];

/**
 * @param {SourceFile} file
 * @param {string} from
 * @returns {boolean} whether it connects Flue with Braintrust by that package
 */
function connects(file, from) {
  const imports = allImportsOf(file.text).filter((found) => found.from === from);
  const names = new Set(imports.flatMap(({ clause }) => namesOf(clause)));
  if (names.has('*')) return CONNECTORS.some((name) => file.text.includes(name));
  return CONNECTORS.some((name) => names.has(name));
}

/** @param {SourceFile} file */
const isOurs = (file) => connects(file, OURS);

/** @param {SourceFile} file */
const isOfficial = (file) => connects(file, OFFICIAL);

/**
 * @param {SourceFile} file
 * @returns {boolean} whether it uses the official package at all
 */
function usesOfficial({ text }) {
  const modules = [...importsOf(text).map(({ from }) => from), ...modulesCalled(text)];
  return modules.some((name) => name === OFFICIAL || name.startsWith(`${OFFICIAL}/`));
}

/**
 * The module with this package in place of the official one. Nothing else changes.
 *
 * @param {SourceFile} file
 * @returns {string}
 */
function migrated({ path: name, text }) {
  const imports = allImportsOf(text).filter(({ from }) => from === OFFICIAL);
  const missing = imports.flatMap(({ clause }) => missingNames(clause, text));
  const assigned = assignedImportsOf(text).filter(({ from }) => from === OFFICIAL);
  const called = modulesCalled(text).filter((from) => from === OFFICIAL);
  if (called.length > assigned.length) missing.push('import() or require()');
  if (missing.length > 0) {
    throw new Failure(
      `${name} uses ${[...new Set(missing)].join(', ')} of \`${OFFICIAL}\`, which \`${OURS}\` does not ` +
        'have. Move that to a module of its own, which may go on with ' +
        `\`${OFFICIAL}\`, and run init again. Nothing was changed.`,
    );
  }
  let changed = text;
  const places = imports.map(({ fromStart }) => fromStart).toSorted((a, b) => b - a);
  for (const start of places) {
    changed = changed.slice(0, start) + OURS + changed.slice(start + OFFICIAL.length);
  }
  return changed;
}

/**
 * The names of a clause that this package does not export.
 *
 * @param {string} clause
 * @param {string} text the module's, to see what it takes of all
 * @returns {string[]}
 */
function missingNames(clause, text) {
  const all = /\*\s*as\s+([\w$]+)/.exec(clause)?.[1];
  const members = all === undefined ? [] : [...text.matchAll(memberOf(all))].map(([, it]) => it);
  const names = [...namesOf(clause).filter((name) => name !== '*'), ...members];
  const known = exportedNames();
  return names.flatMap((name) => (name === undefined || known.has(name) ? [] : [`\`${name}\``]));
}

/**
 * The names that a module takes from the official package, and that this one exports, too.
 *
 * @param {string} text
 * @returns {string[]}
 */
function sharedNames(text) {
  const imports = allImportsOf(text).filter(({ from }) => from === OFFICIAL);
  const known = exportedNames();
  return imports.flatMap(({ clause }) => namesOf(clause)).filter((name) => known.has(name));
}

/** @param {string} object */
const memberOf = (object) =>
  new RegExp(String.raw`(?<![\w$.])${object.replaceAll('$', String.raw`\$`)}\.([\w$]+)`, 'g');

/** The exports of this package, types included. */
function exportedNames() {
  const declarations = fs.readFileSync(path.join(__dirname, '../../index.d.ts'), 'utf8');
  const types = declarations.matchAll(
    /^export (?:declare )?(?:interface|type|function|const|class) (\w+)/gm,
  );
  return new Set([...types].map(([, name]) => name));
}

module.exports = { OURS, allImportsOf, isOfficial, isOurs, migrated, sharedNames, usesOfficial };
