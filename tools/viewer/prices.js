'use strict';

// The cost of a model turn by kind of token. Rows have only its sum, but the turns of a model share its prices: where
// there are enough of them, the prices follow.

const { writtenTokens } = require('../support/cache-tokens');
const { metadataOf } = require('../support/span-facts');

/** @typedef {import('../collector/types').Span} Span */

/** Of more turns the latest are compared. */
const MAX_TURNS = 200;
/** How far a cost may be off that the prices give, as a share of it: costs are exact but for rounding. */
const TOLERANCE = 1e-6;
/** A pivot of less, as a share of the largest, means that the turns are too similar to derive the prices. */
const LEAST_PIVOT = 1e-9;

/**
 * The cost of a turn by kind, in dollars.
 *
 * @param {Span} span
 * @param {Span[]} spans among which the turns of the same model are looked for
 * @returns {import('./types').TurnCosts | null} null when the prices do not follow: too few turns, or no fixed prices
 */
function costsOf(span, spans) {
  const cost = span.metrics.estimated_cost;
  if (cost === undefined) return null;
  const latest = spans
    .filter((other) => other.metrics.estimated_cost !== undefined && isSameModel(other, span))
    .slice(-MAX_TURNS);
  // A kind of token that only an early turn has needs a price, too.
  const turns = latest.includes(span) ? latest : [span, ...latest];
  const counts = turns.map(({ metrics }) => countsOf(metrics));
  const used = [0, 1, 2, 3].filter((kind) => counts.some((count) => count[kind] !== 0));
  // One more than there are prices: the others confirm it.
  if (turns.length <= used.length) return null;
  const rows = counts.map((count) => used.map((kind) => count[kind] ?? 0));
  const costs = turns.map(({ metrics }) => metrics.estimated_cost ?? 0);
  const prices = solve(rows, costs);
  if (prices === null || prices.some((price) => price < -TOLERANCE * Math.max(...prices)))
    return null;
  const isExact = rows.every((row, i) => {
    const sum = row.reduce((total, count, kind) => total + count * (prices[kind] ?? 0), 0);
    return Math.abs(sum - (costs[i] ?? 0)) <= TOLERANCE * Math.max(...costs);
  });
  if (!isExact) return null;
  const own = countsOf(span.metrics);
  const [input, cached, written, output] = own.map((count, kind) => {
    const price = prices[used.indexOf(kind)] ?? 0;
    return Math.max(count * price, 0);
  });
  return /** @type {import('./types').TurnCosts} */ ({
    input,
    cached,
    written,
    output,
    turns: turns.length,
  });
}

/**
 * How many tokens of each kind: input that no cache has, read from the cache, written to it, output.
 *
 * @param {Span['metrics']} metrics
 * @returns {number[]}
 */
function countsOf(metrics) {
  const { prompt_tokens: prompt = 0, prompt_cached_tokens: cached = 0 } = metrics;
  const written = writtenTokens(metrics) ?? 0;
  return [Math.max(prompt - cached - written, 0), cached, written, metrics.completion_tokens ?? 0];
}

/** @param {Span} a @param {Span} b */
function isSameModel(a, b) {
  const [first, second] = [a, b].map((span) => {
    const { model, provider } = metadataOf(span);
    return JSON.stringify([model ?? span.name, provider]);
  });
  return a.type === 'llm' && first === second;
}

/**
 * Solves a linear system with more equations than unknowns, by least squares.
 *
 * @param {number[][]} rows
 * @param {number[]} values
 * @returns {number[] | null} null when it has no single solution
 */
function solve(rows, values) {
  const size = rows[0]?.length ?? 0;
  const scales = Array.from({ length: size }, (_, i) =>
    Math.hypot(...rows.map((row) => row[i] ?? 0)),
  );
  const scaled = rows.map((row) => row.map((count, i) => count / (scales[i] || 1)));
  /** @param {number} i @param {number} j */
  const product = (i, j) => scaled.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0);
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => product(i, j)),
    scaled.reduce((sum, row, n) => sum + (row[i] ?? 0) * (values[n] ?? 0), 0),
  ]);
  for (let column = 0; column < size; column += 1) {
    const below = matrix.slice(column);
    const pivot = below.toSorted((a, b) => Math.abs(b[column] ?? 0) - Math.abs(a[column] ?? 0))[0];
    if (pivot === undefined || Math.abs(pivot[column] ?? 0) < LEAST_PIVOT) return null;
    const at = matrix.indexOf(pivot);
    [matrix[column], matrix[at]] = [pivot, /** @type {number[]} */ (matrix[column])];
    for (const row of matrix) {
      if (row === pivot) continue;
      const factor = (row[column] ?? 0) / (pivot[column] ?? 1);
      for (let j = column; j <= size; j += 1) row[j] = (row[j] ?? 0) - factor * (pivot[j] ?? 0);
    }
  }
  return matrix.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1) / (scales[i] || 1));
}

module.exports = { costsOf };
