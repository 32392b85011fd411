// What the core asks of a recorder's storage.

import { now, randomHalves } from './core-inputs.mjs';

/** The changes of the storage, by the numbers that the WebAssembly module gives them. */
const CHANGES = /** @type {const} */ ([undefined, 'put', 'delete', 'get']);

/** The length of the header of a spool file, in bytes: the core needs no more of a segment. */
const HEADER_BYTES = 36;

const encoder = new TextEncoder();

/** @typedef {import('./storage-work.mjs').Owner} Owner */

/** @implements {Owner} */
export class CoreStorage {
  #session;

  /** @param {import('./core-session.mjs').CoreSession} session */
  constructor(session) {
    this.#session = session;
  }

  /**
   * Passes the files of the storage to the core; of segments only the headers.
   * @param {Map<string, Uint8Array>} files
   * @param {string} [failure] why the storage could not be read
   * @returns {boolean} whether the storage is used from now on
   */
  openStorage(files, failure = '') {
    return this.#session.run(false, (core, number) => {
      for (const [name, content] of files) {
        const key = encoder.encode(name);
        const start = name.endsWith('.open') ? content : content.subarray(0, HEADER_BYTES);
        core.writeBytes(key, start);
        core.call('add_file', number, key.length, start.length, content.length, ...now());
      }
      const bytes = core.write(failure);
      return core.call('open_storage', number, bytes, ...randomHalves(), ...now()) === 1;
    });
  }

  /** Whether a file of this name is one that the recorder adopts. @param {string} name */
  adopts(name) {
    return this.#session.run(
      false,
      (core, number) => core.call('adopts', number, core.write(name)) === 1,
    );
  }

  /** The changes of the storage that are due, in order. */
  takeChanges() {
    return this.#session.run([], (core, number) => {
      /** @type {import('./storage-work.mjs').Change[]} */
      const changes = [];
      for (;;) {
        const kind = CHANGES[core.call('take_change', number)];
        if (kind === undefined) return changes;
        const name = core.output();
        changes.push({ kind, name, content: core.takeBody() });
      }
    });
  }

  /** @param {Uint8Array | string} result the content that was read, or why the changes have failed */
  completeStorage(result) {
    this.#session.run(undefined, (core, number) => {
      const hasFailed = typeof result === 'string';
      const bytes = hasFailed ? core.write(result) : core.writeBytes(result);
      core.call('complete_storage', number, bytes, Number(hasFailed), ...now());
    });
  }
}
