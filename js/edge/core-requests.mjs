// The requests of a recorder, and their responses.

import { JSON } from '../json/own-json.js';
import { now } from './core-inputs.mjs';

export class CoreRequests {
  #session;

  /** @param {import('./core-session.mjs').CoreSession} session */
  constructor(session) {
    this.#session = session;
  }

  /** The next request to send, and the bytes of its body. */
  take() {
    return this.#session.run(undefined, (core, number) => {
      if (core.call('take_request', number) === 0) return undefined;
      const head = JSON.parse(core.output());
      return { ...head, body: core.takeBody(), generation: this.#session.generation };
    });
  }

  /**
   * Passes the response to a request, or why there is none, to the core.
   * @param {{ id: number, generation: number }} request
   * @param {{ status: number, retryAfter?: string | null, contentType?: string | null, body?: string } | { error:
   *   string }} answer
   */
  respond({ id, generation }, answer) {
    this.#session.run(undefined, (core, number) => {
      // The instance that made the request is gone.
      if (generation !== this.#session.generation) return;
      core.call('respond', number, core.write(JSON.stringify({ id, ...answer })), ...now());
    });
  }
}
