'use strict';

// What changed in a list since a page loaded it.

const { randomBytes } = require('node:crypto');

const { differenceOf, placesOf } = require('../support/list-delta');

/** How many states of lists are remembered, and how many elements they have together. */
const MAX_STATES = 200;
const MAX_ELEMENTS = 1_000_000;

/**
 * A list as it was sent.
 *
 * @typedef {object} State
 * @property {string} kind
 * @property {string} version
 * @property {readonly object[]} elements
 * @property {Map<string, number> | undefined} places of each element by its id; built when first needed
 */

/** @typedef {import('../support/list-delta').ListDelta} ListDelta */

/**
 * Remembers the lists that were sent, and answers with the difference to one of them. An element that did not change
 * must be the same object.
 */
class Deltas {
  /** Distinguishes this process from those before. */
  #epoch = randomBytes(4).toString('hex');
  #count = 0;
  #elements = 0;
  /** @type {Map<string, State>} */
  #states = new Map();
  /** The last state of each kind of list. @type {Map<string, State>} */
  #latest = new Map();

  /**
   * @template {object} T
   * @param {string} kind lists of one kind have comparable elements
   * @param {string | null} since the version that the page has, of this kind
   * @param {readonly T[]} elements
   * @param {(element: T) => string} idOf what names an element
   * @returns {{ version: string, delta: ListDelta | undefined }} without a delta, the page needs the whole list
   */
  answer(kind, since, elements, idOf) {
    const state = this.#remember(kind, elements);
    const version = state.version;
    const before = this.#states.get(`${kind} ${since}`);
    if (before === undefined) return { version, delta: undefined };
    // The least recently used is forgotten first.
    this.#states.delete(`${kind} ${since}`);
    this.#states.set(`${kind} ${since}`, before);
    if (before === state) return { version, delta: { removed: [], placed: [] } };
    before.places ??= placesOf(/** @type {readonly T[]} */ (before.elements), idOf);
    const delta = differenceOf(before.elements, before.places, elements, idOf);
    return { version, delta: delta ?? undefined };
  }

  /**
   * @param {string} kind
   * @param {readonly object[]} elements
   * @returns {State}
   */
  #remember(kind, elements) {
    const latest = this.#latest.get(kind);
    if (latest !== undefined && isSame(latest.elements, elements)) return latest;
    this.#count += 1;
    const version = `${this.#epoch}.${this.#count}`;
    /** @type {State} */
    const state = { kind, version, elements, places: undefined };
    this.#states.set(`${kind} ${version}`, state);
    this.#latest.set(kind, state);
    this.#elements += elements.length;
    for (const [key, oldest] of this.#states) {
      const isWithin = this.#states.size <= MAX_STATES && this.#elements <= MAX_ELEMENTS;
      if (isWithin || oldest === state) break;
      this.#states.delete(key);
      this.#elements -= oldest.elements.length;
      if (this.#latest.get(oldest.kind) === oldest) this.#latest.delete(oldest.kind);
    }
    return state;
  }
}

/** @param {readonly object[]} a @param {readonly object[]} b */
function isSame(a, b) {
  return a === b || (a.length === b.length && a.every((element, index) => element === b[index]));
}

module.exports = { Deltas };
