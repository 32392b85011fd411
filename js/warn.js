'use strict';

/** The codes that were warned of already. @type {Set<string>} */
const warned = new Set();

/**
 * One line on stderr, once for each code.
 * @param {string} code without the prefix `FLUE_BRAINTRUST_`
 * @param {string} message whole sentences; never a key, never content
 */
function warn(code, message) {
  if (warned.has(code)) return;
  warned.add(code);
  process.stderr.write(`[flue-braintrust] FLUE_BRAINTRUST_${code}: ${message}\n`);
}

module.exports = { warn };
