'use strict';

// Reads recorded events.

const fs = require('node:fs');

const { readLines } = require('../support/lines');

/**
 * Reads recorded events, one JSON text a line: an event as Flue emitted it, or `{ "event": … }` around it.
 * Objects that hold no event are notes, and left out.
 *
 * @param {string} file
 * @param {(event: object) => Promise<boolean>} take returns whether to read on
 * @returns {Promise<{ events: number, notes: number, unreadable: number, stopped: boolean }>} rejects when the file
 *   cannot be read
 */
async function readObservations(file, take) {
  const counts = { events: 0, notes: 0, unreadable: 0, stopped: false };
  const input = fs.createReadStream(file, { encoding: 'utf8' });
  // Fails here, where the caller catches it, and not within the loop.
  await new Promise((resolve, reject) => input.once('open', resolve).once('error', reject));
  for await (const line of readLines(input)) {
    const event = eventOf(line);
    if (event === undefined) counts.unreadable += 1;
    else if (event === null) counts.notes += 1;
    else {
      counts.events += 1;
      counts.stopped = !(await take(event));
      if (counts.stopped) break;
    }
  }
  return counts;
}

/**
 * @param {string} line
 * @returns {object | null | undefined} null for a note, undefined for what is no JSON object
 */
function eventOf(line) {
  /** @type {any} */
  let value;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const event = value.event ?? value;
  return typeof event.type === 'string' ? event : null;
}

module.exports = { readObservations };
