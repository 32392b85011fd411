'use strict';

// Recognises the modules that connect Flue with Braintrust, and changes those of the `braintrust` package to this one.

const fs = require('node:fs');
const path = require('node:path');

const { Failure } = require('../support/usage');
const { withoutComments, withoutTexts } = require('./lexer');
const { assignedImportsOf, callsOf, importsOf } = require('./source');
const { takenOf } = require('./taken');

const OURS = 'flue-braintrust';
const OFFICIAL = 'braintrust';
/** Names that identify a module which connects Flue with Braintrust. */
const CONNECTORS = ['braintrustFlueObserver', 'braintrustFlueInstrumentation'];
/** The modules of Flue that register observers, and the names of the functions that do. 0.8 has its own module. */
const FLUE = ['@flue/runtime', '@flue/runtime/app'];
const REGISTERING = ['instrument', 'observe'];

/** What logs in, as each logger of this package does by itself. */
const LOGINS = new Set(['login', 'loginToState']);

/** What replaces a module in a test, or loads it in spite of that. */
const MOCK = String.raw`(?:[mM]ock|[rR]equire[\w$]{1,40}|importActual|importOriginal)`;
/** The types of a call. */
const TYPES = String.raw`(?:<[^;]{0,200}?>)?`;
/** What loads the official package or a part of it, or names it for a test runner or for Node. */
const LOADS_OFFICIAL = new RegExp(
  String.raw`(?:(?<![\w$.])(?:from|import)\s*|(?:(?<![\w$])import|(?:${MOCK}|[rR]equire)${TYPES}|\.resolve)\s*\(\s*)(["'\x60])braintrust(?:\1|\/)`,
);
const MOCKS = new RegExp(String.raw`${MOCK}${TYPES}\s*\(\s*(["'\x60])(?= {10}\1)`, 'g');

/** @typedef {import('./files').SourceFile} SourceFile */

/** @param {string} text */
const allImportsOf = (text) => [...importsOf(text), ...assignedImportsOf(text)];

/**
 * The default export of the official package has all its names: who imports that imports all of it by a name.
 *
 * @param {string} clause
 */
const withoutDefault = (clause) => clause.replace(/^(?!type$)[\w$]+$/, '* as $&');

/** What a module takes of the official package. @param {string} text */
const takenOfOfficial = (text) => takenOf(text, OFFICIAL, withoutDefault);

/**
 * @param {SourceFile} file
 * @param {import('./taken').Taken} taken what it takes of a package
 * @returns {boolean} whether it connects Flue with Braintrust by that package
 */
function connects({ text }, { names, unclear }) {
  const isShown = CONNECTORS.some((name) => names.includes(name));
  return isShown || (unclear.length > 0 && namesConnector(text));
}

/** @param {string} text */
const namesConnector = (text) => CONNECTORS.some((name) => text.includes(name));

/** @param {SourceFile} file @param {SourceFile[]} files of the project */
function isOurs(file, files) {
  return connects(file, takenOf(file.text, OURS)) || observesByLogger(file, files);
}

/**
 * Whether a module uses the observer of a logger: of one that it makes, or passes that of another module to Flue.
 *
 * @param {SourceFile} file
 * @param {SourceFile[]} files of the project
 */
function observesByLogger(file, files) {
  if (!/\.\s*observer\s*\(/.test(withoutTexts(file.text))) return false;
  if (makesLogger(file)) return true;
  const taken = new Set(FLUE.flatMap((from) => takenOf(file.text, from).names));
  return REGISTERING.some((name) => taken.has(name)) && files.some(makesLogger);
}

/** @param {SourceFile} file */
const makesLogger = ({ text }) => takenOf(text, OURS).names.includes('initLogger');

/**
 * Whether a module imports the observer by its name and uses it nowhere, as where the call is commented out.
 *
 * @param {SourceFile} file
 * @param {SourceFile[]} files of the project
 */
function isIdle(file, files) {
  const { text } = file;
  const code = withoutComments(text);
  if (/(?<![\w$.])export\s*\{/.test(code) || observesByLogger(file, files)) return false;
  const clauses = importsOf(text).map(({ clause }) => clause);
  return CONNECTORS.every((name) => {
    const inClause = new RegExp(String.raw`^\{[^]*\b${name}\s*[,}]`);
    return code.split(name).length - 1 === clauses.filter((one) => inClause.test(one)).length;
  });
}

/** @param {SourceFile} file */
const isOfficial = (file) => connects(file, takenOfOfficial(file.text));

/**
 * Whether a module uses the official package at all, or may do so: what seems to be a text can be code that was misread, and
 * `init` advises to uninstall what no module uses.
 *
 * @param {SourceFile} file
 */
const usesOfficial = ({ text }) => LOADS_OFFICIAL.test(withoutComments(text));

/**
 * The module with this package in place of the official one. Nothing else changes.
 *
 * @param {SourceFile} file
 * @returns {string}
 */
function migrated({ path: name, text }) {
  const taken = takenOfOfficial(text);
  const mixed = importsOf(text)
    .filter(({ from, clause }) => from === OFFICIAL && /^[\w$]+\s*,/.test(clause))
    .map(({ clause }) => `\`import ${clause.replace(/\s+/g, ' ')}\``);
  const unclear = [...taken.unclear, ...mixed];
  const known = exportedNames();
  const absent = taken.names.filter(
    (one) => !known.has(one) && !(one === 'default' && mixed.length > 0),
  );
  const listed = (/** @type {string[]} */ names) => names.map((one) => `\`${one}\``).join(', ');
  const needless = listed(absent.filter((one) => LOGINS.has(one)));
  const missing = listed(absent.filter((one) => !LOGINS.has(one)));
  const problems = [
    ...(needless === ''
      ? []
      : [
          `${name} uses ${needless} of \`${OFFICIAL}\`, which \`${OURS}\` needs no more: each logger logs in by ` +
            'itself. Remove that',
        ]),
    ...(missing === ''
      ? []
      : [
          `${name} uses ${missing} of \`${OFFICIAL}\`, which \`${OURS}\` does not have. Move that to a ` +
            `module of its own, which may go on with \`${OFFICIAL}\``,
        ]),
    ...(unclear.length === 0
      ? []
      : [
          `${name} uses \`${OFFICIAL}\` in a form that does not show which of its names it takes: ${unclear.join(', ')}. ` +
            'Import these names instead, or move that to a module of its own',
        ]),
  ];
  if (problems.length > 0) {
    throw new Failure(`${problems.join('. ')}, and run init again. Nothing was changed.`);
  }
  const clauses = importsOf(text)
    .filter(({ from, clause }) => from === OFFICIAL && withoutDefault(clause) !== clause)
    .map(({ clause, clauseStart: start }) => {
      return { start, before: clause, after: withoutDefault(clause) };
    });
  const mocks = [...withoutTexts(text).matchAll(MOCKS)].map(({ index, 0: { length } }) => {
    const fromStart = index + length;
    return { fromStart, from: text.slice(fromStart, fromStart + OFFICIAL.length) };
  });
  const packages = [...importsOf(text), ...callsOf(text), ...mocks]
    .filter(({ from }) => from === OFFICIAL)
    .map(({ fromStart: start }) => ({ start, before: OFFICIAL, after: OURS }));
  let changed = text;
  // From the end: the places before stay.
  for (const edit of [...clauses, ...packages].toSorted((a, b) => b.start - a.start)) {
    const { start, before, after } = edit;
    changed = changed.slice(0, start) + after + changed.slice(start + before.length);
  }
  return changed;
}

/**
 * The names that a module takes from the official package, and that this one exports, too.
 *
 * @param {string} text
 * @returns {string[]}
 */
function sharedNames(text) {
  const known = exportedNames();
  return takenOfOfficial(text).names.filter((name) => known.has(name));
}

/** @type {Set<string> | undefined} */
let exported;

/** The exports of this package, types included. */
function exportedNames() {
  if (exported !== undefined) return exported;
  const types = fs
    .readFileSync(path.join(__dirname, '../../index.d.ts'), 'utf8')
    .matchAll(/^export (?:declare )?(?:interface|type|function|const|class) (\w+)/gm);
  return (exported = new Set(Array.from(types, ([, name = '']) => name)));
}

module.exports = {
  OFFICIAL,
  OURS,
  allImportsOf,
  isIdle,
  isOfficial,
  isOurs,
  migrated,
  namesConnector,
  observesByLogger,
  sharedNames,
  usesOfficial,
};
