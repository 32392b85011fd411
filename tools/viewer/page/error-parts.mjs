// Reads errors, and finds the files that their stacks name.

import { isObject } from '../../support/json.js';

/** In longer lines no frame is looked for. */
const MAX_LINE = 1_000;

/**
 * The parts of an error.
 *
 * @param {unknown} error
 * @returns {{ text: string, rest: unknown }} `text` has the message and the stack; `rest` is what else it holds
 */
export function readError(error) {
  if (typeof error === 'string') return { text: error, rest: undefined };
  if (!isObject(error) || typeof error.message !== 'string') return { text: '', rest: error };
  const { name, message, stack, ...more } = error;
  const headline = typeof name === 'string' && name !== '' ? `${name}: ${message}` : message;
  const rest = Object.keys(more).length > 0 ? more : undefined;
  if (typeof stack !== 'string') return { text: headline, rest };
  return { text: stack.includes(message) ? stack : `${headline}\n${stack}`, rest };
}

/**
 * The file that a line of a stack names.
 *
 * @param {string} line
 * @returns {{ from: number, to: number, href: string } | null} null when it names none on this machine
 */
export function findFrame(line) {
  if (line.length > MAX_LINE) return null;
  return frameOfJavaScript(line) ?? frameOfPython(line);
}

/** @param {string} line such as `    at close (file:///srv/vents.js:7:3)` */
function frameOfJavaScript(line) {
  const [lead = ''] = /^\s*at (?:async )?/.exec(line) ?? [];
  if (lead === '') return null;
  const tail = line.trimEnd();
  const bracket = tail.endsWith(')') ? tail.indexOf(' (', lead.length) : -1;
  const from = bracket === -1 ? lead.length : bracket + 2;
  const to = bracket === -1 ? tail.length : tail.length - 1;
  const [, file, row = '', column] = /^(.+?):(\d+)(?::(\d+))?$/.exec(line.slice(from, to)) ?? [];
  const href = file === undefined ? null : editorLink(file, row, column);
  return href === null ? null : { from, to, href };
}

/** @param {string} line such as `  File "/srv/vents.py", line 7, in close` */
function frameOfPython(line) {
  const match = /^\s*File "([^"]+)", line (\d+)/.exec(line);
  const [, file = '', row = ''] = match ?? [];
  const href = match && editorLink(file, row, undefined);
  if (href === null) return null;
  const from = line.indexOf('"') + 1;
  return { from, to: from + file.length, href };
}

/**
 * A link that opens a file of this machine in Visual Studio Code.
 *
 * @param {string} file a path, or an address of the scheme `file`
 * @param {string} row
 * @param {string | undefined} column
 * @returns {string | null} null for other addresses, relative paths, and paths on other machines
 */
function editorLink(file, row, column) {
  const path = pathOf(file);
  const isDrive = /^[A-Za-z]:[\\/]/.test(path);
  // Two slashes begin the name of another machine, which opening the file would contact.
  if (!isDrive && !/^\/(?![\\/])/.test(path)) return null;
  const place = isDrive ? `/${path.replaceAll(/[\\/]+/g, '/')}` : path;
  try {
    const encoded = encodeURI(place).replaceAll('?', '%3F').replaceAll('#', '%23');
    return `vscode://file${encoded}:${row}${column === undefined ? '' : `:${column}`}`;
  } catch {
    return null;
  }
}

/** @param {string} file */
function pathOf(file) {
  if (!file.startsWith('file://')) return file;
  try {
    const path = decodeURIComponent(file.slice('file://'.length));
    return /^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path;
  } catch {
    return '';
  }
}
