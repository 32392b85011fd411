'use strict';

// Where a source sets variables by itself, such as those that it has from a store of secrets.

const { functionAt, functionsOf } = require('./functions');
const { withoutTexts } = require('./lexer');

/** What sets variables of this package, or of names that are not stated. Group: what a bracket names. */
const ASSIGNMENT =
  /(?<![\w$.])(?:globalThis\s*\.\s*)?(?:process\s*\.\s*env\s*(?:\.\s*(?:FLUE_)?BRAINTRUST_\w+|\[([^\]\n]{0,200})\])?\s*(?:\?\?|\|\||&&)?=(?![=>])|Object\s*\.\s*assign\s*\(\s*(?:globalThis\s*\.\s*)?process\s*\.\s*env(?![\w$]))/dg;
/** The name of a variable, after its quote. */
const OTHER_NAME = /^\s*(["'`])(?!(?:FLUE_)?BRAINTRUST_)\w+\1/;
/** What stands before the parenthesis of a statement whose block runs with it. */
const STATEMENT = /(?<![\w$.])(?:if|for(?:\s+await)?|while|switch|catch|with)\s*$/;
/** What stands before the body of a function that is called at once, for each item of a list. */
const EACH = /\.\s*forEach\s*\(\s*\(?[^()]*\)?\s*=>\s*$/;
/** How much of the code before a bracket shows what it belongs to. */
const MAX_BEFORE = 200;

/**
 * Where a source sets variables, except in functions without a name: whoever calls those is not known.
 *
 * @param {string} text
 * @returns {{ start: number, end: number, isOnLoad: boolean }[]} `isOnLoad`: in no function
 */
function assignmentsIn(text) {
  const code = withoutTexts(text);
  const found = [...code.matchAll(ASSIGNMENT)].filter(({ indices }) => {
    const [at = 0] = indices?.[1] ?? [];
    return at === 0 || !OTHER_NAME.test(text.slice(at, at + MAX_BEFORE));
  });
  if (found.length === 0) return [];
  const all = functionsOf(code);
  const within = inFunctions(
    code,
    found.map(({ index }) => index),
  );
  return found.flatMap(({ index: start, 0: { length } }) => {
    const isOnLoad = functionAt(all, start) === undefined;
    return isOnLoad && within.has(start) ? [] : { start, end: start + length, isOnLoad };
  });
}

/**
 * @param {string} code without its texts
 * @param {number[]} places in their order
 * @returns {Set<number>} those of them with a function around, as far as brackets show
 */
function inFunctions(code, places) {
  /** @type {Set<number>} */
  const within = new Set();
  /** The brackets that are open. @type {{ start: number, isFunction: boolean }[]} */
  const open = [];
  let functions = 0;
  /** What stood in parentheses last. */
  let last = { start: 0, end: -1 };
  let at = 0;
  for (const place of places) {
    for (; at < place; at++) {
      const character = code.charAt(at);
      if ('([{'.includes(character)) {
        const isFunction = character === '{' && isBody(code, at, last);
        open.push({ start: at, isFunction });
        if (isFunction) functions += 1;
      } else if (')]}'.includes(character)) {
        const { start, isFunction } = open.pop() ?? { start: 0, isFunction: false };
        if (isFunction) functions -= 1;
        if (character === ')') last = { start, end: at };
      }
    }
    if (functions > 0) within.add(place);
  }
  return within;
}

/**
 * @param {string} code
 * @param {number} brace
 * @param {{ start: number, end: number }} last the parentheses before it
 * @returns {boolean} whether it begins the body of a function that is not called at once
 */
function isBody(code, brace, { start, end }) {
  const before = code.slice(Math.max(0, brace - MAX_BEFORE), brace);
  if (/=>\s*$/.test(before)) return !EACH.test(before);
  const between = code.slice(end + 1, Math.min(brace, end + MAX_BEFORE));
  const isBehind = end >= 0 && /^\s*(?::[^;=]*)?$/.test(between);
  return isBehind && !STATEMENT.test(code.slice(Math.max(0, start - MAX_BEFORE), start));
}

module.exports = { assignmentsIn };
