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
  for (const [name, type] of TYPES) {
    const value = /** @type {any} */ (options)?.[name];
    if (value !== undefined && value !== null && typeof value !== type) {
      throw new TypeError(`\`${name}\` is no ${type}`);
    }
  }
  for (const name of KNOWN) {
    const value = options?.[name];
    if (value !== undefined && value !== null) {
      picked[name] = name === 'redact' ? withExpressions(value) : value;
    }
  }
  const traceFields = traceFieldsOf(options ?? {}, env);
  return traceFields === undefined ? picked : { ...picked, traceFields };
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
