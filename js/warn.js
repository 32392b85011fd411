'use strict';

// Lines on stderr, each code once. The native part has its own; both look the same.

const fs = require('node:fs');

/** The codes that were printed already. @type {Set<string>} */
const warned = new Set();

/** Called for each warning. @type {Set<(diagnostic: { code: string, message: string }) => void>} */
const listeners = new Set();

/** @param {(diagnostic: { code: string, message: string }) => void} listener never throws */
function onWarning(listener) {
  listeners.add(listener);
}

/**
 * One line on stderr, once for each code.
 * @param {string} code without the prefix `FLUE_BRAINTRUST_`
 * @param {string} message whole sentences; never a key, never content
 */
function warn(code, message) {
  if (warned.has(code)) return;
  warned.add(code);
  for (const listener of listeners) listener({ code: `FLUE_BRAINTRUST_${code}`, message });
  try {
    // Not by `process.stderr`: without a reader it ends the process with an error event.
    fs.writeSync(2, `[flue-braintrust] FLUE_BRAINTRUST_${code}: ${message}\n`);
  } catch {
    // stderr is closed.
  }
}

module.exports = { onWarning, warn };
