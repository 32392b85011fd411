'use strict';

// Records short events without a call into the native part: they are written into memory that it reads. Between two
// events of an agent such a call takes 30 to 50 µs, whatever it does, and writing a short text takes 5.

/**
 * The longest text that is written here, in UTF-16 units. The loop takes 6 ns for each: where the code is in the caches,
 * a call copies a longer text in a fraction of that.
 */
const LONGEST = 1024;

/** What stands before each text: its length and its kind. */
const HEADER = 2;

/**
 * How many events come within how many milliseconds in a burst. The buffer is full in a burst only. There the code of a
 * call is in the caches, and it takes 2 µs: less than the loop. To read the clock takes up to 0.3.
 */
const BURST_EVENTS = 32;
const BURST_MS = 32;

/** @typedef {import('../native.d.ts').Recorder} Recorder */

/**
 * A function that records like `recorder.record`, without a call where it can.
 * @param {Recorder} recorder
 * @param {Pick<typeof import('../native.d.ts'), 'EventBufferWord' | 'Priority'>} native
 * @returns {Recorder['record']}
 */
function bufferedRecord(recorder, { EventBufferWord, Priority }) {
  const { Open, Written, Taken, Events } = EventBufferWord;
  const { MinimalEnd } = Priority;
  const record = recorder.record.bind(recorder);
  /** Undefined before the first event, which opens the buffer. @type {Int32Array | undefined} */
  let words;
  /** @type {Uint16Array} */
  let units;
  /** Their number, less 1: a position in the ring is counted modulo a power of 2. */
  let last = 0;
  /** How many events of a burst come before the next look at the clock; 0: there is none. */
  let burst = 0;
  /** When the last look was, in milliseconds. */
  let lookedAt = 0;

  return (text, priority, cut) => {
    if (words === undefined) {
      words = bufferOf(recorder);
      units = new Uint16Array(words.buffer, Events * words.BYTES_PER_ELEMENT);
      last = units.length - 1;
    }
    const { length } = text;
    // What is cut is reported.
    if (length > LONGEST || cut || priority === MinimalEnd) return record(text, priority, cut);
    if (burst !== 0 && --burst === 0) {
      const now = Date.now();
      if (now - lookedAt <= BURST_MS) burst = BURST_EVENTS;
      lookedAt = now;
    }
    if (burst !== 0 || Atomics.load(words, Open) === 0) return record(text, priority, cut);
    const written = Atomics.load(words, Written);
    const size = (HEADER + length + 1) >> 1;
    const used = (written - Atomics.load(words, Taken)) | 0;
    if (2 * (used + size) > units.length) {
      burst = BURST_EVENTS;
      lookedAt = Date.now();
      return record(text, priority, cut);
    }
    let at = 2 * written;
    units[at++ & last] = length;
    units[at++ & last] = priority;
    for (let i = 0; i < length; i++) units[at++ & last] = text.charCodeAt(i);
    Atomics.store(words, Written, (written + size) | 0);
    // The native part has closed the buffer meanwhile: it may not look here again.
    if (Atomics.load(words, Open) === 0) recorder.collect();
    return true;
  };
}

/** @param {Recorder} recorder */
function bufferOf(recorder) {
  try {
    return recorder.eventBuffer();
  } catch {
    // This runtime shares no memory: a buffer that is never open.
    return new Int32Array(4);
  }
}

module.exports = { bufferedRecord };
