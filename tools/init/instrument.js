'use strict';

// Changes a module that registers an observer with Flue to one that registers an instrumentation, by which custom spans
// find their parents.

const { partsOf, withoutTexts } = require('./lexer');
const { closingOf, escaped } = require('./source');
const { OURS, allImportsOf } = require('./tracing');

const FLUE = '@flue/runtime';
const OBSERVER = 'braintrustFlueObserver';
const INSTRUMENTATION = 'braintrustFlueInstrumentation';

/** A function that does nothing but pass on its arguments to `observer`. */
const PASSES_ON =
  /^(?:async\s*)?(?:function\s*)?\(?\s*([\w$]+)(?:\s*,\s*([\w$]+))?\s*,?\s*\)?\s*(?:=>\s*)?(?:\{\s*)?(?:return\s+|void\s+)?observer\(\s*\1(?:\s*,\s*\2)?\s*,?\s*\)\s*;?\s*\}?$/;

/** @typedef {import('./source').Import} Import */

/**
 * The module with `instrument(...)` in place of the one call of `observe(...)` that passes events to this package. What
 * the observer of the application does with them stays.
 *
 * @param {string} text
 * @returns {string | undefined} undefined if there is no such call, or one of a form that is not known
 */
function instrumented(text) {
  const imports = allImportsOf(text);
  const observe = nameIn(imports, FLUE, 'observe');
  const observer = nameIn(imports, OURS, OBSERVER);
  if (observe === undefined || observer === undefined) return undefined;
  const call = callOf(text, observe.local, observer.local);
  if (call === undefined) return undefined;
  const instrumentation = observer.local.includes('.')
    ? observer.local.replace(OBSERVER, INSTRUMENTATION)
    : (nameIn(imports, OURS, INSTRUMENTATION)?.local ?? INSTRUMENTATION);
  const known = nameIn(imports, FLUE, 'instrument')?.local;
  // A name that stands for something else is not taken.
  const own = known ?? (hasName(text, 'instrument') ? 'instrumentFlue' : 'instrument');
  const instrument = observe.local.includes('.')
    ? observe.local.replace(/observe$/, 'instrument')
    : own;
  const passesOn =
    call.comment === '' &&
    (call.argument === observer.local ||
      PASSES_ON.test(call.argument.replaceAll(observer.local, 'observer')));
  const argument = passesOn ? `${instrumentation}()` : objectOf(text, call, instrumentation);
  const written =
    text.slice(0, call.start) + `${instrument}(${argument})` + text.slice(call.end + 1);
  const renamed = withName(written, FLUE, 'observe', 'instrument', own);
  return withName(renamed, OURS, OBSERVER, INSTRUMENTATION);
}

/** @param {string} text @param {string} name @returns {boolean} whether code names it, but not as a member of something */
const hasName = (text, name) =>
  new RegExp(String.raw`(?<![\w$.])${name}(?![\w$]|\s*:)`).test(withoutTexts(text));

/** A name in the clause of an import, with the local one if it has another. @param {string} name */
const itemOf = (name) =>
  new RegExp(String.raw`(?<![\w$])${name}(?:\s*(?:\bas\b|:)\s*([\w$]+))?(?![\w$])`);

/**
 * By which name a module uses an export of another one.
 *
 * @param {Import[]} imports
 * @param {string} from
 * @param {string} name
 * @returns {{ local: string } | undefined}
 */
function nameIn(imports, from, name) {
  for (const { clause } of imports.filter((found) => found.from === from)) {
    const all = /\*\s*as\s+([\w$]+)/.exec(clause)?.[1];
    if (all !== undefined) return { local: `${all}.${name}` };
    const found = itemOf(name).exec(clause);
    if (found !== null) return { local: found[1] ?? name };
  }
  return undefined;
}

/**
 * The only call of a function, if it is a statement of its own with one argument that names the observer.
 *
 * @param {string} text
 * @param {string} name of the function
 * @param {string} observer
 */
function callOf(text, name, observer) {
  const code = withoutTexts(text);
  const calls = [...code.matchAll(new RegExp(String.raw`(?<![\w$.])${escaped(name)}\s*\(`, 'g'))]
    .map((call) => {
      const open = call.index + call[0].length - 1;
      const end = closingOf(code, open);
      return { start: call.index, open, end, inner: code.slice(open + 1, end) };
    })
    .filter(({ inner }) => inner.includes(observer));
  const [call] = calls;
  if (call === undefined || calls.length > 1 || hasSeveral(call.inner)) return undefined;
  const { start, open, end } = call;
  if (end === code.length) return undefined;
  // The result of `observe` is another one than that of `instrument`.
  const before = code.slice(0, start);
  const isStatement =
    /(?:^|[;{}\n]|\bvoid)[^\S\n]*$/.test(before) && !/(?:[=([,?:&|+]|=>)\s*$/.test(before);
  const isUsed = /^\s*[.?[(]/.test(code.slice(end + 1));
  if (!isStatement || isUsed) return undefined;
  // Comments may stand before the comma that may follow, and behind it.
  const list = code.slice(0, end).trimEnd();
  const hasComma = list.endsWith(',');
  const comma = hasComma ? list.length - 1 : list.length;
  const last = code.slice(0, comma).trimEnd().length;
  return {
    start,
    end,
    argument: text.slice(open + 1, last).trim(),
    comment: (text.slice(last, comma) + text.slice(hasComma ? comma + 1 : comma, end)).trim(),
  };
}

/** Whether a list of arguments has several. @param {string} code of the list, without its texts */
function hasSeveral(code) {
  for (let at = 0; at < code.length; at++) {
    if ('([{'.includes(code.charAt(at))) at = closingOf(code, at);
    else if (code.charAt(at) === ',' && code.slice(at + 1).trim() !== '') return true;
  }
  return false;
}

/**
 * An instrumentation with the observer of the application.
 *
 * @param {string} text
 * @param {{ start: number, argument: string, comment: string }} call with what stands behind its argument
 * @param {string} instrumentation
 */
function objectOf(text, { start, argument, comment }, instrumentation) {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const indent = /[^\S\n]*$/.exec(text.slice(0, start))?.[0] ?? '';
  const step = /^\t/m.test(text) ? '\t' : '  ';
  // The lines of a template are text.
  const templates = partsOf(argument).filter(({ kind }) => kind === 'template');
  const isText = (/** @type {number} */ at) => templates.some((t) => t.start <= at && at < t.end);
  const inner = argument.replaceAll('\n', (line, at) => (isText(at) ? line : line + step));
  const lines = [`...${instrumentation}(),`, `observe: ${inner}, ${comment}`.trimEnd()];
  return `{${newline}${lines.map((line) => `${indent}${step}${line}${newline}`).join('')}${indent}}`;
}

/**
 * The module with another name imported: in place of the present one if nothing uses that any more, else beside it.
 *
 * @param {string} text
 * @param {string} from
 * @param {string} present
 * @param {string} wanted
 * @param {string} [alias] by which the module uses it
 */
function withName(text, from, present, wanted, alias = wanted) {
  const found = allImportsOf(text).find(
    ({ from: module, clause }) =>
      module === from && clause.includes('{') && itemOf(present).test(clause),
  );
  if (found === undefined) return text;
  const { start, clause, clauseStart } = found;
  const match = itemOf(present).exec(clause);
  if (match === null) return text;
  const local = match[1] ?? present;
  const rest = text.slice(0, clauseStart) + text.slice(clauseStart + clause.length);
  // The member `observe` of an instrumentation is no use. One import too many does no harm.
  const code = withoutTexts(rest).replaceAll(/([{,]\s*)observe\s*:/g, '$1');
  const isUsed = new RegExp(String.raw`(?<![\w$.])${escaped(local)}(?![\w$])`).test(code);
  const as = text.startsWith('import', start) ? ' as ' : ': ';
  const has = new RegExp(String.raw`(?<![\w$])${wanted}(?![\w$])`).test(clause);
  const gap = /\s*$/.exec(clause.slice(0, match.index))?.[0] ?? ' ';
  const added = has ? '' : alias === wanted ? wanted : `${wanted}${as}${alias}`;
  const names = [added, isUsed ? match[0] : ''].filter(Boolean).join(`,${gap || ' '}`);
  const at = clauseStart + match.index;
  const after = text.slice(at + match[0].length);
  // Without a name its comma goes, too.
  return text.slice(0, at) + names + (names === '' ? after.replace(/^\s*,\s*/, '') : after);
}

module.exports = { instrumented };
