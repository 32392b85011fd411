'use strict';

const { types } = require('./builtins/index.js');
const { traceFieldsOf } = require('./trace-fields.js');

// The options of `initLogger` in a form that JSON can hold. The native part validates them.

/** The types of lists, and what their items are. @type {ReadonlyMap<string, (item: unknown) => boolean>} */
const ITEMS = new Map([
  ['list of strings', (item) => typeof item === 'string'],
  [
    'list of patterns',
    // One in the form that JSON has of it is an object.
    (item) => typeof item === 'string' || (typeof item === 'object' && item !== null),
  ],
]);

/**
 * The type of an option: that of `typeof`, one of `ITEMS`, or an object with members of these types, which may be
 * `true` or `false` instead.
 * @typedef {string | { members: Record<string, string>, isSwitch: boolean }} Type
 */

/** The options that the native part reads. @satisfies {Record<string, Type>} */
const NATIVE = {
  apiKey: 'string',
  appUrl: 'string',
  apiUrl: 'string',
  orgName: 'string',
  projectName: 'string',
  projectId: 'string',
  exitTimeoutMs: 'number',
  maxQueueBytes: 'number',
  requestTimeoutMs: 'number',
  maxRequestBytes: 'number',
  messages: 'string',
  turnInput: 'string',
  maxFullInputBytes: 'number',
  logs: 'boolean',
  distributedTracing: 'boolean',
  attachments: 'boolean',
  content: {
    isSwitch: true,
    members: {
      input: 'boolean',
      output: 'boolean',
      systemPrompt: 'boolean',
      tools: 'boolean',
      reasoning: 'boolean',
      errors: 'boolean',
    },
  },
  redact: {
    isSwitch: false,
    members: {
      keys: 'list of strings',
      paths: 'list of strings',
      patterns: 'list of patterns',
      builtins: 'list of strings',
      replacement: 'string',
    },
  },
  maxFieldBytes: 'number',
  spool: {
    isSwitch: true,
    members: { dir: 'string', maxBytes: 'number', maxAgeMs: 'number', fsync: 'boolean' },
  },
  sampleRate: 'number',
  keepErrors: 'boolean',
};

/** The options that JavaScript uses itself. */
const OWN = { enrich: 'function', sample: 'function' };

/** @typedef {import('../index.d.ts').InitLoggerOptions} Options */

/**
 * The other options: what they may be is checked where they are used. Those of the `braintrust` package have no meaning.
 * @type {Record<Exclude<keyof Options, keyof typeof NATIVE | keyof typeof OWN>, true>}
 */
const OTHERS = {
  environment: true,
  handleSignals: true,
  metadata: true,
  onError: true,
  onReady: true,
  release: true,
  setCurrent: true,
  storage: true,
  tags: true,
  asyncFlush: true,
  debugLogLevel: true,
  disableSpanCache: true,
  fetch: true,
  forceLogin: true,
  noExitFlush: true,
  onFlushError: true,
  orgProjectMetadata: true,
  state: true,
};
const KNOWN = new Set([NATIVE, OWN, OTHERS].flatMap((options) => Object.keys(options)));

/**
 * The names of options that there are not.
 * @param {Options | null | undefined} options
 */
function unknownOptions(options) {
  const isSet = (/** @type {[name: string, value: unknown]} */ [name, value]) =>
    value !== undefined && !KNOWN.has(name);
  return Object.entries(options ?? {})
    .filter(isSet)
    .map(([name]) => name);
}

/**
 * The known options; all others are dropped. Throws on values of the wrong type, and on those that only JavaScript
 * checks.
 * @param {Options | null | undefined} options
 * @param {Record<string, string>} [env] the variables of the process that are ours
 * @returns {Record<string, unknown>}
 */
function pickOptions(options, env = {}) {
  const picked = checked(options ?? {}, NATIVE);
  checked(options ?? {}, OWN);
  if (picked.redact !== undefined) picked.redact = withExpressions(picked.redact);
  const traceFields = traceFieldsOf(options ?? {}, env);
  return traceFields === undefined ? picked : { ...picked, traceFields };
}

/**
 * The values with these names that are set: `undefined` and `null` stand for the default. Throws on one of another type.
 * @param {Record<string, any>} values
 * @param {Record<string, Type>} types
 * @param {string} [path] of the object that has the values
 * @returns {Record<string, unknown>}
 */
function checked(values, types, path = '') {
  /** @type {Record<string, unknown>} */
  const set = {};
  for (const [name, type] of Object.entries(types)) {
    const value = values[name];
    if (value !== undefined && value !== null) set[name] = ofType(`${path}${name}`, value, type);
  }
  return set;
}

/**
 * A value in which only what is set stands. Throws on one of another type, and on members that are unknown.
 * @param {string} name
 * @param {any} value
 * @param {Type} type
 */
function ofType(name, value, type) {
  if (typeof type === 'string') {
    const isItem = ITEMS.get(type);
    const isType = isItem ? Array.isArray(value) && value.every(isItem) : typeof value === type;
    if (!isType) throw new TypeError(`\`${name}\` is no ${type}`);
    return value;
  }
  const { members, isSwitch } = type;
  if (isSwitch && typeof value === 'boolean') return value;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(`\`${name}\` is ${isSwitch ? 'neither true, false nor an' : 'no'} object`);
  }
  // What it inherits is no option.
  const own = { ...value };
  const isUnknown = (/** @type {string} */ member) =>
    own[member] !== undefined && own[member] !== null && !Object.hasOwn(members, member);
  const unknown = Object.keys(own).find(isUnknown);
  if (unknown !== undefined) {
    const known = Object.keys(members).join(', ');
    throw new TypeError(`\`${name}.${unknown}\` is unknown; known: ${known}`);
  }
  return checked(own, members, `${name}.`);
}

/**
 * The rules with regular expressions that JSON holds.
 * @param {any} rules
 */
function withExpressions(rules) {
  if (!Array.isArray(rules.patterns)) return rules;
  const patterns = rules.patterns.map((/** @type {unknown} */ pattern) =>
    types.isRegExp(pattern) ? { source: pattern.source, flags: pattern.flags } : pattern,
  );
  return { ...rules, patterns };
}

module.exports = { pickOptions, unknownOptions };
