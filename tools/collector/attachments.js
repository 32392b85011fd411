'use strict';

// Uploads of files: announced, uploaded to a signed URL, then confirmed.

const { randomBytes } = require('node:crypto');

const { RequestError } = require('./responses');
const { isObject } = require('../support/json');
const { keepNewest } = require('../support/keep-newest');

/** @typedef {import('./types').Attachment} Attachment */

/**
 * What is known of a key.
 *
 * @typedef {Omit<Attachment, 'bytes'> & { bytes: Buffer | null, uploads: number }} Known
 */

/** The most attachments that are kept, and their bytes: the oldest are dropped first. */
const MAX_ATTACHMENTS = 10_000;
const MAX_BYTES = 256 * 1024 * 1024;
/** The largest attachment. */
const MAX_UPLOAD_BYTES = 64 * 1024 * 1024;
/** The most open signed URLs. */
const MAX_OPEN = 256;

/** The path prefix of the upload URLs. */
const UPLOAD_PATH = '/attachment-uploads/';
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:;.*)?$/;
/** @type {unknown[]} */
const STATUSES = ['uploading', 'done', 'error'];

/** Files that rows refer to by their keys. */
class Attachments {
  #orgId;
  #bytes = 0;
  /** @type {Map<string, Known>} */
  #known = new Map();
  /** The keys of open URLs, by the secret in them. @type {Map<string, string>} */
  #open = new Map();

  /** @param {string} orgId the id of the only organisation */
  constructor(orgId) {
    this.#orgId = orgId;
  }

  /**
   * Answers `POST /attachment`.
   *
   * @param {import('./types').JsonObject} body
   * @param {string} baseUrl what the signed URL begins with
   * @returns {object} signedUrl and headers
   */
  announce({ key, filename, content_type: contentType, org_id: orgId }, baseUrl) {
    this.#check(key, orgId);
    if (typeof filename !== 'string' || filename === '') {
      throw new RequestError(400, 'filename must be a non-empty string');
    }
    if (typeof contentType !== 'string' || !MEDIA_TYPE.test(contentType)) {
      throw new RequestError(400, 'content_type must be a media type');
    }
    const id = String(key);
    const before = this.#known.get(id);
    this.#known.set(id, {
      key: id,
      filename,
      contentType,
      bytes: before?.bytes ?? null,
      status: before?.status ?? 'uploading',
      error: null,
      uploads: before?.uploads ?? 0,
    });
    const secret = randomBytes(16).toString('hex');
    this.#open.set(secret, id);
    keepNewest(this.#open, MAX_OPEN);
    this.#bound();
    return {
      signedUrl: `${baseUrl}${UPLOAD_PATH}${secret}?signature=${randomBytes(8).toString('hex')}`,
      headers: { 'content-type': contentType },
    };
  }

  /**
   * Whether an upload may send its body.
   *
   * @param {{ method: string, path: string, headers: import('node:http').IncomingHttpHeaders }} head
   * @returns {number} the most bytes that its body may have
   */
  admit({ method, path, headers }) {
    if (!this.#open.has(path.slice(UPLOAD_PATH.length))) {
      throw new RequestError(403, 'no such upload was announced');
    }
    if (method !== 'PUT') throw new RequestError(405, 'upload with PUT');
    if (headers.authorization !== undefined) {
      throw new RequestError(400, 'the storage must not get the API key');
    }
    return MAX_UPLOAD_BYTES;
  }

  /**
   * Takes an upload.
   *
   * @param {import('./types').RoutedRequest} request
   */
  receive({ path, body }) {
    const secret = path.slice(UPLOAD_PATH.length);
    const known = this.#known.get(this.#open.get(secret) ?? '');
    this.#open.delete(secret);
    if (known === undefined) throw new RequestError(403, 'no such upload was announced');
    this.#bytes += body.length - (known.bytes?.length ?? 0);
    known.bytes = body;
    known.uploads += 1;
    this.#bound();
  }

  /**
   * Answers `POST /attachment/status`.
   *
   * @param {import('./types').JsonObject} body
   */
  setStatus({ key, org_id: orgId, status }) {
    this.#check(key, orgId);
    const known = this.#known.get(String(key));
    if (known === undefined) throw new RequestError(404, 'no such attachment was announced');
    if (!isObject(status) || !STATUSES.includes(status.upload_status)) {
      throw new RequestError(400, `status.upload_status must be one of ${STATUSES.join(', ')}`);
    }
    known.status = /** @type {Attachment['status']} */ (status.upload_status);
    known.error = typeof status.error_message === 'string' ? status.error_message : null;
  }

  /** @returns {Known[]} all that were announced, in this order */
  all() {
    return [...this.#known.values()];
  }

  /**
   * @param {string} key
   * @returns {Attachment | undefined} the attachment, if it was uploaded
   */
  read(key) {
    const known = this.#known.get(key);
    return known?.bytes == null ? undefined : { ...known, bytes: known.bytes };
  }

  /**
   * @param {unknown} key
   * @param {unknown} orgId
   */
  #check(key, orgId) {
    if (typeof key !== 'string' || !UUID.test(key))
      throw new RequestError(400, 'key must be a UUID');
    if (orgId !== this.#orgId) throw new RequestError(400, 'org_id must be that of the login');
  }

  #bound() {
    for (const [key, { bytes }] of this.#known) {
      if (this.#bytes <= MAX_BYTES && this.#known.size <= MAX_ATTACHMENTS) break;
      this.#bytes -= bytes?.length ?? 0;
      this.#known.delete(key);
    }
  }
}

module.exports = { Attachments, UPLOAD_PATH };
