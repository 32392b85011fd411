'use strict';

// News for pages that are open.

const { SECURITY } = require('./assets');

/** News is gathered for so long: a burst of rows is one message. */
const GATHER_MS = 100;
/** An empty comment, so that both ends notice a broken connection. */
const HEARTBEAT_MS = 15_000;

/** Sends the ids of changed traces to open pages, as server-sent events. */
class LiveFeed {
  /** @type {Set<import('node:http').ServerResponse>} */
  #pages = new Set();
  /** @type {Set<string>} */
  #gathered = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #sending;
  /** @type {NodeJS.Timeout | undefined} */
  #heartbeat;

  /** @param {import('node:http').ServerResponse} response becomes a feed that ends when the page leaves */
  join(response) {
    response.writeHead(200, { ...SECURITY, 'content-type': 'text/event-stream' });
    // A page that lost its connection tries again this soon.
    response.write('retry: 1000\n\n');
    this.#pages.add(response);
    this.#heartbeat ??= setInterval(() => this.#write(':\n\n'), HEARTBEAT_MS).unref();
    response.once('close', () => {
      this.#pages.delete(response);
      if (this.#pages.size > 0) return;
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
    });
  }

  /** @param {string[]} traceIds */
  changed(traceIds) {
    if (this.#pages.size === 0) return;
    for (const id of traceIds) this.#gathered.add(id);
    this.#sending ??= setTimeout(() => this.#send(), GATHER_MS).unref();
  }

  close() {
    clearTimeout(this.#sending);
    clearInterval(this.#heartbeat);
  }

  #send() {
    this.#sending = undefined;
    const ids = [...this.#gathered];
    this.#gathered.clear();
    this.#write(`event: changed\ndata: ${JSON.stringify(ids)}\n\n`);
  }

  /** @param {string} text */
  #write(text) {
    for (const page of this.#pages) page.write(text);
  }
}

module.exports = { LiveFeed };
