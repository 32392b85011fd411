'use strict';

// A progress bar.

const { formatCount } = require('../support/format');
const { canRedraw } = require('../support/terminal');

const WIDTH = 30;

/**
 * A bar that grows. Draws nothing without a terminal that can erase it.
 *
 * @param {NodeJS.WriteStream} stream
 * @param {number} total
 */
function drawProgress(stream, total) {
  const isShown = canRedraw(stream) && total > 0;
  return {
    /** @param {number} count */
    draw(count) {
      if (!isShown) return;
      const full = Math.min(WIDTH, Math.floor((count / total) * WIDTH));
      const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
      stream.write(`\r${bar} ${formatCount(count)} of ${formatCount(total)} rows`);
    },
    clear() {
      if (isShown) stream.write('\r\u001b[K');
    },
  };
}

module.exports = { drawProgress };
