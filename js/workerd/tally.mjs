// The accounts of `stats()` on Cloudflare.

/**
 * What becomes of the rows, read off the requests that the `braintrust` package makes: it tells neither
 * what it delivered nor what it gave up.
 */
import { warn } from './warn.mjs';

/** @typedef {import('../../index.d.ts').LossReason} LossReason */
/** @typedef {{ accepted: number, sent: number, pending: number, spooled: number, lost: Partial<Record<LossReason, number>> }} Accounts */

/**
 * Rows on their way, from their first request until one succeeds or the package gives up.
 * @typedef {{ rows: number, bytes: number, tries: number, isUnderWay: boolean, reason: LossReason }} Upload
 */

/** @returns {Accounts} */
const noAccounts = () => ({ accepted: 0, sent: 0, pending: 0, spooled: 0, lost: {} });

export class Tally {
  #rows = noAccounts();
  #bytes = noAccounts();
  #counts = { events: 0, requests: 0, retries: 0, bytesSent: 0, openSpans: 0 };
  /** @type {string | null} */
  #lastError = null;
  /** By their bodies: a retry sends the very same text. @type {Map<string, Upload>} */
  #uploads = new Map();
  /** How often rows were given up. */
  losses = 0;
  /** Whether the last login failed: then nothing is even made into rows, and the package does not try again. */
  isShutOut = false;
  #onRequest;

  /** @param {() => void} onRequest called as each request begins, by whoever makes it */
  constructor(onRequest) {
    this.#onRequest = onRequest;
  }

  /** @returns {import('../../index.d.ts').Stats} */
  stats() {
    return {
      ...copy(this.#rows),
      ...this.#counts,
      bytes: copy(this.#bytes),
      cut: 0,
      lastError: this.#lastError,
    };
  }

  event() {
    this.#counts.events += 1;
  }

  /** An event that came after `close()`. */
  refuse() {
    this.#rows.accepted += 1;
    this.#rows.lost.closed = (this.#rows.lost.closed ?? 0) + 1;
  }

  /** For `watched`. */
  spans = {
    started: () => void (this.#counts.openSpans += 1),
    ended: () => void (this.#counts.openSpans -= 1),
  };

  /** A `fetch` that keeps account. @type {typeof fetch} */
  fetch = async (input, init) => {
    this.#onRequest();
    const path = pathOf(input);
    const body = init?.body;
    const upload =
      path.endsWith('/logs3') && typeof body === 'string' ? this.#begin(body) : undefined;
    try {
      const response = await fetch(input, init);
      if (!response.ok) this.#failed(path, `answered ${response.status}`, response.status, upload);
      else if (upload !== undefined) this.#sent(/** @type {string} */ (body), upload);
      else if (isLogin(path)) this.isShutOut = false;
      return response;
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      this.#failed(path, `could not be reached (${cause})`, 0, upload);
      throw error;
    } finally {
      if (upload !== undefined) upload.isUnderWay = false;
    }
  };

  /** To be called when the package has settled all that it had: what did not arrive then, it has given up. */
  settle() {
    for (const [body, upload] of this.#uploads) {
      // What is under way belongs to a flush that began since.
      if (!upload.isUnderWay) this.#lost(body, upload);
    }
  }

  /** @param {string} body */
  #begin(body) {
    let upload = this.#uploads.get(body);
    if (upload === undefined) {
      const bytes = new TextEncoder().encode(body).byteLength;
      const rows = rowsOf(body);
      upload = { rows, bytes, tries: 0, isUnderWay: true, reason: 'retries_exhausted' };
      this.#uploads.set(body, upload);
      this.#move(upload, 'accepted', 'pending');
    }
    this.#counts.requests += 1;
    if (upload.tries > 0) this.#counts.retries += 1;
    upload.tries += 1;
    upload.isUnderWay = true;
    return upload;
  }

  /** @param {string} body @param {Upload} upload */
  #sent(body, upload) {
    this.#uploads.delete(body);
    this.#move(upload, 'sent');
    this.#move({ rows: -upload.rows, bytes: -upload.bytes }, 'pending');
    this.#counts.bytesSent += upload.bytes;
  }

  /** @param {string} body @param {Upload} upload */
  #lost(body, upload) {
    const { rows, bytes, reason } = upload;
    this.#uploads.delete(body);
    this.#move({ rows: -rows, bytes: -bytes }, 'pending');
    this.#rows.lost[reason] = (this.#rows.lost[reason] ?? 0) + rows;
    this.#bytes.lost[reason] = (this.#bytes.lost[reason] ?? 0) + bytes;
    this.losses += 1;
    const lost = `${rows} ${rows === 1 ? 'row is' : 'rows are'} lost`;
    const why = `Braintrust ${this.#lastError ?? 'did not take them'}`;
    warn('LOST', `${lost}: ${why}.`, { reason, rows });
  }

  /**
   * @param {{ rows: number, bytes: number }} amount
   * @param {...('accepted' | 'sent' | 'pending')} to
   */
  #move({ rows, bytes }, ...to) {
    for (const name of to) {
      this.#rows[name] += rows;
      this.#bytes[name] += bytes;
    }
  }

  /**
   * @param {string} path
   * @param {string} what
   * @param {number} status 0 where there was no answer
   * @param {Upload | undefined} upload
   */
  #failed(path, what, status, upload) {
    this.#lastError = `${what} at ${path}`;
    if (upload !== undefined) {
      upload.reason = reasonOf(status);
    } else if (isLogin(path)) {
      this.isShutOut = true;
      const refused = status >= 400 && status < 500;
      warn(
        refused ? 'REFUSED' : 'UNREACHABLE',
        `Braintrust ${this.#lastError}. The spans recorded meanwhile are lost; the application goes on.`,
      );
    }
  }
}

/** @param {Accounts} accounts @returns {Accounts} */
const copy = (accounts) => ({ ...accounts, lost: { ...accounts.lost } });

/** @param {number} status @returns {LossReason} */
function reasonOf(status) {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 413) return 'too_large';
  return status >= 400 && status < 500 && status !== 429 ? 'rejected' : 'retries_exhausted';
}

/**
 * What must succeed before the first row: the login, and the registration of the project.
 * @param {string} path
 */
const isLogin = (path) => /\/api\/(apikey\/login|project\/register)$/.test(path);

/** @param {string | URL | Request} input */
function pathOf(input) {
  return new URL(input instanceof Request ? input.url : input).pathname;
}

/** @param {string} body */
function rowsOf(body) {
  const { rows } = JSON.parse(body);
  // What is too large for a request stands elsewhere, and is referred to as one.
  return Array.isArray(rows) ? rows.length : 1;
}
