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

/** What an import takes of all, if it takes the default export: that of `braintrust` has all names. @param {string} clause */
const withoutDefault = (clause) => clause.replace(/^(?!type$)[\w$]+$/, '* as $&');

/** @param {string} text */
const officialImportsOf = (text) =>
  allImportsOf(text)
    .filter(({ from }) => from === OFFICIAL)
    .map(({ clause: given, clauseStart, fromStart }) => {
      return { given, clause: withoutDefault(given), clauseStart, fromStart };
    });

/**
 * @param {SourceFile} file
 * @param {{ clause: string }[]} imports of a package in it
 * @returns {boolean} whether it connects Flue with Braintrust by that package
 */
function connects(file, imports) {
  const names = new Set(imports.flatMap(({ clause }) => namesOf(clause)));
  if (names.has('*')) return CONNECTORS.some((name) => file.text.includes(name));
  return CONNECTORS.some((name) => names.has(name));
}

/** @param {SourceFile} file */
const isOurs = (file) =>
  connects(
    file,
    allImportsOf(file.text).filter(({ from }) => from === OURS),
  );

/** @param {SourceFile} file */
const isOfficial = (file) => connects(file, officialImportsOf(file.text));

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
  const imports = officialImportsOf(text);
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
  // What a call loads does not stand in the source as a clause.
  const edits = imports.flatMap(({ given, clause, clauseStart, fromStart }) => {
    const name = { start: fromStart, before: OFFICIAL, after: OURS };
    return given === clause ? [name] : [name, { start: clauseStart, before: given, after: clause }];
  });
  // From the end: the places before stay.
  for (const { start, before, after } of edits.toSorted((a, b) => b.start - a.start)) {
    changed = changed.slice(0, start) + after + changed.slice(start + before.length);
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
  const known = exportedNames();
  return officialImportsOf(text)
    .flatMap(({ clause }) => namesOf(clause))
    .filter((name) => known.has(name));
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

module.exports = {
  OFFICIAL,
  OURS,
  allImportsOf,
  isOfficial,
  isOurs,
  migrated,
  sharedNames,
  usesOfficial,
};
