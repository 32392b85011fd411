// Which diagnostics of a logger's recorders are shown: those that a single recorder would show.

import { monotonicMs } from '#builtins';
import { ownVariables } from '../variables.js';
import { print } from '../warn.js';
import { inWordsOfStorage } from './storage-messages.mjs';

/** The most that are kept until they are taken; the oldest are dropped. As in the core. */
const MAX_KEPT = 64;
/** The shortest time between two diagnostics of one loss reason, in milliseconds, unless a variable states it. */
const PERIOD_MS = 60_000;

/** @typedef {import('../../index.d.ts').Diagnostic} Diagnostic */

/**
 * What was shown of a kind of problem.
 * @typedef {object} Shown
 * @property {number} at when
 * @property {object} by the recorder
 * @property {number} unreported the losses of others since then
 */

/** The diagnostics of several recorders: each code once, and losses of one reason once per period. */
export class EdgeDiagnostics {
  /** By their codes, and of losses by their reasons. @type {Map<string, Shown>} */
  #shown = new Map();
  /** @type {Diagnostic[]} */
  #kept = [];

  /** What shows the diagnostics of one more recorder, which itself keeps to the period. */
  reporter() {
    const by = {};
    return (/** @type {Diagnostic} */ diagnostic) => this.#add(inWordsOfStorage(diagnostic), by);
  }

  /** Those that were shown since the last call. */
  take() {
    return this.#kept.splice(0);
  }

  /**
   * @param {Diagnostic} diagnostic
   * @param {object} by
   */
  #add(diagnostic, by) {
    const shown = this.#merged(diagnostic, by);
    if (shown === undefined) return;
    this.#kept.push(shown);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    print(`[flue-braintrust] ${shown.code}: ${shown.message}`);
  }

  /**
   * A diagnostic with the losses that others have not shown; undefined if it is not shown.
   * @param {Diagnostic} diagnostic
   * @param {object} by
   * @returns {Diagnostic | undefined}
   */
  #merged(diagnostic, by) {
    const { code, message, reason } = diagnostic;
    // The total of one recorder.
    if (code === 'FLUE_BRAINTRUST_EXIT') return diagnostic;
    const unit = diagnostic.attachments === undefined ? 'rows' : 'attachments';
    const kind = reason === undefined ? code : `${unit} ${reason}`;
    const last = this.#shown.get(kind);
    const now = monotonicMs();
    const count = (diagnostic[unit] ?? 0) + (last?.unreported ?? 0);
    if (last !== undefined && last.by !== by) {
      last.unreported = count;
      if (reason === undefined || now - last.at < periodMs()) return undefined;
    }
    this.#shown.set(kind, { at: now, by, unreported: 0 });
    if (count === (diagnostic[unit] ?? 0)) return diagnostic;
    const whole = message.replace(/^\d+ \w+ \w+/, `${count} ${unit} are`);
    return { ...diagnostic, [unit]: count, message: whole };
  }
}

function periodMs() {
  const seconds = Number(ownVariables().BRAINTRUST_QUEUE_DROP_LOGGING_PERIOD || NaN);
  return seconds >= 0 ? seconds * 1000 : PERIOD_MS;
}
