'use strict';

// What the application adds to the root of each trace.

const { ApplicationCall } = require('./application-call.js');
const { types } = require('./builtins/index.js');
const { dropOldest } = require('./drop-oldest.js');
const { classOf } = require('./json/describe.js');
const { JSON } = require('./json/own-json.js');
const { toJsonSafe } = require('./json/stringify.js');
const { warn } = require('./warn.js');

/** @typedef {import('../index.d.ts').TraceFields} TraceFields */

/** How many traces are remembered as begun. */
const MAX_TRACES = 16_384;

/** The most tags of one trace, the most characters of one, and the most of the metadata as JSON. */
const MAX_TAGS = 64;
const MAX_TAG = 256;
const MAX_METADATA = 16 * 1024;

/** Calls the application's `enrich` once for each trace. No method throws. */
class Enrichment {
  /** The function. @type {(event: any) => TraceFields | null | undefined} */
  enrich = () => undefined;
  /** The last traces, the oldest first. @type {Set<unknown>} */
  #traces = new Set();
  #call = new ApplicationCall((why) =>
    warn('SLOW_ENRICH', `\`enrich\` ${why}; it is not called any more.`),
  );

  /**
   * The tags and the metadata of a trace that begins; undefined if there are none, or it has begun before.
   * @param {unknown} trace identifies it
   * @param {object} event begins it
   * @returns {{ tags?: string[], metadata?: Record<string, unknown> } | undefined}
   */
  of(trace, event) {
    // A span that the function itself begins is not enriched.
    if (!this.#call.isAllowed || this.#traces.has(trace)) return undefined;
    this.#traces.add(trace);
    dropOldest(this.#traces, MAX_TRACES);
    try {
      return this.#call.run(() => checked(this.enrich(event)));
    } catch (error) {
      refuse(`threw (${classOf(error)})`);
      return undefined;
    }
  }
}

/**
 * The parts of a result that a row can hold; warns of the others.
 * @param {any} result
 */
function checked(result) {
  if (result === undefined || result === null) return undefined;
  if (types.isPromise(result) || typeof result.then === 'function') {
    // Keeps a rejection from ending the process.
    Promise.resolve(result).catch(() => {});
    return refuse('returned a promise: it must not be asynchronous');
  }
  if (typeof result !== 'object' || Array.isArray(result))
    return refuse('did not return an object');
  const tags = tagsOf(result.tags);
  const metadata = metadataOf(result);
  return { ...(tags.length > 0 && { tags }), ...(metadata && { metadata }) };
}

/** @param {unknown} given */
function tagsOf(given) {
  if (given === undefined || given === null) return [];
  const list = Array.isArray(given) ? given.slice(0, MAX_TAGS + 1) : [given];
  // A tag may come from a member that the event lacks: no warning.
  const all = list.filter((tag) => tag !== undefined && tag !== null);
  const tags = all.filter((tag) => typeof tag === 'string' && tag !== '' && tag.length <= MAX_TAG);
  if (tags.length < all.length || tags.length > MAX_TAGS) {
    refuse(
      `returned tags that are not strings of at most ${MAX_TAG} characters, or more than ${MAX_TAGS}`,
    );
  }
  return toJsonSafe([...new Set(tags.slice(0, MAX_TAGS))]);
}

/** @param {TraceFields} result */
function metadataOf({ metadata, user, session }) {
  const given = {
    ...(typeof metadata === 'object' && !Array.isArray(metadata) && metadata),
    ...(user !== undefined && user !== null && { user }),
    ...(session !== undefined && session !== null && { session }),
  };
  if (Object.keys(given).length === 0) return undefined;
  const safe = toJsonSafe(given);
  const { length } = JSON.stringify(safe);
  if (length <= MAX_METADATA) return safe;
  refuse(`returned metadata of more than ${MAX_METADATA} characters`);
  return { 'flue-braintrust.enrich': `[left out: ${length} characters]` };
}

/** Warns once for each mistake. @param {string} what @returns {undefined} */
function refuse(what) {
  const message = `\`enrich\` ${what}; the trace is sent without that.`;
  warn('BAD_ENRICH', message, message);
  return undefined;
}

module.exports = { Enrichment };
