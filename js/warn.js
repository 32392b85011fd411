'use strict';

// Lines on the console or stderr, each code once. The native part has its own; both look the same.

/** Writes a line. May throw. @type {(line: string) => void} */
let write = (line) => console.warn(line);

/** @param {(line: string) => void} printer may throw */
function printBy(printer) {
  write = printer;
}

/** The text without API keys. @type {(text: string) => string} */
let withoutKeys = (text) => text;

/** @param {(text: string) => string} hide removes the API keys; never throws */
function hideBy(hide) {
  withoutKeys = hide;
}

/** Writes a line, if that is possible. @param {string} line whole; never a key, never content */
function print(line) {
  try {
    write(line);
  } catch {
    // stderr is closed.
  }
}

/** What has been warned of: codes, and causes of their own. @type {Set<string>} */
const warned = new Set();
/** How many causes are distinguished. All further ones count as one. */
const MAX_CAUSES = 64;

/** What would end the line or steer a terminal: names of the application may have it. */
const BREAKS = /[\p{Cc}\u2028\u2029]+/gu;

/** Called for each warning. @type {Set<(diagnostic: { code: string, message: string }) => void>} */
const listeners = new Set();

/** @param {(diagnostic: { code: string, message: string }) => void} listener never throws */
function onWarning(listener) {
  listeners.add(listener);
}

/**
 * One line, once for each code, or for each cause of it.
 * @param {string} code without the prefix `FLUE_BRAINTRUST_`
 * @param {string} message whole sentences, never content; asterisks replace the API keys
 * @param {string} [cause] what distinguishes the warning from others with its code
 */
function warn(code, message, cause = code) {
  const key = warned.size < MAX_CAUSES ? cause : code;
  if (warned.has(key)) return;
  warned.add(key);
  const shown = withoutKeys(message).replaceAll(BREAKS, ' ');
  // First: a listener may end the process.
  print(`[flue-braintrust] FLUE_BRAINTRUST_${code}: ${shown}`);
  for (const listener of listeners) listener({ code: `FLUE_BRAINTRUST_${code}`, message: shown });
}

module.exports = { hideBy, onWarning, print, printBy, warn };
