'use strict';

// The way for rows that are too large for a request.

const { randomBytes, randomUUID } = require('node:crypto');

const { RequestError } = require('./responses');
const { isObject } = require('../support/json');

/**
 * @typedef {object} Upload
 * @property {string} signature
 * @property {number} sizeBytes what the client announced
 * @property {Buffer | null} bytes null until uploaded
 * @property {NodeJS.Timeout} [dropping] set once the bytes were read
 */

/** The most uploads that are kept, and their bytes: the oldest are dropped first. One may be of any size. */
const MAX_UPLOADS = 64;
const MAX_BYTES = 128 * 1024 * 1024;
/** How long an upload is kept after it was read, in milliseconds: the request that refers to it may be repeated. */
const KEPT_MS = 10_000;

/** What a form may have beside the file, and a wrong upload beside its announced size. */
const MAX_FORM_BYTES = 64 * 1024;

/** Path below which the upload URLs lie. */
const UPLOAD_PATH = '/overflow-uploads/';

/** Bodies too large for `/logs3`: announced, uploaded to a signed URL, then referred to by key. */
class OverflowUploads {
  #method;
  #bytes = 0;
  /** @type {Map<string, Upload>} */
  #uploads = new Map();

  /** @param {'PUT' | 'POST'} method how clients are asked to upload */
  constructor(method) {
    this.#method = method;
  }

  /**
   * Answers `POST /logs3/overflow`.
   *
   * @param {unknown} announcement the request's JSON
   * @param {string} baseUrl what the signed URL begins with
   * @returns {object} method, signedUrl, headers or fields, and key
   */
  announce(announcement, baseUrl) {
    const { size_bytes: sizeBytes, rows } = isObject(announcement) ? announcement : {};
    if (typeof sizeBytes !== 'number' || !Number.isInteger(sizeBytes) || sizeBytes <= 0) {
      throw new RequestError(400, 'size_bytes must be a positive integer');
    }
    if (!Array.isArray(rows) || !rows.every(isRowMeta)) {
      throw new RequestError(400, 'rows must hold object_ids, is_delete and input_row.byte_size');
    }
    const key = randomUUID();
    const signature = randomBytes(16).toString('hex');
    this.#uploads.set(key, { signature, sizeBytes, bytes: null });
    for (const oldest of this.#uploads.keys()) {
      if (this.#uploads.size <= MAX_UPLOADS) break;
      this.#drop(oldest);
    }
    const target = `${baseUrl}${UPLOAD_PATH}${key}`;
    return this.#method === 'PUT'
      ? {
          method: 'PUT',
          signedUrl: `${target}?signature=${signature}`,
          headers: { 'content-type': 'application/json' },
          key,
        }
      : {
          method: 'POST',
          signedUrl: target,
          fields: { 'Content-Type': 'application/json', signature },
          key,
        };
  }

  /**
   * Whether an upload may send its body.
   *
   * @param {{ method: string, path: string }} head
   * @returns {number} the most bytes that its body may have
   */
  admit({ method, path }) {
    const upload = this.#uploads.get(path.slice(UPLOAD_PATH.length));
    if (upload === undefined) throw new RequestError(404, 'no such upload was announced');
    if (method !== this.#method) throw new RequestError(405, `upload with ${this.#method}`);
    return upload.sizeBytes + MAX_FORM_BYTES;
  }

  /**
   * Takes an upload, in the way it was announced.
   *
   * @param {import('./types').RoutedRequest} request
   */
  async receive({ method, path, searchParams, headers, body }) {
    const key = path.slice(UPLOAD_PATH.length);
    const upload = this.#uploads.get(key);
    if (upload === undefined) throw new RequestError(404, 'no such upload was announced');
    if (method !== this.#method) throw new RequestError(405, `upload with ${this.#method}`);

    const { signature, bytes } =
      method === 'PUT'
        ? { signature: searchParams.get('signature'), bytes: body }
        : await readForm(headers['content-type'], body);
    if (signature !== upload.signature) throw new RequestError(403, 'wrong signature');
    if (bytes.length !== upload.sizeBytes) {
      throw new RequestError(400, `announced ${upload.sizeBytes} bytes, got ${bytes.length}`);
    }
    this.#drop(key);
    this.#makeRoom(bytes.length);
    this.#uploads.set(key, { ...upload, bytes });
    this.#bytes += bytes.length;
  }

  /**
   * @param {string} key
   * @returns {Buffer | undefined} what was uploaded under the key
   */
  read(key) {
    const upload = this.#uploads.get(key);
    if (upload === undefined || upload.bytes === null) return undefined;
    clearTimeout(upload.dropping);
    upload.dropping = setTimeout(() => this.#drop(key), KEPT_MS).unref();
    return upload.bytes;
  }

  /** @param {number} bytes that are to come */
  #makeRoom(bytes) {
    for (const [key, upload] of this.#uploads) {
      if (this.#bytes + bytes <= MAX_BYTES) break;
      if (upload.bytes !== null) this.#drop(key);
    }
  }

  /** @param {string} key */
  #drop(key) {
    const upload = this.#uploads.get(key);
    clearTimeout(upload?.dropping);
    this.#bytes -= upload?.bytes?.length ?? 0;
    this.#uploads.delete(key);
  }
}

/**
 * @param {unknown} meta the announcement of one row
 * @returns {boolean}
 */
function isRowMeta(meta) {
  return (
    isObject(meta) &&
    isObject(meta.object_ids) &&
    [undefined, true, false].includes(/** @type {boolean | undefined} */ (meta.is_delete)) &&
    isObject(meta.input_row) &&
    typeof meta.input_row.byte_size === 'number'
  );
}

/**
 * @param {string | undefined} contentType
 * @param {Buffer} body
 * @returns {Promise<{ signature: unknown, bytes: Buffer }>}
 */
async function readForm(contentType, body) {
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': contentType ?? '' },
  })
    .formData()
    .catch((error) => {
      throw new RequestError(400, `not multipart/form-data: ${error.message}`);
    });
  const [lastName] = [...form.keys()].slice(-1);
  const file = form.get('file');
  if (lastName !== 'file' || !(file instanceof Blob)) {
    throw new RequestError(400, 'the last part must be the file');
  }
  return { signature: form.get('signature'), bytes: Buffer.from(await file.arrayBuffer()) };
}

module.exports = { OverflowUploads, UPLOAD_PATH };
