/** @param {number[]} figures @returns {number | undefined} undefined of none */
export function median(figures) {
  if (figures.length === 0) return undefined;
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle)
    ? (sorted[middle - 1] + sorted[middle]) / 2
    : sorted[Math.floor(middle)];
}

/** @param {number[]} figures */
export function mean(figures) {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}
