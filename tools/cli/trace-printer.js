'use strict';

// Prints the traces of `dev`.

const { renderLine, renderTrace } = require('../collector/render');
const { keepNewest } = require('../support/keep-newest');
const { columnsOf, hasColours } = require('../support/terminal');

/** @typedef {import('../collector/types').Trace} Trace */

/** The most spans of a trace that is printed as a tree: about what a terminal shows and a person reads. */
const MAX_TREE_SPANS = 200;

/** The most traces of which it is known that they were printed. */
const MAX_REMEMBERED = 10_000;

/** Prints each trace once as a tree, and what is large or was printed before in one line. */
class TracePrinter {
  /** The traces that were printed. @type {Set<string>} */
  #printed = new Set();
  #linkTo;

  /** @param {(traceId: string) => string} linkTo the address of a trace */
  constructor(linkTo) {
    this.#linkTo = linkTo;
  }

  /** @param {Trace} trace */
  print(trace) {
    const wasPrinted = this.#printed.has(trace.id);
    this.#printed.add(trace.id);
    keepNewest(this.#printed, MAX_REMEMBERED);
    const label = wasPrinted ? 'updated: ' : trace.openSpans > 0 ? 'still running: ' : '';
    const width = columnsOf(process.stdout);
    const options = {
      color: hasColours(process.stdout),
      ...(width !== undefined && { width }),
      link: this.#linkTo(trace.id),
    };
    const isLine = wasPrinted || trace.spans.length > MAX_TREE_SPANS;
    const text = isLine ? renderLine(trace, options) : `${renderTrace(trace, options)}\n`;
    process.stdout.write(label + text);
  }
}

module.exports = { TracePrinter };
