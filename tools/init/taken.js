'use strict';

// What a module takes of a package, in whichever form it imports it.

const { withoutTexts } = require('./lexer');
const { callsOf, closingOf, escaped, importsOf, namesOf } = require('./source');

/**
 * @typedef {object} Taken
 * @property {string[]} names
 * @property {string[]} unclear forms that do not show which names they take
 */

/** An identifier, as a pattern's group. */
const NAME = String.raw`([A-Za-z_$][\w$]*)`;
/** What a call's value is assigned to: an identifier, or where the braces of a pattern close. */
const ASSIGNED_TO = new RegExp(
  String.raw`(?:(?:^|[^\w$.])${NAME}|(\}))\s*(?::[^=;,()]*)?=\s*(?:await\s+)?$`,
);
/** How much of the code before a call is searched for it. */
const MAX_TARGET = 300;
/** The most characters of a line in a message. */
const MAX_FORM = 80;
/** A member of a value that stands before. Groups: its name, or the quote of its name. */
const MEMBER = /^\s*(?:\?\.|!?\s*\.)\s*([\w$]+)|^\s*!?\s*(?:\?\.)?\s*\[\s*(["'`])/;
/** What `then` passes the module to: a function with one parameter. Groups: its name, or the brace of its pattern. */
const PARAMETER = new RegExp(
  String.raw`^\s*\(\s*(?:async\b\s*)?(?:function\s*)?(?:\(\s*)?(?:${NAME}|(\{))`,
);

/**
 * @param {string} text
 * @param {string} from the package
 * @param {(clause: string) => string} [read] the clause of an import, in the form in which it is read
 * @returns {Taken}
 */
function takenOf(text, from, read = (clause) => clause) {
  const code = withoutTexts(text);
  /** @type {Taken} */
  const taken = { names: [], unclear: [] };
  for (const { start, clause: stated, from: module } of importsOf(text)) {
    if (module !== from) continue;
    const clause = read(stated);
    const all = /\*(?:\s*as\s+([\w$]+))?/.exec(clause);
    taken.names.push(...namesOf(clause).filter((name) => name !== '*'));
    if (all === null) continue;
    if (code.startsWith('export', start)) taken.unclear.push(`\`export ${clause}\``);
    else addUses(text, String(all[1]), taken);
  }
  for (const call of callsOf(text)) if (call.from === from) addCall(text, call, taken);
  return {
    names: [...new Set(taken.names)],
    unclear: [...new Set(taken.unclear)],
  };
}

/**
 * @param {string} text
 * @param {{ start: number, end: number }} call
 * @param {Taken} taken
 */
function addCall(text, call, taken) {
  const code = withoutTexts(text);
  let { start, end } = call;
  // Until it is awaited, a module is a promise of itself.
  let [isAwaited, isModule] = [false, code.startsWith('require', start)];
  // `(await import('x')).name`
  for (;;) {
    const before = code.slice(0, start).trimEnd();
    const after = /^\s*\)/.exec(code.slice(end));
    if (/(?<![\w$.])await$/.test(before)) {
      isAwaited = true;
      start = before.length - 'await'.length;
    } else if (after !== null && /(?:^|[^\w$\s.)\]])\s*\($/.test(before)) {
      start = before.length - 1;
      end += after[0].length;
      isModule ||= isAwaited;
    } else break;
  }
  const member = memberAt(text, end);
  if (member !== undefined) {
    if (isModule || member.name !== 'then') return void taken.names.push(member.name);
    const parameter = PARAMETER.exec(code.slice(member.end));
    if (parameter?.[1] !== undefined) return addUses(text, parameter[1], taken);
    if (parameter === null) return void taken.unclear.push(formAt(text, call.start));
    return addPattern(text, member.end + parameter[0].length - 1, taken);
  }
  const before = code.slice(0, start);
  const [, variable, brace] = ASSIGNED_TO.exec(before.slice(-MAX_TARGET)) ?? [];
  if (variable !== undefined) return addUses(text, variable, taken);
  if (brace !== undefined) {
    return addPattern(text, openingOf(code, before.lastIndexOf('}')), taken);
  }
  // What stands by itself takes nothing.
  if (/(?:^|[;{}\n])\s*$/.test(before) && /^[^\S\n]*(?:$|[;\n}])/.test(code.slice(end))) return;
  taken.unclear.push(formAt(text, call.start));
}

/**
 * The names that a module takes of a variable which holds all of a package.
 *
 * @param {string} text
 * @param {string} variable
 * @param {Taken} taken
 */
function addUses(text, variable, taken) {
  const code = withoutTexts(text);
  const uses = new RegExp(String.raw`(?<![\w$]|(?<!\.\.)\.)${escaped(variable)}(?![\w$])`, 'g');
  for (const { index } of code.matchAll(uses)) {
    const end = index + variable.length;
    const [before, after] = [code.slice(0, index), code.slice(end)];
    const member = memberAt(text, end);
    if (member !== undefined) {
      taken.names.push(member.name);
    } else if (/(?:\*\s*as|(?<![\w$.])(?:import(?:\s+type)?|const|let|var))\s*$/.test(before)) {
      // Its declaration.
    } else if (/^\s*=(?![=>])\s*(?:await\s+)?(?:import|require)\s*\(/.test(after)) {
      // Its value.
    } else if (/[{,;(]\s*$/.test(before) && /^\s*\??:/.test(after)) {
      // The name of a member, or of a parameter.
    } else if (
      /^\s*\)?\s*=>/.test(after) &&
      /\.\s*then\s*\(\s*(?:async\b\s*)?\(?\s*$/.test(before)
    ) {
      // A parameter.
    } else if (/\}\s*=\s*$/.test(before) && /^\s*(?:[;\n]|$)/.test(after)) {
      addPattern(text, openingOf(code, before.lastIndexOf('}')), taken);
    } else {
      taken.unclear.push(formAt(text, index));
    }
  }
}

/**
 * The names that a pattern takes.
 *
 * @param {string} text
 * @param {number} open where its brace opens
 * @param {Taken} taken
 */
function addPattern(text, open, taken) {
  const code = withoutTexts(text);
  const close = open < 0 ? -1 : closingOf(code, open);
  for (let start = open + 1, at = start; at <= close; at++) {
    if ('([{'.includes(code.charAt(at))) at = closingOf(code, at);
    else if (at === close || code.charAt(at) === ',') {
      const item = code.slice(start, at).trim();
      const name = /^[A-Za-z_$][\w$]*/.exec(item)?.[0];
      if (name !== undefined) taken.names.push(name);
      else if (item !== '') taken.unclear.push(formAt(text, start));
      start = at + 1;
    }
  }
  if (close < 0) taken.unclear.push(formAt(text, 0));
}

/**
 * The member of a value that is read behind it.
 *
 * @param {string} text
 * @param {number} end of the value
 * @returns {{ name: string, end: number } | undefined} undefined: none, or one that is computed
 */
function memberAt(text, end) {
  const match = MEMBER.exec(withoutTexts(text).slice(end));
  if (match === null) return undefined;
  const [whole, name, quote] = match;
  const start = end + whole.length;
  if (name !== undefined) return { name, end: start };
  const quoted = /^([\w$]+)["'`]\s*\]/.exec(text.slice(start));
  if (quote === undefined || quoted === null) return undefined;
  return { name: String(quoted[1]), end: start + quoted[0].length };
}

/** Where a brace opens that closes at a place. @param {string} code @param {number} close */
function openingOf(code, close) {
  let open = close - 1;
  while (open >= 0 && (code.charAt(open) !== '{' || closingOf(code, open) !== close)) open -= 1;
  return open;
}

/** The line of a form in the source, as it stands there. @param {string} text @param {number} at */
function formAt(text, at) {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const [line = ''] = text.slice(start).split('\n', 1);
  const form = line.trim();
  return `\`${form.length > MAX_FORM ? `${form.slice(0, MAX_FORM)}…` : form}\``;
}

module.exports = { takenOf };
