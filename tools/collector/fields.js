'use strict';

// The allowed values of each field.

const { isObject } = require('../support/json');

/**
 * Checks the value of one field; returns the problem as a text that follows the field's name.
 *
 * @typedef {(value: unknown) => string[]} Check
 */

const SPAN_TYPES = [
  'llm',
  'score',
  'function',
  'eval',
  'task',
  'tool',
  'automation',
  'facet',
  'preprocessor',
  'classifier',
  'review',
];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HEX_16 = /^[0-9a-f]{16}$/;
const HEX_32 = /^[0-9a-f]{32}$/;
const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Times are seconds; later than this (the year 5138) they are surely milliseconds. */
const LATEST_SECONDS = 1e11;

/**
 * @param {unknown} value
 * @returns {string} the value as short text
 */
function show(value) {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/**
 * @param {boolean} holds
 * @param {string} expectation
 * @param {unknown} value
 * @returns {string[]}
 */
function expect(holds, expectation, value) {
  return holds ? [] : [`must be ${expectation}, but is ${show(value)}`];
}

/**
 * @param {readonly unknown[]} values
 * @returns {Check}
 */
const oneOf = (values) => (value) =>
  expect(values.includes(value), `one of ${values.join(', ')}`, value);

/** @type {Check} */
const anything = () => [];
/** @type {Check} */
const nonEmptyString = (value) =>
  expect(typeof value === 'string' && value !== '', 'a non-empty string', value);
/** @type {Check} */
const boolean = (value) => expect(typeof value === 'boolean', 'true or false', value);
/** @type {Check} */
const objectOrNull = (value) =>
  expect(isObject(value) || value === null, 'an object or null', value);
/** @type {Check} */
const uuid = (value) => expect(typeof value === 'string' && UUID.test(value), 'a UUID', value);

/** @type {Check} */
const spanId = (value) =>
  expect(
    typeof value === 'string' && (HEX_16.test(value) || UUID.test(value)),
    '16 lowercase hex digits or a UUID',
    value,
  );

/** @type {Check} */
const rootSpanId = (value) =>
  expect(
    typeof value === 'string' && (HEX_32.test(value) || UUID.test(value)),
    '32 lowercase hex digits or a UUID',
    value,
  );

/** @type {Check} */
function spanParents(value) {
  if (!Array.isArray(value)) return expect(false, 'an array', value);
  const repeated = new Set(value).size !== value.length ? ['must not repeat a parent'] : [];
  return [...value.flatMap(spanId), ...repeated];
}

/** @type {Check} */
const created = (value) =>
  expect(
    typeof value === 'string' && ISO_UTC.test(value) && !Number.isNaN(Date.parse(value)),
    'an ISO 8601 time in UTC',
    value,
  );

/** @type {Check} */
function spanAttributes(value) {
  if (!isObject(value)) return expect(false, 'an object', value);
  const { name, type, purpose, exec_counter: counter } = value;
  return [
    ...nested('name', name, nonEmptyString),
    ...nested('type', type, oneOf(SPAN_TYPES)),
    ...nested('purpose', purpose, (v) => expect(v === 'scorer', '"scorer"', v)),
    ...nested('exec_counter', counter, (v) => expect(Number.isInteger(v), 'an integer', v)),
  ];
}

/** @type {Check} */
function metrics(value) {
  if (!isObject(value)) return expect(false, 'an object', value);
  return Object.entries(value).flatMap(([name, number]) => nested(name, number, metric(name)));
}

/**
 * @param {string} name
 * @returns {Check}
 */
function metric(name) {
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return expect(false, 'a finite number', value);
    }
    if (name === 'start' || name === 'end') {
      return expect(value < LATEST_SECONDS, 'in seconds since the epoch', value);
    }
    const counted = name.endsWith('tokens') || name === 'estimated_cost';
    return expect(!counted || value >= 0, 'at least 0', value);
  };
}

/** @type {Check} */
function metadata(value) {
  if (!isObject(value)) return objectOrNull(value);
  return nested('model', value.model, nonEmptyString);
}

/** @type {Check} */
const error = (value) =>
  expect(
    typeof value === 'string' || isObject(value) || value === null,
    'a string, an object or null',
    value,
  );

/** @type {Check} */
function scores(value) {
  if (!isObject(value)) return objectOrNull(value);
  return Object.entries(value).flatMap(([name, score]) =>
    nested(name, score, (v) =>
      expect(v === null || (typeof v === 'number' && v >= 0 && v <= 1), 'null or in 0 to 1', v),
    ),
  );
}

/** @type {Check} */
function tags(value) {
  if (value === null) return [];
  if (!Array.isArray(value)) return expect(false, 'an array', value);
  const repeated = new Set(value).size !== value.length ? ['must not repeat a tag'] : [];
  return [...value.flatMap(nonEmptyString), ...repeated];
}

/** @type {Check} */
const mergePaths = (value) =>
  expect(
    Array.isArray(value) &&
      value.every((path) => Array.isArray(path) && path.every((key) => typeof key === 'string')),
    'an array of arrays of strings',
    value,
  );

/**
 * @param {string} name
 * @param {unknown} value
 * @param {Check} check
 * @returns {string[]} what is wrong with the part `name` of a field; absent parts are right
 */
function nested(name, value, check) {
  return value === undefined ? [] : check(value).map((problem) => `${name} ${problem}`);
}

/**
 * Every field a row of project logs may have, and how to check its value.
 *
 * @type {Map<string, Check>}
 */
const FIELDS = new Map(
  Object.entries({
    id: nonEmptyString,
    span_id: spanId,
    root_span_id: rootSpanId,
    span_parents: spanParents,
    project_id: uuid,
    experiment_id: uuid,
    log_id: (value) => expect(value === 'g', '"g"', value),
    org_id: nonEmptyString,
    org_name: nonEmptyString,
    created,
    span_attributes: spanAttributes,
    metrics,
    context: objectOrNull,
    input: anything,
    output: anything,
    expected: anything,
    error,
    metadata,
    scores,
    tags,
    origin: objectOrNull,
    classifications: objectOrNull,
    facets: objectOrNull,
    comment: objectOrNull,
    _audit_source: oneOf(['external', 'app', 'api']),
    _audit_metadata: objectOrNull,
    _is_merge: boolean,
    _merge_paths: mergePaths,
    _object_delete: boolean,
  }),
);

module.exports = { FIELDS, UUID, show };
