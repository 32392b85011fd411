'use strict';

// News for pages that are open: as server-sent events, or for those that ask again and again.

const { randomBytes } = require('node:crypto');

const { SECURITY } = require('./assets');

/** News is gathered for so long: a burst of rows is one message. */
const GATHER_MS = 100;
/** The time between two events by which both ends notice a broken connection. */
const HEARTBEAT_MS = 5_000;
/** The most traces that one message names; with more, everything may have changed. */
const MAX_NAMED = 1_000;
/** How many changed traces are remembered in the order of their changes. */
const MAX_LOGGED = 5_000;
/** The unread bytes at which a page loses its connection. It connects again when it reads. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Sends the ids of changed traces to open pages. */
class LiveFeed {
  /** @type {Set<import('node:http').ServerResponse>} */
  #pages = new Set();
  /** @type {Set<string>} */
  #gathered = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #sending;
  /** @type {NodeJS.Timeout | undefined} */
  #heartbeat;
  /** Distinguishes this process from those before. */
  #epoch = randomBytes(4).toString('hex');
  #count = 0;
  /** The number of each trace's last change, in the order of these. @type {Map<string, number>} */
  #log = new Map();
  /** Changes up to this number are forgotten. */
  #forgotten = 0;

  /** @param {import('node:http').ServerResponse} response becomes a feed that ends when the page leaves */
  join(response) {
    response.writeHead(200, { ...SECURITY, 'content-type': 'text/event-stream' });
    // A page that lost its connection tries again this soon.
    response.write('retry: 1000\n\n');
    this.#pages.add(response);
    this.#heartbeat ??= setInterval(
      () => this.#write('event: beat\ndata:\n\n'),
      HEARTBEAT_MS,
    ).unref();
    response.once('close', () => {
      this.#pages.delete(response);
      if (this.#pages.size > 0) return;
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
    });
  }

  /**
   * What changed since a page asked last.
   *
   * @param {string | null} cursor what it got then
   * @returns {import('./types').Changes}
   */
  since(cursor) {
    const [epoch, text = ''] = (cursor ?? '').split('.');
    const seen = Number(text);
    const isKnown = epoch === this.#epoch && seen >= this.#forgotten && seen <= this.#count;
    const named = isKnown ? [...this.#log].filter(([, number]) => number > seen) : [];
    const isAll = !isKnown || named.length > MAX_NAMED;
    const ids = isAll ? [] : named.map(([id]) => id);
    return { cursor: `${this.#epoch}.${this.#count}`, ids, isAll };
  }

  /** @param {string[]} traceIds */
  changed(traceIds) {
    for (const id of traceIds) {
      this.#count += 1;
      this.#log.delete(id);
      this.#log.set(id, this.#count);
    }
    for (const [id, number] of this.#log) {
      if (this.#log.size <= MAX_LOGGED) break;
      this.#log.delete(id);
      this.#forgotten = number;
    }
    if (this.#pages.size === 0) return;
    if (this.#gathered.size <= MAX_NAMED) for (const id of traceIds) this.#gathered.add(id);
    this.#sending ??= setTimeout(() => this.#send(), GATHER_MS).unref();
  }

  close() {
    clearTimeout(this.#sending);
    clearInterval(this.#heartbeat);
  }

  #send() {
    this.#sending = undefined;
    // No name stands for all.
    const ids = this.#gathered.size > MAX_NAMED ? [] : [...this.#gathered];
    this.#gathered.clear();
    this.#write(`event: changed\ndata: ${JSON.stringify(ids)}\n\n`);
  }

  /** @param {string} text */
  #write(text) {
    for (const page of this.#pages) {
      if (page.writableLength > MAX_UNREAD_BYTES) page.destroy();
      else page.write(text);
    }
  }
}

module.exports = { LiveFeed };
