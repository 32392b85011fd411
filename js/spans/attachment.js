'use strict';

// A file that the application puts into a span.

const { randomUUID, types } = require('../builtins/index.js');
const { mark } = require('../json/json-safe-copy.js');
const { read } = require('./arguments.js');

/** The largest file, in bytes: as base64 it is a text within an event. */
const MAX_BYTES = 5 * 1024 * 1024;

/** The files in what was written last that are still being read. At most as many as are worth waiting for. @type {Promise<void>[]} */
let unread = [];
const MAX_UNREAD = 100;

/** The files that are still being read in what was written since the last call. */
function takeUnread() {
  if (unread.length === 0) return unread;
  const taken = unread;
  unread = [];
  return taken;
}

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
  /** @type {Promise<void> | undefined} */
  #reading;

  /** @param {import('../../index.d.ts').AttachmentParams} params */
  constructor(params) {
    this.reference = Object.freeze({
      type: /** @type {const} */ ('braintrust_attachment'),
      filename: textOf(read(params, 'filename'), 'file'),
      content_type: textOf(read(params, 'contentType'), 'application/octet-stream'),
      key: randomUUID(),
    });
    try {
      this.#take(read(params, 'data'));
    } catch {
      this.#why = 'a file that cannot be read';
    }
  }

  /** The file. */
  async data() {
    await this.#reading;
    const { content_type: type } = this.reference;
    return new Blob(this.#bytes === undefined ? [] : [Uint8Array.from(this.#bytes)], { type });
  }

  /** The form in which spans have it. */
  toJSON() {
    const { filename, content_type: mimeType } = this.reference;
    return { type: 'file', filename, mimeType, data: this.#text() };
  }

  #text() {
    if (this.#bytes === undefined && this.#reading !== undefined && unread.length < MAX_UNREAD) {
      unread.push(this.#reading);
    }
    if (this.#bytes === undefined) return mark(this.#why);
    const { content_type: type } = this.reference;
    return `data:${type};base64,${base64(this.#bytes)}`;
  }

  /** @param {any} data */
  #take(data) {
    if (typeof data === 'string') {
      // Where there are no files, nothing is read.
      const fs = globalThis.process?.getBuiltinModule?.('node:fs');
      if (fs === undefined) throw new Error('no files');
      if (fs.statSync(data).size > MAX_BYTES) this.#why = 'a file that is too large';
      else this.#keep(fs.readFileSync(data));
    } else if (ArrayBuffer.isView(data)) {
      this.#keep(new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice());
    } else if (types.isAnyArrayBuffer(data)) {
      this.#keep(new Uint8Array(data).slice());
    } else if (typeof data?.arrayBuffer === 'function') {
      this.#why = 'a file that is still being read';
      this.#reading = Promise.resolve(data.arrayBuffer()).then(
        (buffer) => this.#keep(new Uint8Array(buffer)),
        () => void (this.#why = 'a file that cannot be read'),
      );
      void this.#reading.then(() => (this.#reading = undefined));
    }
  }

  /** @param {Uint8Array} bytes */
  #keep(bytes) {
    if (bytes.byteLength > MAX_BYTES) this.#why = 'a file that is too large';
    else this.#bytes = bytes;
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

module.exports = { Attachment, takeUnread };
