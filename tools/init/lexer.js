'use strict';

// Tells the code of a source from its comments and texts: strings, templates and regular expressions.

/** What does not count as code, or may begin it. Groups: the quote of a string. */
const TOKEN = /^#!.*|\/\*[^]*?\*\/|\/\/.*|(["'])(?:\\(?:\r\n|[^])|(?!\1)[^\\\n])*\1|[`{}/]/g;
/** The text of a template, up to its end or to code in it. */
const TEMPLATE = /(?:\\[^]|\$(?!\{)|[^\\`$])*/y;
const REGULAR_EXPRESSION = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[\w$]*/y;
/** Behind what a slash begins a regular expression: elsewhere it divides, or closes a tag. */
const BEFORE_EXPRESSION =
  /(?:^|[(,=:[!&|?{;+\-*%~^]|=>|(?<![\w$.])(?:return|typeof|case|in|of|delete|void|throw|yield|await|do|else))$/;
/** How much of the code before a slash decides on it. */
const BEFORE_LENGTH = 12;

/** @typedef {{ start: number, end: number, kind: 'comment' | 'quoted' | 'template' }} Part */

/**
 * The comments and texts of a source in their order, texts without their quotes. Code in a template is none of them.
 *
 * @param {string} source
 * @returns {Part[]}
 */
function partsOf(source) {
  /** @type {Part[]} */
  const parts = [];
  /** How many braces are open where the code of a template begins. @type {number[]} */
  const templates = [];
  let braces = 0;
  let [before, at] = ['', 0];
  const token = new RegExp(TOKEN);
  /** @param {RegExp} pattern @param {number} start */
  const endOf = (pattern, start) => {
    pattern.lastIndex = start;
    return pattern.test(source) ? pattern.lastIndex : start;
  };
  /** @param {number} start @param {number} end @param {Part['kind']} kind */
  const add = (start, end, kind) => parts.push({ start, end, kind });
  /** @param {number} start of a template's text */
  const readTemplate = (start) => {
    const end = endOf(TEMPLATE, start);
    const hasCode = source.charAt(end) === '$';
    // The sign is no part of a name.
    add(start, hasCode ? end + 1 : end, 'template');
    if (hasCode) templates.push(braces++);
    return {
      end: Math.min(hasCode ? end + 2 : end + 1, source.length),
      before: hasCode ? '{' : '`',
    };
  };
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    const [text, quote] = match;
    const start = match.index;
    const code = source.slice(at, start).trimEnd();
    if (code !== '') before = code.slice(-BEFORE_LENGTH);
    at = start + text.length;
    if (quote !== undefined) {
      add(start + 1, at - 1, 'quoted');
      before = quote;
    } else if (text.length > 1) {
      add(start, at, 'comment');
    } else if (text === '`' || (text === '}' && templates.at(-1) === braces - 1)) {
      if (text === '}') braces = templates.pop() ?? 0;
      ({ end: at, before } = readTemplate(start + 1));
    } else if (text === '/') {
      const end = BEFORE_EXPRESSION.test(before) ? endOf(REGULAR_EXPRESSION, start) : start;
      before = text;
      if (end > start) {
        const close = source.lastIndexOf('/', end - 1);
        add(start + 1, close, 'quoted');
        at = end;
        before = ')';
      }
    } else {
      braces += text === '{' ? 1 : -1;
      before = text;
    }
    token.lastIndex = at;
  }
  return parts;
}

/**
 * The source with spaces in place of its comments, and of what stands between quotes. All else stays
 * where it is, the code in templates, too.
 *
 * @param {string} source
 * @returns {string}
 */
function codeOf(source) {
  let [code, at] = ['', 0];
  for (const { start, end } of partsOf(source)) {
    code += source.slice(at, start) + source.slice(start, end).replace(/[^\n]/g, ' ');
    at = end;
  }
  return code + source.slice(at);
}

/**
 * A function of a text that works once for each.
 *
 * @template T
 * @param {(text: string) => T} work
 * @returns {(text: string) => T}
 */
function once(work) {
  /** @type {Map<string, T>} */
  const results = new Map();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const result = work(text);
    results.set(text, result);
    return result;
  };
}

module.exports = { once, partsOf, withoutTexts: once(codeOf) };
