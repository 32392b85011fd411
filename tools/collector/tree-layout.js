'use strict';

// Lays the lines of a tree out in columns that fit a terminal.

const { fold, shorten, widthOf } = require('./text');

/** @typedef {import('./render').Paint} Paint */
/** @typedef {import('./render').Style} Style */
/** @typedef {import('./tree-lines').Line} Line */

/** @typedef {{ align: 'left' | 'right', style: Style }} Column */

/** @type {Column[]} */
const COLUMNS = [
  { align: 'left', style: 'dim' }, // type
  { align: 'right', style: null }, // duration
  { align: 'right', style: null }, // prompt tokens, arrow
  { align: 'left', style: null }, // completion tokens
  { align: 'left', style: 'dim' }, // cached tokens
  { align: 'right', style: 'green' }, // cost
];
/** Columns that stick to the one before, without a gap. */
const JOINED = new Set([3]);
/** The columns that a narrow terminal goes without, the first first: names and errors matter more. */
const DISPENSABLE = [[4], [0], [5], [2, 3], [1]];
const GAP = '  ';
/** What names get before a column stays. */
const MIN_NAME_WIDTH = 20;
/** Where the columns begin, if there is room: so traces with short names line up. */
const FIRST_COLUMN = 16;
/** The most columns of a name that count for the layout. */
const MAX_NAME_WIDTH = 300;
/** An error gets this many columns at least, on as many rows as it takes. */
const MIN_REMARK_WIDTH = 120;
/** The most rows of an error. */
const MAX_REMARK_ROWS = 12;

/**
 * The rows of the lines, in columns: each span on one row, whose name is shortened to fit.
 *
 * @param {Line[]} lines
 * @param {number} width of the terminal
 * @param {Paint} paint
 * @returns {string[]}
 */
function layOut(lines, width, paint) {
  const names = lines.filter(({ cells }) => cells !== null);
  const widest = names
    .map(({ branch, text }) => branch.length + widthOf(shorten(text, MAX_NAME_WIDTH)))
    .reduce(larger, 0);
  const widths = columnWidths(lines, width, Math.min(widest, MIN_NAME_WIDTH));
  const nameWidth = Math.min(Math.max(widest, FIRST_COLUMN), width - cellsWidth(widths));

  return lines.flatMap(({ branch, text, style, cells }) => {
    const lead = branch.slice(0, Math.max(0, width - 2));
    const room = Math.max((cells === null ? width : nameWidth) - lead.length, 1);
    const start = paint('dim', lead);
    if (cells === null) return remarkRows(text, room).map((row) => start + paint(style, row));
    const name = shorten(text, room);
    const padding = ' '.repeat(Math.max(0, room - widthOf(name)));
    const rest = cells.map((cell, column) => layCell(cell, column, widths, paint)).join('');
    return `${start}${paint(style, name)}${padding}${rest}`;
  });
}

/**
 * The rows of an error or a problem: several where one is too narrow to read it.
 *
 * @param {string} text
 * @param {number} room
 */
function remarkRows(text, room) {
  return fold(text, room, Math.min(MAX_REMARK_ROWS, Math.ceil(MIN_REMARK_WIDTH / room)));
}

/**
 * The width of each column; 0 for one that is empty, or that there is no room for.
 *
 * @param {Line[]} lines
 * @param {number} width
 * @param {number} nameWidth what names need
 */
function columnWidths(lines, width, nameWidth) {
  const widths = COLUMNS.map((_, column) =>
    lines.map(({ cells }) => widthOf(cells?.[column] ?? '')).reduce(larger, 0),
  );
  for (const columns of DISPENSABLE) {
    if (cellsWidth(widths) + nameWidth <= width) break;
    for (const column of columns) widths[column] = 0;
  }
  return widths;
}

/** @param {number[]} widths */
function cellsWidth(widths) {
  return widths.map((width, column) => width + gapBefore(column, width).length).reduce(plus, 0);
}

/**
 * @param {string} cell
 * @param {number} column
 * @param {number[]} widths
 * @param {Paint} paint
 * @returns {string}
 */
function layCell(cell, column, widths, paint) {
  const width = widths[column] ?? 0;
  if (width === 0) return '';
  const { align, style } = /** @type {Column} */ (COLUMNS[column]);
  const padding = ' '.repeat(width - widthOf(cell));
  const text = paint(cell === 'open' ? 'yellow' : style, cell);
  return `${gapBefore(column, width)}${align === 'right' ? padding + text : text + padding}`;
}

/**
 * @param {number} column
 * @param {number} width the column's own
 * @returns {string} what separates it from the column before; nothing for an empty column
 */
function gapBefore(column, width) {
  return width === 0 || JOINED.has(column) ? '' : GAP;
}

/** @param {number} total @param {number} n @returns {number} */
const plus = (total, n) => total + n;
/** @param {number} a @param {number} b @returns {number} */
const larger = (a, b) => Math.max(a, b);

module.exports = { layOut };
