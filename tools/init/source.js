'use strict';

// Imports and exports in a source, found by its text.

const { memoised, withoutLinesOfTexts, withoutTexts } = require('./lexer');

/**
 * An import, or an export of something imported, that stands in a source.
 *
 * @typedef {object} Import
 * @property {number} start where it begins
 * @property {string} clause what is imported, as it stands, or `* as name`; empty for `import 'x'`
 * @property {number} clauseStart where that begins
 * @property {string} from the module
 * @property {number} fromStart where the module's name begins, after its quote
 */

/** Up to the module's name, within one statement. */
const STATIC =
  /(?<![\w$.])(?:(?:import|export)\b((?:(?!\b(?:im|ex)port\b)[\w$\s{},*])*?)\bfrom\s*|import\s*)(?=["'])/dg;
/** A declaration of a variable, or of a pattern of them, up to the name of the module that its call loads. */
const DECLARATION =
  /(?<![\w$.])(?:const|let|var)\s+(\{[\w$\s,:]*\}|[\w$]+)\s*=\s*(?:await\s+)?(?:import|require)\s*\(\s*(?=["'])/dg;
/** A module that is loaded by a call. */
const CALLED = /(?<![\w$]|(?<!\.\.)\.)(?:import|require)\s*\(\s*(?=["'`])/g;

/** The code before a call that is a type. Groups: what is none before `require`. */
const BEFORE_TYPE = /(?<![\w$.])(?:(typeof\s+)|import\s+type\s+[\w$]+\s*=\s*)$/;
/** How much of the code beside a call shows whether it is a type. */
const MAX_BESIDE = 200;
/** A member that the promise of a module does not have. */
const TYPE_MEMBER = /^\s*\.\s*(?!(?:then|catch|finally)\b)[\w$]/;

/** The imports of a source, TypeScript or JavaScript, except those in comments and strings. */
const importsOf = memoised((source) => found(source, STATIC));

/** The variables of a source that hold what a call loads, in the form of imports. */
const assignedImportsOf = memoised((source) =>
  found(source, DECLARATION).map((one) =>
    one.clause.startsWith('{') ? one : Object.assign(one, { clause: `* as ${one.clause}` }),
  ),
);

/**
 * @param {string} source
 * @param {RegExp} pattern with the clause as its first group
 * @returns {Import[]}
 */
function found(source, pattern) {
  return [...withoutTexts(source).matchAll(pattern)].map((match) => {
    const { from, fromStart } = moduleAt(source, match.index + match[0].length);
    const [, given = ''] = match;
    const [clauseAt = match.index] = match.indices?.[1] ?? [];
    const clauseStart = clauseAt + given.length - given.trimStart().length;
    return { start: match.index, clause: given.trim(), clauseStart, from, fromStart };
  });
}

/**
 * The calls in a source that load a module.
 *
 * @typedef {object} Call
 * @property {number} start
 * @property {number} end
 * @property {string} from
 * @property {number} fromStart
 * @property {boolean} isType whether it is a type, for which nothing is loaded
 */

/** @type {(source: string) => Call[]} */
const callsOf = memoised((source) => {
  const code = withoutTexts(source);
  return [...code.matchAll(CALLED)].map((match) => {
    const { index: start, 0: call } = match;
    const end = closingOf(code, start + call.indexOf('(')) + 1;
    const isImport = call.startsWith('import');
    const before = BEFORE_TYPE.exec(code.slice(Math.max(0, start - MAX_BESIDE), start));
    const isType =
      (before !== null && (isImport || before[1] === undefined)) ||
      (isImport && TYPE_MEMBER.test(code.slice(end, end + MAX_BESIDE)));
    const { from, fromStart } = moduleAt(source, start + call.length);
    return { start, end, from, fromStart, isType };
  });
});

/** @param {string} source @returns {string[]} the modules that it loads by a call */
const modulesCalled = (source) =>
  callsOf(source).flatMap(({ from, isType }) => (isType ? [] : from));

/**
 * @param {string} source
 * @param {number} quote where its quote stands
 */
function moduleAt(source, quote) {
  const fromStart = quote + 1;
  const end = source.indexOf(source.charAt(quote), fromStart);
  return { from: source.slice(fromStart, end), fromStart };
}

/**
 * The names that a clause takes from the module, such as `a` of `{ a as b }`; `*` for all of it and
 * `default` for its default export.
 *
 * @param {string} clause
 * @returns {string[]}
 */
function namesOf(clause) {
  const named = /\{([^}]*)\}/.exec(clause)?.[1] ?? '';
  const names = named
    .split(',')
    .map((part) => /^(?:type\s+)?([\w$]+)/.exec(part.trim())?.[1] ?? '')
    .filter((name) => name !== '');
  const rest = clause
    .replace(/\{[^}]*\}/, '')
    .replace(/^type\b/, '')
    .trim();
  if (rest.includes('*')) names.push('*');
  if (/^[\w$]/.test(rest)) names.push('default');
  return names;
}

/** @param {string} name of a variable, or of a member of one @returns {string} as a part of a pattern */
const escaped = (name) => name.replaceAll(/[$.]/g, String.raw`\$&`);

/** @param {string} text @returns {string} without the comments that it begins with */
const afterComments = (text) => text.replace(/^(?:\s|\/\*[^]*?\*\/|\/\/.*|#!.*)*/, '');

/** A comment between brackets, as a part of a pattern. */
const COMMENT = String.raw`\/\*(?:[^*]|\*(?!\/))*\*\/`;
/** What goes on with a text on the next line. */
const OPERATOR = String.raw`[.,([?:&|=+*%<>^-]|!=|\/(?![/*])|in\b|instanceof\b`;
/** A text that is a statement by itself. Groups: its quote, the text. */
const DIRECTIVE = new RegExp(
  String.raw`^(["'])([^"'\n]*)\1(?:(?:\s|${COMMENT})*;|(?=(?:[^\S\n]|${COMMENT})*(?:\/\/.*)?(?:$|\}|\n(?!\s*(?:${OPERATOR})))))`,
);

/**
 * The directives that a module begins with, such as `use strict`, and where each ends.
 *
 * @param {string} text
 * @returns {{ directive: string, end: number }[]}
 */
function directivesOf(text) {
  const directives = [];
  for (let code = afterComments(text); ;) {
    const [whole, , directive] = DIRECTIVE.exec(code) ?? [];
    if (whole === undefined || directive === undefined) return directives;
    code = code.slice(whole.length);
    directives.push({ directive, end: text.length - code.length });
    code = afterComments(code);
  }
}

/** Which bracket closes which. @type {Readonly<Record<string, string>>} */
const CLOSING = { '(': ')', '[': ']', '{': '}' };

/**
 * Where a bracket closes.
 *
 * @param {string} code without its texts
 * @param {number} open where it opens
 * @returns {number} the length of the code if it never closes, as with a bracket in a regular expression
 */
function closingOf(code, open) {
  /** @type {string[]} */
  const expected = [];
  for (let at = open; at < code.length; at++) {
    const closing = CLOSING[code.charAt(at)];
    if (closing !== undefined) expected.push(closing);
    if (!')]}'.includes(code.charAt(at))) continue;
    if (expected.pop() !== code.charAt(at)) break;
    if (expected.length === 0) return at;
  }
  return code.length;
}

/**
 * The code with spaces for what is in brackets.
 *
 * @param {string} code without its texts
 */
function flattened(code) {
  let flat = '';
  for (let at = 0; at < code.length; at++) {
    flat += code.charAt(at);
    if (!'([{'.includes(code.charAt(at))) continue;
    const end = closingOf(code, at);
    flat += ' '.repeat(end - at - 1) + code.charAt(end);
    at = end;
  }
  return flat;
}

/**
 * The outermost code of a module, with spaces for its texts and for what is in brackets: where a line ends in it, no
 * comment, text or bracket goes on.
 */
const outermost = memoised((text) => flattened(withoutLinesOfTexts(text)));

module.exports = {
  assignedImportsOf,
  callsOf,
  closingOf,
  directivesOf,
  escaped,
  flattened,
  importsOf,
  modulesCalled,
  namesOf,
  outermost,
  afterComments,
};
