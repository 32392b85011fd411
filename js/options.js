'use strict';

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
  'logs',
  'spool',
]);

/**
 * The options of ours, whatever else stands beside them.
 * @param {import('../index.d.ts').InitLoggerOptions | null | undefined} options
 * @returns {Record<string, unknown>}
 */
function pickOptions(options) {
  /** @type {Record<string, unknown>} */
  const picked = {};
  for (const name of KNOWN) {
    const value = options?.[name];
    if (value !== undefined && value !== null) picked[name] = value;
  }
  return picked;
}

module.exports = { pickOptions };
