'use strict';

// Braintrust's merge rules.

const { isObject } = require('../support/json');

/** @typedef {import('./types').JsonObject} JsonObject */

/** Fields that control how the server applies a row; they are not stored. */
const CONTROL_FIELDS = new Set(['_is_merge', '_merge_paths', '_object_delete']);

/**
 * Combines a row with what is stored under its key, as the server does.
 *
 * Without `_is_merge` the row replaces the stored one. With it, objects merge key by key, `tags` are
 * united, and everything else (arrays, scalars, null) replaces. `_merge_paths` lists paths whose
 * value is replaced as a whole.
 *
 * Neither argument is changed, and keys such as `__proto__` are data like any other.
 *
 * @param {JsonObject | undefined} stored what an earlier call returned, undefined for a new key
 * @param {JsonObject} incoming the row as it arrived
 * @returns {JsonObject} the row to store
 */
function mergeRow(stored, incoming) {
  const change = Object.fromEntries(
    Object.entries(incoming).filter(([field]) => !CONTROL_FIELDS.has(field)),
  );
  if (stored === undefined || incoming._is_merge !== true) return change;

  const paths = Array.isArray(incoming._merge_paths) ? incoming._merge_paths : [];
  const stops = new Set(paths.map((path) => JSON.stringify(path)));
  if (Array.isArray(stored.tags) && Array.isArray(change.tags) && !stops.has('["tags"]')) {
    change.tags = union(stored.tags, change.tags);
  }
  return mergeObject(stored, change, stops, []);
}

/**
 * @param {JsonObject} base
 * @param {JsonObject} change
 * @param {Set<string>} stops paths, as JSON, at which the merge replaces
 * @param {string[]} path where `base` lies in the row
 * @returns {JsonObject}
 */
function mergeObject(base, change, stops, path) {
  // Collected in a Map, because assigning to a `__proto__` key would set the prototype.
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(change)) {
    const here = [...path, key];
    const before = merged.get(key);
    const descend = isObject(before) && isObject(value) && !stops.has(JSON.stringify(here));
    merged.set(key, descend ? mergeObject(before, value, stops, here) : value);
  }
  return Object.fromEntries(merged);
}

/**
 * @param {unknown[]} first
 * @param {unknown[]} second
 * @returns {unknown[]} the elements of both in order, each once
 */
function union(first, second) {
  const byText = new Map();
  for (const element of [...first, ...second]) {
    const text = JSON.stringify(element);
    if (!byText.has(text)) byText.set(text, element);
  }
  return [...byText.values()];
}

module.exports = { mergeRow };
