'use strict';

// Updates of custom spans, in the shapes of rows.

const { types } = require('../builtins/index.js');
const { isObject } = require('../json/is-object.js');
const { JSON } = require('../json/own-json.js');
const { toJsonSafe } = require('../json/stringify.js');
const { warn } = require('../warn.js');

/** The fields of an update, by the names of the `braintrust` package. */
const VALUES = /** @type {const} */ (['input', 'output', 'expected', 'metadata', 'tags']);

/** The metadata that names the fields that could not be read. */
const UNREADABLE = 'flue-braintrust.unreadable';

/**
 * The update of a span as the native part takes it. Does not change what the application passes. Never
 * throws.
 * @param {any} event
 * @param {boolean} [hasNumbers] whether scores and metrics are a part of it
 * @returns {Record<string, any>}
 */
function spanUpdateOf(event, hasNumbers = true) {
  /** @type {Record<string, any>} */
  const update = {};
  /** @type {string[]} */
  const unreadable = [];
  const put = (
    /** @type {string} */ name,
    /** @type {(given: any) => unknown} */ read,
    field = name,
  ) => {
    try {
      const value = read(event?.[name]);
      if (value !== undefined) update[field] = value;
    } catch {
      unreadable.push(name);
    }
  };
  for (const name of VALUES) put(name, (given) => shaped(name, toJsonSafe(given)));
  // Its older name.
  if (update.input === undefined) put('inputs', toJsonSafe, 'input');
  if (hasNumbers) {
    put('scores', (given) => membersOf(toJsonSafe(given), scoreOf));
    put('metrics', (given) => membersOf(toJsonSafe(given), numberOf));
  }
  // `null` removes an earlier error; an empty text states none.
  put('error', (given) =>
    given === undefined || given === null || given === '' ? given : errorOf(given),
  );
  if (unreadable.length > 0) update.metadata = { ...update.metadata, [UNREADABLE]: unreadable };
  return update;
}

/** The end of the year 9999, in seconds since the epoch. Later times have no ISO 8601 text. */
const LAST_TIME = 253_402_300_799;

/**
 * A time that the application states, in seconds since the epoch: undefined without one, and with a warning for what is
 * none, as milliseconds.
 * @param {unknown} given
 * @param {string} name of the argument
 */
function timeOf(given, name) {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'number' && given >= 0 && given <= LAST_TIME) return given;
  const message = `\`${name}\` is not a time in seconds since the epoch, as \`Date.now() / 1000\`; it is ignored.`;
  warn('BAD_TIME', message, `time ${name}`);
  return undefined;
}

/**
 * A time as the native part takes it: in milliseconds, and in seconds where these do not state it exactly.
 * @param {'start' | 'end'} name
 * @param {number} seconds since the epoch
 */
function timeMembers(name, seconds) {
  const millis = Math.round(seconds * 1000);
  return { [name]: millis, ...(millis / 1000 !== seconds && { [`${name}Seconds`]: seconds }) };
}

/**
 * A time that an update sets by its metrics, in seconds since the epoch, as in the `braintrust` package.
 * @param {any} event
 * @param {'start' | 'end'} name
 */
function timeIn(event, name) {
  try {
    const time = event?.metrics?.[name];
    // What is not a number is reported as a metric.
    return Number.isFinite(time) ? timeOf(time, `metrics.${name}`) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The value in the shape that the server takes for the field.
 * @param {string} name
 * @param {any} value
 */
function shaped(name, value) {
  if (value === undefined || value === null) {
    return name === 'tags' || name === 'metadata' ? undefined : value;
  }
  if (name === 'tags') return tagsOf([value].flat());
  if (name === 'metadata' && (typeof value !== 'object' || Array.isArray(value))) return { value };
  return value;
}

/** @param {unknown[]} values */
function tagsOf(values) {
  const tags = values.filter((value) => typeof value === 'string' || typeof value === 'number');
  // `isBeta && 'beta'` may be none.
  if (values.some((value) => value === true || (typeof value === 'object' && value !== null))) {
    warn('BAD_FIELD', 'A tag is a text; anything else is left out.', 'field tags type');
  }
  return [...new Set(tags.map(String))];
}

/**
 * The members of an object in the form that the server takes; `undefined` when none is left.
 * @param {any} object
 * @param {(value: unknown) => unknown} formOf undefined for what the server does not take
 */
function membersOf(object, formOf) {
  if (!isObject(object)) return undefined;
  const members = Object.entries(object)
    .map(([name, value]) => [name, formOf(value)])
    .filter(([, value]) => value !== undefined);
  return members.length > 0 ? Object.fromEntries(members) : undefined;
}

/** @param {unknown} value */
function numberOf(value) {
  if (typeof value === 'number' || value === undefined || value === null) return value ?? undefined;
  warn('BAD_METRIC', 'A metric is a finite number; anything else is left out.');
  return undefined;
}

/** A number for a boolean, and `null` for a score that is taken back. @param {unknown} value */
function scoreOf(value) {
  if (value === undefined || value === null) return value;
  const score = typeof value === 'boolean' ? Number(value) : value;
  if (typeof score === 'number' && score >= 0 && score <= 1) return score;
  warn(
    'BAD_SCORE',
    'A score is a number from 0 to 1, a boolean or `null`; anything else is left out.',
  );
  return undefined;
}

/**
 * An update with another one: objects are merged at any depth, and tags collected.
 * @param {Record<string, any>} update
 * @param {Record<string, any>} later
 * @returns {Record<string, any>}
 */
function mergedUpdate(update, later) {
  const merged = merge(update, later);
  if (update.tags && later.tags) merged.tags = [...new Set([...update.tags, ...later.tags])];
  return merged;
}

/** As the server merges: objects member by member. @param {any} value @param {any} later @returns {any} */
function merge(value, later) {
  if (!isObject(value) || !isObject(later)) return later;
  const names = [...new Set([...Object.keys(value), ...Object.keys(later)])];
  const memberOf = (/** @type {string} */ name) => {
    if (!Object.hasOwn(later, name)) return value[name];
    return Object.hasOwn(value, name) ? merge(value[name], later[name]) : later[name];
  };
  return Object.fromEntries(names.map((name) => [name, memberOf(name)]));
}

/** The most errors behind an error that its text has: causes, and those of an `AggregateError`. */
const MAX_CAUSES = 16;

/**
 * The text of an error: its class, its message, its stack, and the errors behind it. A text or an object stays as it is;
 * other values, which the server does not accept as errors, become texts. Never throws.
 * @param {unknown} error
 * @returns {any}
 */
function errorOf(error) {
  try {
    if (!isError(error)) {
      const safe = toJsonSafe(error) ?? '';
      return safe === '' ? 'failed without a message' : textUnlessObject(safe);
    }
    const { stack } = error;
    const parts = [summaryOf(error), ...(typeof stack === 'string' ? [stack] : [])];
    return toJsonSafe([...parts, ...causesOf(error)].join('\n\n'));
  } catch {
    return 'failed with an error that cannot be read';
  }
}

/** @param {unknown} value */
const textUnlessObject = (value) =>
  typeof value === 'string' || isObject(value) ? value : JSON.stringify(value);

/** @param {unknown} value @returns {value is Error} also one of another realm */
const isError = (value) => value instanceof Error || types.isNativeError(value);

/** @param {Error} error */
function summaryOf({ name, message }) {
  return name === 'Error' || message === '' ? message || name : `${name}: ${message}`;
}

/**
 * The texts of the errors behind an error.
 * @param {Error} error
 * @returns {string[]}
 */
function causesOf(error) {
  const texts = [];
  const seen = new Set([error]);
  for (const one of seen) {
    for (const [label, behind] of behindOf(one)) {
      if (seen.has(/** @type {any} */ (behind)) || texts.length >= MAX_CAUSES) continue;
      if (isError(behind)) seen.add(behind);
      texts.push(`${label}: ${causeText(behind)}`);
    }
  }
  return texts;
}

/**
 * What is directly behind an error, with labels.
 * @param {Error & { errors?: unknown }} error
 * @returns {[label: string, behind: unknown][]}
 */
function behindOf({ cause, errors }) {
  const all = Array.isArray(errors) ? errors : [];
  /** @type {[string, unknown][]} */
  const behind = cause === undefined || cause === null ? [] : [['Caused by', cause]];
  for (const [at, one] of all.slice(0, MAX_CAUSES).entries()) {
    behind.push([`Error ${at + 1} of ${all.length}`, one]);
  }
  return behind;
}

/** @param {unknown} cause */
function causeText(cause) {
  if (isError(cause)) return typeof cause.stack === 'string' ? cause.stack : summaryOf(cause);
  return typeof cause === 'string' ? cause : JSON.stringify(toJsonSafe(cause));
}

module.exports = { errorOf, mergedUpdate, spanUpdateOf, timeIn, timeMembers, timeOf };
