'use strict';

// Lines on the console or stderr, each code once. The native part has its own; both look the same.

/** Writes a line. May throw. @type {(line: string) => void} */
let write = (line) => console.warn(line);

/** @param {(line: string) => void} printer may throw */
function printBy(printer) {
  write = printer;
}

/** Writes a line, if that is possible. @param {string} line whole; never a key, never content */
function print(line) {
  try {
    write(line);
  } catch {
    // stderr is closed.
  }
}

/** What was printed already: codes, and the messages about configurations. @type {Set<string>} */
const warned = new Set();
/** How many configurations that cannot be used are told apart. */
const MAX_CONFIGURATIONS = 64;

/** Called for each warning. @type {Set<(diagnostic: { code: string, message: string }) => void>} */
const listeners = new Set();

/** @param {(diagnostic: { code: string, message: string }) => void} listener never throws */
function onWarning(listener) {
  listeners.add(listener);
}

/**
 * One line, once for each code, and for each configuration that cannot be used.
 * @param {string} code without the prefix `FLUE_BRAINTRUST_`
 * @param {string} message whole sentences; never a key, never content
 */
function warn(code, message) {
  const isEach = code === 'NOT_STARTED' && warned.size < MAX_CONFIGURATIONS;
  const key = isEach ? message : code;
  if (warned.has(key)) return;
  warned.add(key);
  for (const listener of listeners) listener({ code: `FLUE_BRAINTRUST_${code}`, message });
  print(`[flue-braintrust] FLUE_BRAINTRUST_${code}: ${message}`);
}

module.exports = { onWarning, print, printBy, warn };
