'use strict';

const { types } = require('./builtins/index.js');
const { traceFieldsOf } = require('./trace-fields.js');

// The options of `initLogger` in a form that JSON can hold. The native part validates them.

/** The options that the native part reads; all others have no meaning here. */
const KNOWN = /** @type {const} */ ([
  'apiKey',
  'appUrl',
  'apiUrl',
  'orgName',
  'projectName',
  'projectId',
  'exitTimeoutMs',
  'maxQueueBytes',
  'requestTimeoutMs',
  'maxRequestBytes',
  'messages',
  'turnInput',
  'maxFullInputBytes',
  'logs',
  'distributedTracing',
  'attachments',
  'content',
  'redact',
  'maxFieldBytes',
  'spool',
  'sampleRate',
  'keepErrors',
]);

/** The options of one type. */
const TYPES = new Map(
  Object.entries({
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
    maxFullInputBytes: 'number',
    maxFieldBytes: 'number',
    sampleRate: 'number',
    keepErrors: 'boolean',
    distributedTracing: 'boolean',
    logs: 'boolean',
    attachments: 'boolean',
    enrich: 'function',
    sample: 'function',
  }),
);

/** The types of lists, and what their items are. @type {ReadonlyMap<string, (item: unknown) => boolean>} */
const ITEMS = new Map([
  ['list of strings', (item) => typeof item === 'string'],
  [
    'list of patterns',
    // One in the form that JSON has of it is an object.
    (item) => typeof item === 'string' || (typeof item === 'object' && item !== null),
  ],
]);

/** The options with members, whether they may be `true` or `false` instead, and the types of their members. */
const OBJECTS = [
  {
    option: /** @type {const} */ ('content'),
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
  {
    option: /** @type {const} */ ('redact'),
    isSwitch: false,
    members: {
      keys: 'list of strings',
      paths: 'list of strings',
      patterns: 'list of patterns',
      builtins: 'list of strings',
      replacement: 'string',
    },
  },
  {
    option: /** @type {const} */ ('spool'),
    isSwitch: true,
    members: { dir: 'string', maxBytes: 'number', maxAgeMs: 'number', fsync: 'boolean' },
  },
];

/**
 * The known options; all others are dropped. Throws on values of the wrong type, and on those that only JavaScript
 * checks.
 * @param {import('../index.d.ts').InitLoggerOptions | null | undefined} options
 * @param {Record<string, string>} [env] the variables of the process that are ours
 * @returns {Record<string, unknown>}
 */
function pickOptions(options, env = {}) {
  /** @type {Record<string, unknown>} */
  const picked = {};
  for (const [name, type] of TYPES) check(name, /** @type {any} */ (options)?.[name], type);
  for (const name of KNOWN) {
    const value = options?.[name];
    if (value !== undefined && value !== null) {
      picked[name] = value;
    }
  }
  for (const { option, isSwitch, members } of OBJECTS) {
    const value = picked[option];
    if (value !== undefined && !(isSwitch && typeof value === 'boolean')) {
      picked[option] = membersOf(option, value, isSwitch, new Map(Object.entries(members)));
    }
  }
  if (picked.redact !== undefined) picked.redact = withExpressions(picked.redact);
  const traceFields = traceFieldsOf(options ?? {}, env);
  return traceFields === undefined ? picked : { ...picked, traceFields };
}

/**
 * Throws on a value of another type; `undefined` and `null` stand for the default.
 * @param {string} name
 * @param {unknown} value
 * @param {string} type as of `typeof`, or of `ITEMS`
 */
function check(name, value, type) {
  if (value === undefined || value === null) return;
  const isItem = ITEMS.get(type);
  const isType = isItem ? Array.isArray(value) && value.every(isItem) : typeof value === type;
  if (!isType) throw new TypeError(`\`${name}\` is no ${type}`);
}

/**
 * The members of an option that are set. Throws on an option that is no object, and on members that are unknown or of
 * another type.
 * @param {string} name
 * @param {unknown} value
 * @param {boolean} isSwitch whether it might be `true` or `false`
 * @param {ReadonlyMap<string, string>} types of the members
 */
function membersOf(name, value, isSwitch, types) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`\`${name}\` is ${isSwitch ? 'neither true, false nor an' : 'no'} object`);
  }
  const set = Object.entries(value).filter(([, given]) => given !== undefined && given !== null);
  for (const [member, given] of set) {
    const type = types.get(member);
    if (type === undefined) {
      const known = [...types.keys()].join(', ');
      throw new TypeError(`\`${name}.${member}\` is unknown; known: ${known}`);
    }
    check(`${name}.${member}`, given, type);
  }
  return Object.fromEntries(set);
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

module.exports = { pickOptions };
