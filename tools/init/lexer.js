'use strict';

// Separates the code of a source from its comments and texts: strings, templates and regular expressions.

/** What may begin something else than code, and brackets. */
const TOKEN = /^#!.*|\/\*|\/\/.*|["'`(){}/]/g;
/** A piece of a string, up to its quote or to the end of its line. @type {Record<string, RegExp>} */
const STRINGS = {
  '"': /(?:\\(?:\r\n|[^])|[^"\\\n]+){0,1000}/y,
  "'": /(?:\\(?:\r\n|[^])|[^'\\\n]+){0,1000}/y,
};
/** A piece of a template's text, up to its end or to code in it. */
const TEMPLATE = /(?:\\[^]|\$(?!\{)|[^\\`$]+){0,1000}/y;
/** Pieces of a regular expression: up to its end or a class; up to the end of a class; up to any of these. */
const [EXPRESSION, CLASS, NO_CLASS] = [
  /(?:\\.|[^/\\\n[]+){0,1000}/y,
  /(?:\\.|[^\]\\\n]+){0,1000}/y,
  /(?:\\.|[^/\\\n[\]]+){0,1000}/y,
];
const FLAGS = /[\w$]*/y;
/**
 * The code before a slash that begins a regular expression; any other slash divides, or is part of a tag. Behind a
 * brace, a regular expression begins on a line of its own.
 */
const BEFORE_EXPRESSION =
  /(?:^|[(,=:[&|?{;*%~^]|\.{3}|(?<!\+)\+|(?<!-)-|(?<![\w$)\]])!|=>|<\s|\}\n|(?<![\w$.])(?:return|typeof|case|in|of|delete|void|throw|yield|await|do|else|default|instanceof)!?)\s*$/;
/** The code before a parenthesis behind which a statement begins. */
const BEFORE_CONDITION = /(?<![\w$.])(?:if|while|for(?:\s+await)?|with)\s*$/;
/** How much of the code before a token decides on it. */
const BEFORE_LENGTH = 12;
/** The most templates whose code has no end that are recognised. */
const MAX_UNENDED = 20;

/** @typedef {{ start: number, end: number, kind: 'comment' | 'quoted' | 'template' }} Part */

/**
 * A template that is read, with what was known where it begins.
 *
 * @typedef {{ start: number, partCount: number, braces: number, depth: number }} Template
 */

/**
 * The comments and texts of a source in their order, texts without their quotes. Code in a template is none of them. A
 * quote or backtick that begins no text, such as one between two tags, is code.
 *
 * @param {string} source
 * @returns {Part[]}
 */
function partsOf(source) {
  /** @type {Part[]} */
  const parts = [];
  /** Those whose code is read. @type {Template[]} */
  const templates = [];
  /** Whether each open parenthesis is that of a condition. @type {boolean[]} */
  const conditions = [];
  /**
   * Up to where each quote begins no string, and a slash begins no regular expression with a class.
   * @type {Record<string, number>}
   */
  let unended = {};
  /** Where the part of the source begins in which no backtick ends a template. */
  let noTemplates = source.length;
  const lastComment = source.lastIndexOf('*/');
  let [braces, at, unendedTemplates] = [0, 0, 0];
  /** The code before a token, and the space behind it. */
  let [before, space] = ['', ''];
  const token = new RegExp(TOKEN);
  /** @param {RegExp} pattern @param {number} start */
  const endOf = (pattern, start) => {
    pattern.lastIndex = start;
    return pattern.test(source) ? pattern.lastIndex : start;
  };
  /** @param {RegExp} pattern of a piece @param {number} start @returns {number} the end of all pieces */
  const endOfAll = (pattern, start) => {
    let [last, end] = [start, endOf(pattern, start)];
    while (end > last) [last, end] = [end, endOf(pattern, end)];
    return end;
  };
  /** @param {number} start @param {number} end @param {Part['kind']} kind */
  const add = (start, end, kind) => parts.push({ start, end, kind });
  /** @param {string} code */
  const goOn = (code) => ([before, space] = [code, '']);
  /** Goes on behind the backtick of a template that has no end. @param {Template} template */
  const leave = (template) => {
    unendedTemplates += 1;
    parts.length = template.partCount;
    conditions.length = template.depth;
    braces = template.braces;
    at = template.start + 1;
    // Reading goes back: `unended` holds only further on.
    unended = {};
    goOn('`');
  };
  /** @param {Template} template @param {number} start of its text, or of a further part of that */
  const readTemplate = (template, start) => {
    const end = start < noTemplates ? endOfAll(TEMPLATE, start) : source.length;
    if (end >= source.length) {
      noTemplates = Math.min(noTemplates, start);
      if (start === template.start + 1) return goOn('`');
      if (unendedTemplates < MAX_UNENDED) leave(template);
      return;
    }
    const hasCode = source.charAt(end) === '$';
    // The sign is not part of a name.
    add(start, hasCode ? end + 1 : end, 'template');
    at = hasCode ? end + 2 : end + 1;
    braces = template.braces;
    if (hasCode) templates.push(template);
    if (hasCode) braces += 1;
    goOn(hasCode ? '{' : '`');
  };
  /** @param {number} start of a string @param {string} quote */
  const readString = (start, quote) => {
    const pattern = STRINGS[quote];
    if (pattern === undefined || start < (unended[quote] ?? 0)) return;
    const end = endOfAll(pattern, start + 1);
    if (source.charAt(end) !== quote) return void (unended[quote] = end);
    add(start + 1, end, 'quoted');
    at = end + 1;
  };
  /**
   * If a regular expression has no end on its line, one that begins later on the line can only end before its first
   * class: behind a class, it reaches the same end of the line.
   *
   * @param {number} start of a slash that begins a regular expression @returns {number} its end; its start without one
   */
  const endOfExpression = (start) => {
    const isKnown = start < (unended['/'] ?? 0);
    let end = endOfAll(isKnown ? NO_CLASS : EXPRESSION, start + 1);
    if (!isKnown) {
      while (source.charAt(end) === '[') end = endOfAll(EXPRESSION, endOfAll(CLASS, end));
    }
    if (source.charAt(end) === '/') return endOf(FLAGS, end + 1);
    if (!isKnown) unended['/'] = end;
    return start;
  };
  /** @param {number} start of a slash */
  const readSlash = (start) => {
    const isTag = before === '}' && source.charAt(start + 1) === '>';
    const isExpression = !isTag && BEFORE_EXPRESSION.test(before + space);
    const end = isExpression ? endOfExpression(start) : start;
    goOn(end > start ? ')' : '/');
    if (end === start) return;
    add(start + 1, source.lastIndexOf('/', end - 1), 'quoted');
    at = end;
  };
  for (;;) {
    token.lastIndex = at;
    const match = token.exec(source);
    if (match === null) {
      const open = templates.pop();
      if (open === undefined || unendedTemplates >= MAX_UNENDED) return parts;
      leave(open);
      continue;
    }
    const { index: start, 0: text } = match;
    const gap = source.slice(at, start);
    const code = gap.trimEnd();
    if (code !== '') goOn((before + space + code.slice(-BEFORE_LENGTH)).slice(-BEFORE_LENGTH));
    if (gap.length > code.length && space !== '\n') {
      space = gap.includes('\n', code.length) ? '\n' : ' ';
    }
    at = start + text.length;
    const isComment = text === '/*' ? start + 2 <= lastComment : text.length > 1;
    if (isComment) {
      if (text === '/*') at = source.indexOf('*/', at) + 2;
      add(start, at, 'comment');
    } else if (text.startsWith('/')) {
      at = start + 1;
      readSlash(start);
    } else if (text === '`') {
      readTemplate({ start, partCount: parts.length, braces, depth: conditions.length }, at);
    } else if (text === '}' && templates.at(-1)?.braces === braces - 1) {
      const open = templates.pop();
      if (open !== undefined) readTemplate(open, at);
    } else if (text === '(') {
      conditions.push(BEFORE_CONDITION.test(before + space));
      goOn(text);
    } else if (text === ')') {
      goOn(conditions.pop() ? ';' : ')');
    } else {
      if (text === '{') braces += 1;
      if (text === '}') braces -= 1;
      readString(start, text);
      goOn(text);
    }
  }
}

/**
 * The source with spaces in place of parts of it. All else stays where it is.
 *
 * @param {string} source
 * @param {Part[]} [parts] its comments and texts if none are named; the code in templates stays
 * @param {RegExp} [characters] of the parts, in place of which spaces stand: all but the ends of lines if none are named
 * @returns {string}
 */
function blanked(source, parts = partsOf(source), characters = /[^\n]/g) {
  let [code, at] = ['', 0];
  for (const { start, end } of parts) {
    code += source.slice(at, start) + source.slice(start, end).replace(characters, ' ');
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
function memoised(work) {
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

/** @param {string} source @returns {string} the source with spaces in place of its comments */
const withoutComments = (source) =>
  blanked(
    source,
    partsOf(source).filter(({ kind }) => kind === 'comment'),
  );

/** @param {string} source @returns {string} as without its texts, and without the ends of lines in these */
const withoutLinesOfTexts = (source) => blanked(source, partsOf(source), /[^]/g);

module.exports = {
  memoised,
  partsOf,
  withoutComments,
  withoutLinesOfTexts,
  withoutTexts: memoised((source) => blanked(source)),
};
