import { median } from './statistics.mjs';

/** All that was measured, by experiment, size and contender. */
export class Results {
  /** @type {Map<string, any[]>} */
  #runs = new Map();

  /**
   * @param {string} experiment
   * @param {number} size
   * @param {string} contender
   * @param {any} result
   */
  add(experiment, size, contender, result) {
    const key = keyOf(experiment, size, contender);
    this.#runs.set(key, [...(this.#runs.get(key) ?? []), result]);
  }

  /** @returns {any[]} of every repetition; empty when it was not run */
  runs(experiment, size, contender) {
    return this.#runs.get(keyOf(experiment, size, contender)) ?? [];
  }

  /** @returns {number[]} in the order of their addition */
  sizes(experiment) {
    const keys = [...this.#runs.keys()].map((key) => JSON.parse(key));
    return [...new Set(keys.filter(([name]) => name === experiment).map(([, size]) => size))];
  }

  /**
   * One figure of every repetition.
   *
   * @param {(run: any) => number | undefined} read
   * @returns {number[]}
   */
  figures(experiment, size, contender, read) {
    return this.runs(experiment, size, contender).map(read).filter(Number.isFinite);
  }

  /** What is above the median of the run that traces nothing. */
  above(experiment, size, contender, read) {
    const base = median(this.figures(experiment, size, 'nothing', read)) ?? 0;
    return this.figures(experiment, size, contender, read).map((figure) => figure - base);
  }

  toJSON() {
    return Object.fromEntries(this.#runs);
  }
}

const keyOf = (experiment, size, contender) => JSON.stringify([experiment, size, contender]);
