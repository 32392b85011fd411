'use strict';

// What of a row is searched, and where a text occurs in it.

const { commentText } = require('../support/comment-text');
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

/** The descriptions of tools, which every turn repeats: a search is for messages and steps. */
const SCHEMAS = new Set(['tools', 'functions']);

/**
 * The values of a row as one text: its name, its ids, its content and its metadata, without the schemas of tools.
 *
 * @param {import('../support/json').JsonObject} row
 * @returns {string}
 */
function searchText(row) {
  /** @type {string[]} */
  const texts = [];
  if (isObject(row.span_attributes)) collect(row.span_attributes.name, texts);
  if (isObject(row.comment)) texts.push(commentText(row));
  for (const name of FIELDS) collect(withoutSchemas(row[name]), texts);
  return texts.join(BORDER);
}

/** @param {unknown} value */
function withoutSchemas(value) {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name, member]) => !SCHEMAS.has(name) || !isSchemas(member)),
  );
}

/** @param {unknown} value whether it is a list of objects: content may have the same name */
function isSchemas(value) {
  return Array.isArray(value) && value.every(isObject);
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
