'use strict';

// What of a row is searched, and where a text occurs in it.

const { commentText } = require('../support/comments');
const { isObject } = require('../support/json');

/** Separates values, so that nothing is found across two of them. */
const BORDER = '\u0000';

/** How much is shown around what was found, in characters. */
const BEFORE = 30;
const AFTER = 90;

/** Fields whose values are found, besides the name. Metrics and times are numbers of every row. */
const IDS = ['id', 'span_id', 'root_span_id'];
const FIELDS = [
  ...IDS,
  'error',
  'input',
  'output',
  'expected',
  'metadata',
  'tags',
  'scores',
  '_audit_metadata',
];

/** Where a model turn has the descriptions of its tools, which every turn repeats: a search is for messages and steps. */
const SCHEMAS = new Set(['tools', 'functions']);
/** Members of a description, of which it has one. */
const PARAMETERS = ['parameters', 'input_schema', 'inputSchema'];

/**
 * The values of a row as one text: its name, its ids, its content and its metadata, without the schemas of tools.
 *
 * @param {import('../support/json').JsonObject} row
 * @returns {string}
 */
function searchText(row) {
  /** @type {string[]} */
  const texts = [];
  const { name, type } = isObject(row.span_attributes) ? row.span_attributes : {};
  collect(name, texts);
  if (isObject(row.comment)) texts.push(commentText(row));
  for (const field of FIELDS) {
    collect(type === 'llm' ? withoutSchemas(row[field]) : row[field], texts);
  }
  return texts.join(BORDER);
}

/** @param {unknown} value of a field of a model turn */
function withoutSchemas(value) {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      if (!SCHEMAS.has(name) || !Array.isArray(member)) return [[name, member]];
      const others = member.filter((one) => !isSchema(one));
      return others.length === 0 ? [] : [[name, others]];
    }),
  );
}

/** @param {unknown} value whether it describes a tool: content may be a list of the same name */
function isSchema(value) {
  if (!isObject(value)) return false;
  const described = isObject(value.function) ? value.function : value;
  const isNamed = typeof described.name === 'string';
  const isDescribed = described !== value || PARAMETERS.some((name) => isObject(described[name]));
  return (isNamed && isDescribed) || Array.isArray(value.functionDeclarations);
}

/**
 * @param {unknown} value
 * @param {string[]} texts gets the texts, numbers and member names in it, in their order
 */
function collect(value, texts) {
  /** @type {unknown[]} */
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next === 'string') texts.push(next);
    else if (typeof next === 'number' || typeof next === 'boolean') texts.push(String(next));
    else if (Array.isArray(next)) {
      for (let n = next.length - 1; n >= 0; n -= 1) waiting.push(next[n]);
    } else if (isObject(next)) {
      for (const [name, member] of Object.entries(next).toReversed()) waiting.push(member, name);
    }
  }
}

/**
 * @param {string} needle
 * @returns {RegExp} finds it regardless of case
 */
function patternOf(needle) {
  if (needle.includes(BORDER)) return /(?!)/;
  return new RegExp(needle.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'iu');
}

/**
 * What stands around the first occurrence.
 *
 * @param {string} text
 * @param {RegExp} pattern
 * @returns {import('./types').Excerpt | null} null: it does not occur
 */
function excerptOf(text, pattern) {
  const found = pattern.exec(text);
  if (found === null) return null;
  const end = found.index + found[0].length;
  const begin = text.lastIndexOf(BORDER, found.index - 1) + 1;
  const border = text.indexOf(BORDER, end);
  const last = border === -1 ? text.length : border;
  const [from, to] = [Math.max(begin, found.index - BEFORE), Math.min(last, end + AFTER)];
  return [
    `${from > begin ? '…' : ''}${text.slice(from, found.index)}`,
    found[0].slice(0, AFTER),
    `${text.slice(end, to)}${to < last ? '…' : ''}`,
  ];
}

module.exports = { excerptOf, patternOf, searchText };
