'use strict';

// Reads recorded events.

const fs = require('node:fs');

const { isObject } = require('../support/json');
const { parseLine, readLines } = require('../support/lines');

/**
 * The outcome of reading.
 *
 * @typedef {object} Observations
 * @property {number} events
 * @property {number} notes
 * @property {number} unreadable how many lines are not objects
 * @property {{ line: number, why: string } | null} firstUnreadable
 * @property {boolean} stopped whether the rest was not read
 */

/**
 * Reads recorded events, one JSON text a line: an event as Flue emitted it, or `{ "event": … }` around it.
 * Objects that hold no event are notes, and left out.
 *
 * @param {string} file
 * @param {(event: object) => Promise<boolean>} take returns whether to read on
 * @returns {Promise<Observations>} rejects when the file cannot be read
 */
async function readObservations(file, take) {
  /** @type {Observations} */
  const counts = { events: 0, notes: 0, unreadable: 0, firstUnreadable: null, stopped: false };
  const input = fs.createReadStream(file, { encoding: 'utf8' });
  // Fails here, where the caller catches it, and not within the loop.
  await new Promise((resolve, reject) => input.once('open', resolve).once('error', reject));
  for await (const { number, text } of readLines(input)) {
    const parsed = parseLine(text);
    if ('why' in parsed) {
      counts.unreadable += 1;
      counts.firstUnreadable ??= { line: number, why: parsed.why };
      continue;
    }
    const event = eventOf(parsed.value);
    if (event === undefined) counts.notes += 1;
    else {
      counts.events += 1;
      counts.stopped = !(await take(event));
      if (counts.stopped) break;
    }
  }
  return counts;
}

/**
 * @param {import('../support/json').JsonObject} line
 * @returns {object | undefined} undefined for a note: every event of Flue has a type and a time
 */
function eventOf(line) {
  const event = line.event ?? line;
  const isEvent =
    isObject(event) && typeof event.type === 'string' && typeof event.timestamp === 'string';
  return isEvent ? event : undefined;
}

module.exports = { readObservations };
