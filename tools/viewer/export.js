'use strict';

// The export of traces.

const { setImmediate: turn } = require('node:timers/promises');

/** The characters at which a chunk is sent. One row may have more. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * Rows as JSON lines, trace by trace. Between the chunks other requests are served; what changes
 * meanwhile is exported as it is when its turn comes.
 *
 * @param {(string | null)[]} traceIds null: the rows of no trace
 * @param {(traceId: string | null) => import('../collector/types').Row[]} rowsOf
 * @returns {AsyncGenerator<string>} chunks of whole lines
 */
async function* exportedChunks(traceIds, rowsOf) {
  let chunk = '';
  for (const traceId of traceIds) {
    for (const row of rowsOf(traceId)) {
      const line = `${JSON.stringify(row)}\n`;
      // The sum of two could be too long for a string.
      if (chunk !== '' && chunk.length + line.length > CHUNK_LENGTH) {
        yield chunk;
        await turn();
        chunk = '';
      }
      chunk += line;
    }
  }
  if (chunk !== '') yield chunk;
}

module.exports = { exportedChunks };
