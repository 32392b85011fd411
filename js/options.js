'use strict';

const { types } = require('./builtins/index.js');
const { InvalidOption, readOption } = require('./invalid-option.js');
const { traceFieldsOf } = require('./trace-fields.js');

// The options of `initLogger` in a form that JSON can hold. The native part validates them.

/** The types of lists, and what their items are. @type {ReadonlyMap<string, (item: any) => boolean>} */
const ITEMS = new Map([
  ['list of strings', (item) => typeof item === 'string'],
  [
    'list of strings and regular expressions',
    (item) => typeof item === 'string' || isPattern(item),
  ],
]);

/** A regular expression, or the form that JSON has of it. @param {any} item */
function isPattern(item) {
  return (
    types.isRegExp(item) || (typeof item?.source === 'string' && typeof item.flags === 'string')
  );
}

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
      patterns: 'list of strings and regular expressions',
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
 * The names of options that do not exist.
 * @param {Options | null | undefined} options
 */
function unknownOptions(options) {
  return readOption('options', () =>
    isSettings(options) ? namesOf(options).filter((name) => !KNOWN.has(name)) : [],
  );
}

/**
 * The names of the members of an object that are set, including inherited ones and getters. Not those of its
 * methods, and not what all objects inherit.
 * @param {Record<string, any>} object
 */
function namesOf(object) {
  /** @type {Set<string>} */
  const names = new Set();
  for (let at = object; at && !isRoot(at); at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (at === object || typeof value !== 'function') names.add(name);
    }
  }
  return [...names].filter((name) => {
    try {
      return object[name] !== undefined && object[name] !== null;
    } catch {
      // Whoever needs the value names what is thrown.
      return true;
    }
  });
}

/**
 * Whether a value is an object with settings: not a list, a `Map`, a promise or another one whose content is not in its
 * members.
 * @param {any} value
 * @returns {value is Record<string, any>}
 */
function isSettings(value) {
  // A module may hold settings, too.
  const isPlain = /^\[object (?:Object|Module)\]$/.test(Object.prototype.toString.call(value));
  if (!isPlain || typeof value.then === 'function') return false;
  const parent = Object.getPrototypeOf(value);
  const isInstance = parent !== null && !isRoot(parent);
  return !isInstance || namesOf(value).length > 0;
}

/** Whether it is the object that all objects inherit from, of any realm. @param {object} object */
function isRoot(object) {
  return Object.hasOwn(object, 'isPrototypeOf');
}

/**
 * The known options; all others are dropped. Throws on values of the wrong type, and on those that only JavaScript
 * checks.
 * @param {Options | null | undefined} options
 * @param {Record<string, string>} [env] the variables of the process that are ours
 * @returns {Record<string, unknown>}
 */
function pickOptions(options, env = {}) {
  return readOption('options', () => {
    const given = options ?? {};
    if (!isSettings(given)) {
      throw new InvalidOption('the options of `initLogger` are not a plain object');
    }
    const picked = checked(given, NATIVE);
    checked(given, OWN);
    if (picked.redact !== undefined) picked.redact = withExpressions(picked.redact);
    const traceFields = traceFieldsOf(given, env);
    return traceFields === undefined ? picked : { ...picked, traceFields };
  });
}

/**
 * The options for which the native part has no use. What they are is checked where they are used.
 * @param {Options | null | undefined} options
 * @returns {Pick<Options, 'onError' | 'onReady' | 'enrich' | 'sample' | 'handleSignals' | 'storage'>}
 */
function pickOwnOptions(options) {
  /** @type {Options} */
  const own = {};
  for (const name of ['onError', 'onReady', 'enrich', 'sample', 'handleSignals', 'storage']) {
    own[/** @type {'storage'} */ (name)] = readOption(
      name,
      () => /** @type {any} */ (options)?.[name],
    );
  }
  return own;
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
    const whole = `${path}${name}`;
    const value = readOption(whole, () => {
      const given = values[name];
      return given === undefined || given === null ? undefined : ofType(whole, given, type);
    });
    if (value !== undefined) set[name] = value;
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
    const isType = isItem
      ? Array.isArray(value) && Array.from(value).every(isItem)
      : typeof value === type;
    if (!isType) throw new InvalidOption(`\`${name}\` is not a ${type}`);
    return value;
  }
  const { members, isSwitch } = type;
  if (isSwitch && typeof value === 'boolean') return value;
  if (!isSettings(value)) {
    throw new InvalidOption(
      `\`${name}\` is ${isSwitch ? 'neither true, false nor' : 'not'} a plain object`,
    );
  }
  const unknown = namesOf(value).find((member) => !Object.hasOwn(members, member));
  if (unknown !== undefined) {
    const known = Object.keys(members).join(', ');
    throw new InvalidOption(`\`${name}.${unknown}\` is unknown; known: ${known}`);
  }
  return checked(value, members, `${name}.`);
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

module.exports = { pickOptions, pickOwnOptions, unknownOptions };
