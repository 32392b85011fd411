import { median } from './statistics.mjs';

/** @param {string[]} head @param {string[][]} rows @returns {string} a Markdown table */
export function table(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** The median, and the least and the most. @param {number[]} figures @param {number} [digits] */
export function cell(figures, digits = 1) {
  return shown(figures, (figure) => figure.toFixed(digits));
}

/** @param {number[]} figures */
export function count(figures) {
  return shown(figures, (figure) => Math.round(figure).toLocaleString('en'));
}

/** @param {number[]} bytes */
export function mebibytes(bytes) {
  return cell(bytes.map((figure) => figure / 2 ** 20));
}

function shown(figures, show) {
  if (figures.length === 0) return '–';
  const middle = show(median(figures));
  const [least, most] = [show(Math.min(...figures)), show(Math.max(...figures))];
  return least === most ? middle : `${middle} (${least}–${most})`;
}
