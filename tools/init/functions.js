'use strict';

// The functions of a source that have a name, found by its text.

const { closingOf } = require('./source');

/** @typedef {{ name: string, start: number, end: number }} NamedFunction */

/** Up to the parenthesis of a declaration, or to what is assigned to a name or exported. Groups: the names. */
const BEGINNING =
  /(?<![\w$.])(?:function\s*\*?\s*([\w$]+)\s*(?:<[^>()]{0,300}>\s*)?(?=\()|(?:(?:const|let|var)\s+([\w$]+)\s*(?::[^=;\n]{0,300}(?:=>[^=;\n]{0,300})?)?=|exports\s*\.\s*([\w$]+)\s*=|export\s+(default)\b)\s*(?:async\b\s*)?(?=function\s*\*?\s*[(<]|function\s+[\w$]+\s*\(|<|\(|[\w$]+\s*=>))/g;
/** The most functions that are found. Code in others counts as code that runs when the module is loaded. */
const MAX_FUNCTIONS = 500;
/** From what is assigned to the parenthesis of a function. */
const TO_PARAMETERS = /(?:function\s*\*?\s*[\w$]*\s*)?(?:<[^>()]{0,300}>\s*)?/y;

/**
 * @param {string} code without its texts
 * @returns {NamedFunction[]} those within others behind them
 */
function functionsOf(code) {
  const beginnings = [...code.matchAll(BEGINNING)].slice(0, MAX_FUNCTIONS);
  return beginnings.flatMap((match) => {
    const [whole, declared, ...assigned] = match;
    const start = match.index + whole.length;
    const end = declared === undefined ? endOfAssigned(code, start) : endOfBody(code, start);
    const name = declared ?? assigned.find(Boolean) ?? '';
    return end === undefined ? [] : { name, start: match.index, end };
  });
}

/**
 * @param {string} code
 * @param {number} start of what is assigned to a name
 * @returns {number | undefined} undefined: it is not a function
 */
function endOfAssigned(code, start) {
  TO_PARAMETERS.lastIndex = start;
  TO_PARAMETERS.test(code);
  const open = TO_PARAMETERS.lastIndex;
  const isFunction = code.startsWith('function', start);
  if (isFunction) return endOfBody(code, open);
  const close = code.charAt(open) === '(' ? closingOf(code, open) + 1 : open;
  const [arrow] = /^[^;{}()\n]*=>\s*/.exec(code.slice(close, close + 200)) ?? [];
  if (arrow === undefined) return undefined;
  const body = close + arrow.length;
  if (code.charAt(body) === '{') return closingOf(code, body);
  // An expression, up to the end of its line or of its brackets.
  let end = body;
  while (end < code.length && !';\n'.includes(code.charAt(end))) {
    end = '([{'.includes(code.charAt(end)) ? closingOf(code, end) + 1 : end + 1;
  }
  return end;
}

/**
 * @param {string} code
 * @param {number} open the parenthesis of a function
 * @returns {number} where its body ends
 */
function endOfBody(code, open) {
  let end = closingOf(code, open);
  do {
    const brace = code.indexOf('{', end);
    if (brace < 0) return end;
    end = closingOf(code, brace) + 1;
    // A brace within the type of the result.
  } while (/^\s*[>{|&[]/.test(code.slice(end, end + 20)));
  return end;
}

/**
 * @param {readonly NamedFunction[]} functions
 * @param {number} at
 * @returns {NamedFunction | undefined} the innermost one there
 */
const functionAt = (functions, at) =>
  functions.findLast(({ start, end }) => start <= at && at < end);

module.exports = { functionAt, functionsOf };
