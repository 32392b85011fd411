'use strict';

// A file that the application puts into a span.

const { types } = require('../builtins/index.js');
const { noteCut } = require('../json/cut.js');
const { classOf } = require('../json/describe.js');
const { isObject } = require('../json/is-object.js');
const { mark } = require('../json/marks.js');
const { JSON } = require('../json/own-json.js');
const { read } = require('./arguments.js');
const { optionalUUID } = require('./span-ids.js');
const { warn } = require('../warn.js');

/** The largest file, in bytes: as base64 it is a text within an event. */
const MAX_BYTES = 5 * 1024 * 1024;

/** A file that is still being read. @typedef {{ placeholder: string, reading: Promise<void>, text: () => string }} UnreadFile */

/** Those in what is written now; nothing is noted outside of that. @type {UnreadFile[] | undefined} */
let unread;

/**
 * What a function returns that writes an update, and the files in it that are still being read.
 * @param {() => Record<string, any>} write
 */
function withUnread(write) {
  const outer = unread;
  /** @type {UnreadFile[]} */
  const files = [];
  unread = files;
  try {
    return { update: write(), files };
  } finally {
    unread = outer;
  }
}

/**
 * The members of an update, at any depth, that have files which are still being read; nothing without any. A list is
 * kept whole: the server merges objects, but replaces lists.
 * @param {any} value
 * @param {UnreadFile[]} files
 * @returns {any}
 */
function partsWith(value, files) {
  const placeholders = new Set(files.map(({ placeholder }) => placeholder));
  const has = (/** @type {any} */ one) => placeholders.has(one);
  /** @param {any} of @returns {any} */
  const parts = (of) => {
    if (typeof of !== 'object' || of === null) return has(of) ? of : undefined;
    if (Array.isArray(of)) return of.some((one) => parts(one) !== undefined) ? of : undefined;
    // The whole file: it has its name and type.
    if (isFile(of) && has(of.data)) return of;
    const kept = Object.entries(of)
      .map(([name, one]) => [name, parts(one)])
      .filter(([, part]) => part !== undefined);
    return kept.length > 0 ? Object.fromEntries(kept) : undefined;
  };
  return parts(value);
}

/**
 * The parts that a later update leaves as they are; nothing if it replaces them all.
 * @param {any} parts
 * @param {any} later
 * @returns {any}
 */
function partsBeside(parts, later) {
  if (later === undefined) return parts;
  if (!isObject(parts) || !isObject(later)) return undefined;
  const kept = Object.entries(parts)
    .map(([name, part]) => [
      name,
      Object.hasOwn(later, name) ? partsBeside(part, later[name]) : part,
    ])
    .filter(([, part]) => part !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/**
 * The parts with the files in place of their placeholders.
 * @param {any} parts
 * @param {UnreadFile[]} files that are read
 * @returns {any}
 */
function filled(parts, files) {
  const texts = new Map(files.map(({ placeholder, text }) => [placeholder, text()]));
  return JSON.parse(JSON.stringify(parts), (_, value) => texts.get(value) ?? value);
}

/** @param {any} value */
const isFile = (value) => value.type === 'file' && typeof value.data === 'string';

/**
 * A file in the content of a span. It is uploaded if the option `attachments` is set; otherwise a placeholder with its
 * type, size and hash stands for it. No method throws.
 */
class Attachment {
  /** What stands for the file, as the `braintrust` package has it. */
  reference;
  /** @type {Uint8Array | undefined} */
  #bytes;
  /** Why there are no bytes. */
  #why = 'a file without data';
  #isTooLarge = false;
  /** @type {Promise<void> | undefined} */
  #reading;

  /** @param {import('../../index.d.ts').AttachmentParams} params */
  constructor(params) {
    let key = '';
    this.reference = Object.freeze({
      type: /** @type {const} */ ('braintrust_attachment'),
      filename: textOf(read(params, 'filename'), 'file'),
      content_type: textOf(read(params, 'contentType'), 'application/octet-stream'),
      /** Made when it is first read. */
      get key() {
        return (key ||= optionalUUID());
      },
    });
    try {
      this.#take(read(params, 'data'));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The file. */
  async data() {
    await this.#reading;
    const { content_type: type } = this.reference;
    return new Blob(this.#bytes === undefined ? [] : [Uint8Array.from(this.#bytes)], { type });
  }

  /** Its state once it is read. It is uploaded with the row that has it, if that is set. */
  async upload() {
    await this.#reading;
    return this.#bytes === undefined
      ? { upload_status: /** @type {const} */ ('error'), error_message: this.#why }
      : { upload_status: /** @type {const} */ ('uploading') };
  }

  /** What it is, without its content. */
  debugInfo() {
    const inputData = this.#bytes === undefined ? this.#why : `${this.#bytes.byteLength} bytes`;
    return { inputData, reference: this.reference };
  }

  /** The form in which spans have it. */
  toJSON() {
    const { filename, content_type: mimeType } = this.reference;
    return { type: 'file', filename, mimeType, data: this.#text() };
  }

  #text() {
    if (this.#bytes !== undefined) {
      const { content_type: type } = this.reference;
      return `data:${type};base64,${base64(this.#bytes)}`;
    }
    if (this.#reading === undefined) {
      // Only within an update, which counts it.
      if (this.#isTooLarge && unread !== undefined) noteCut();
      return mark(this.#why);
    }
    const placeholder = mark(`${this.#why}, ${this.reference.key}`);
    unread?.push({ placeholder, reading: this.#reading, text: () => this.#text() });
    return placeholder;
  }

  /** @param {any} data */
  #take(data) {
    if (typeof data === 'string') {
      this.#keep(fileAt(data));
    } else if (ArrayBuffer.isView(data)) {
      this.#keep(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    } else if (types.isAnyArrayBuffer(data)) {
      this.#keep(new Uint8Array(data));
    } else if (data?.size > MAX_BYTES) {
      this.#keep(undefined);
    } else if (typeof data?.arrayBuffer === 'function') {
      this.#why = 'a file that is still being read';
      this.#reading = this.#read(data).then(() => void (this.#reading = undefined));
    } else {
      const what = 'The data of an attachment is not a path, bytes or a Blob';
      warn('BAD_SPAN', `${what}: a mark stands for it.`, what);
    }
  }

  /** Never rejects. @param {Blob} blob */
  async #read(blob) {
    try {
      const buffer = await blob.arrayBuffer();
      if (!types.isAnyArrayBuffer(buffer)) throw new Error('no bytes');
      this.#keep(new Uint8Array(buffer));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {any} error */
  #fail(error) {
    this.#why = 'a file that cannot be read';
    // One that is not a code of Node is content.
    const code = error?.code;
    const cause = typeof code === 'string' && /^E[A-Z_]+$/.test(code) ? code : classOf(error);
    const what = `An attachment cannot be read (${cause})`;
    warn('BAD_SPAN', `${what}: a mark stands for it.`, what);
  }

  /** Keeps a copy of what is not too large. @param {Uint8Array | undefined} bytes */
  #keep(bytes) {
    if (bytes !== undefined && bytes.byteLength <= MAX_BYTES) {
      this.#bytes = bytes.slice();
      return;
    }
    this.#isTooLarge = true;
    this.#why = 'a file that is too large';
    const what = 'An attachment of more than 5 MiB is left out';
    warn('BAD_SPAN', `${what}: a mark stands for it.`, what);
  }
}

/**
 * The content of a file; nothing if it is too large. Does not wait for a writer, as a FIFO would, and reads no more
 * than the limit from what states no size.
 * @param {string} path
 */
function fileAt(path) {
  // Where there are no files, nothing is read.
  const fs = globalThis.process?.getBuiltinModule?.('node:fs');
  const stat = fs?.statSync(path);
  if (fs === undefined || !stat?.isFile()) throw new Error('no file');
  if (stat.size > MAX_BYTES) return undefined;
  const file = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  try {
    const bytes = new Uint8Array(MAX_BYTES + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = fs.readSync(file, bytes, length, bytes.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    fs.closeSync(file);
  }
}

/** @param {Uint8Array} bytes */
const base64 = (bytes) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/**
 * A text that may stand in the head of a `data:` URL.
 * @param {unknown} value
 * @param {string} otherwise
 */
const textOf = (value, otherwise) =>
  typeof value === 'string' && value !== '' && value.length <= 200 ? value : otherwise;

module.exports = { Attachment, filled, partsBeside, partsWith, withUnread };
