'use strict';

const { createReadStream } = require('node:fs');
const { open, stat } = require('node:fs/promises');

const { parseLine, readLines } = require('../support/lines');
const { Failure } = require('../support/usage');
const { isRow } = require('./validate');

/** @typedef {import('./types').JsonObject} JsonObject */

/**
 * The file of incoming rows: one row per line, as JSON, in the order in which
 * the rows were applied, with `_is_merge` and all. Rows of an overflow object are written like any
 * others. Applying the lines in order to an empty `RowStore` gives the same rows again.
 *
 * The file is readable by its owner only, and is appended to: a line that an earlier crash or a failed
 * write left torn stays a line of its own.
 */
class Journal {
  #handle;
  /** @type {Promise<void>} */
  #last = Promise.resolve();
  /** Whether the last write failed, and may have left a part of a line, as on a full disk. */
  #isTorn = false;

  /** @param {import('node:fs/promises').FileHandle} handle */
  constructor(handle) {
    this.#handle = handle;
  }

  /**
   * Opens the file, creating it where needed. Rejects when it is a folder, a pipe or a device, or holds something else
   * than rows, to which nothing may be added, and which may not be cleared.
   *
   * @param {string} file
   * @returns {Promise<Journal>}
   */
  static async open(file) {
    // Opening a pipe, or reading a device, could take forever.
    const there = await stat(file).catch(() => undefined);
    const isSpecial = there !== undefined && !there.isFile() && !there.isDirectory();
    if (isSpecial) throw new Error(`${file} is not a file`);
    if (there?.isFile() === true) await refuseOtherContent(file);
    const handle = await open(file, 'a+', 0o600);
    const { size } = await handle.stat();
    if (size > 0) {
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
      if (buffer.toString() !== '\n') await handle.appendFile('\n');
    }
    return new Journal(handle);
  }

  /**
   * Reads what was written before this process opened the file.
   *
   * @returns {AsyncGenerator<{ number: number } & ReturnType<typeof parseLine>>} the lines in their order
   */
  async *read() {
    const stream = this.#handle.createReadStream({ start: 0, autoClose: false, encoding: 'utf8' });
    for await (const { number, text } of readLines(stream)) yield { number, ...parseLine(text) };
  }

  /** @returns {Promise<void>} resolves when what was written before is removed */
  clear() {
    const cleared = this.#last.then(() => this.#handle.truncate());
    this.#last = cleared.catch(() => undefined);
    return cleared;
  }

  /**
   * Appends rows.
   *
   * @param {JsonObject[]} rows
   * @returns {Promise<void>} resolves when the rows are in the file, in the order of the calls
   */
  append(rows) {
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    const written = this.#last.then(async () => {
      const text = this.#isTorn ? `\n${lines}` : lines;
      this.#isTorn = true;
      await this.#handle.appendFile(text);
      this.#isTorn = false;
    });
    // The caller learns of a failed write; the next write is tried all the same.
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Closes the file once all rows are in it. */
  async close() {
    await this.#last;
    await this.#handle.close();
  }
}

/**
 * Throws a `Failure` if the file has lines, and none of them is a row: then it is not a file of rows.
 *
 * @param {string} file
 */
async function refuseOtherContent(file) {
  let first = '';
  for await (const { number, text } of readLines(createReadStream(file, 'utf8'))) {
    const parsed = parseLine(text);
    if ('value' in parsed && isRow(parsed.value)) return;
    first ||= `line ${number} ${'why' in parsed ? parsed.why : 'has no ids of a row'}`;
  }
  if (first === '') return;
  throw new Failure(
    `${file} is not a file of rows, and was left as it is: ${first}. Name a new file, or one that \`dev\` has written`,
    2,
  );
}

module.exports = { Journal };
