'use strict';

// The W3C trace context of outgoing calls.

/** What W3C allows. */
const MOST_MEMBERS = 64;
const MOST_BYTES = 8192;
/** How many pairs of a list of headers are looked at. Node's limit for a request is 2,000. */
const MAX_PAIRS = 2000;

/** The form of the ids of spans. */
const HEX_16 = /^[0-9a-f]{16}$/;
/** The form of the ids of traces and rows. */
const HEX_32 = /^[0-9a-f]{32}$/;

const OWN = 'braintrust.parent';
/** Members of objects that spans are in, by the kinds that `braintrust.parent` has. */
const OBJECTS = /** @type {const} */ ({
  experiment_id: 'experimentId',
  project_id: 'projectId',
  project_name: 'projectName',
});

/**
 * Writes where a span stands to the headers of an outgoing call: `traceparent`, the caller's `tracestate`, and
 * the project or the experiment in `baggage`. Nothing where the ids are not those of W3C. Gives the same headers. Never
 * throws.
 * @template {object} T
 * @param {T} headers an object, `Headers`, a request of Node's, a reply of Fastify's, or a list of pairs
 * @param {{ spanId: string, rootSpanId: string }} context
 * @param {{ projectId?: string | null, projectName?: string, experimentId?: string | null } | undefined} where
 * @param {import('../context.js').TraceCarrier} [caller] whose flags and state are passed on
 * @param {boolean} [isRecorded] whether the trace is recorded
 * @returns {T}
 */
function inject(headers, { spanId, rootSpanId }, where, caller, isRecorded = true) {
  if (!HEX_16.test(spanId) || !HEX_32.test(rootSpanId)) return headers;
  try {
    const { all, set } = accessTo(headers);
    const flags = isRecorded ? (caller?.traceparent.slice(-2) ?? '01') : '00';
    set('traceparent', `00-${rootSpanId}-${spanId}-${flags}`);
    if (caller?.tracestate !== undefined) set('tracestate', caller.tracestate);
    if (where !== undefined) {
      const own = `${OWN}=${encodeURIComponent(parentIn(where))}`;
      set('baggage', baggage(joined(all('baggage')), own));
    }
  } catch {
    // A call that cannot be given headers is made without.
  }
  return headers;
}

/**
 * What the spans are in, as `braintrust.parent` names it.
 * @param {{ projectId?: string | null, projectName?: string, experimentId?: string | null }} where
 */
function parentIn({ projectId, projectName, experimentId }) {
  if (experimentId) return `experiment_id:${experimentId}`;
  return projectId ? `project_id:${projectId}` : `project_name:${projectName}`;
}

/** @param {string | undefined} baggage */
const baggageMembers = (baggage) => (baggage ?? '').split(',').map((member) => member.trim());

/** Whether a member names what spans are in. @param {string} member */
const isOwn = (member) => member.split(/[=;]/)[0]?.trim() === OWN;

/**
 * @param {string | undefined} others what is there
 * @param {string} own
 */
function baggage(others, own) {
  const members = [own];
  let bytes = Buffer.byteLength(own);
  for (const member of baggageMembers(others)) {
    if (member === '' || isOwn(member)) continue;
    bytes += Buffer.byteLength(member) + 1;
    // Whole members only; the last ones are left out.
    if (members.length === MOST_MEMBERS || bytes > MOST_BYTES) break;
    members.push(member);
  }
  return members.join(',');
}

/** @typedef {{ all(name: string): unknown[], set(name: string, value: string): void }} Access */

/**
 * Access to the values of headers, which may come more than once, and lists; setting one replaces them all.
 * @param {any} headers
 * @returns {Access}
 */
function accessTo(headers) {
  if (Array.isArray(headers)) return accessToPairs(headers);
  const among = (/** @type {string[]} */ ...names) =>
    names.find((name) => typeof headers[name] === 'function');
  const getter = among('getHeader', 'get');
  // The last one is that of Fastify's replies.
  const setter = among('setHeader', 'set', 'header');
  const { all, set } = accessToMembers(headers);
  return {
    all: getter === undefined ? all : (name) => [headers[getter](name)].flat(),
    set: setter === undefined ? set : (name, value) => headers[setter](name, value),
  };
}

/**
 * @param {any[]} pairs
 * @returns {Access}
 */
function accessToPairs(pairs) {
  const is = (/** @type {string} */ name) => (/** @type {any} */ pair) =>
    String(pair?.[0]).toLowerCase() === name;
  return {
    all: (name) =>
      pairs
        .slice(0, MAX_PAIRS)
        .filter(is(name))
        .flatMap((pair) => pair[1]),
    set: (name, value) => {
      const first = pairs.findIndex(is(name));
      if (first < 0) {
        pairs.push([name, value]);
        return;
      }
      for (let at = pairs.length - 1; at > first; at--) {
        if (is(name)(pairs[at])) pairs.splice(at, 1);
      }
      pairs[first] = [name, value];
    },
  };
}

/**
 * @param {any} headers
 * @returns {Access}
 */
function accessToMembers(headers) {
  const named = (/** @type {string} */ name) =>
    Object.keys(headers).filter((key) => key.toLowerCase() === name);
  return {
    all: (name) => named(name).flatMap((key) => headers[key]),
    set: (name, value) => {
      for (const key of named(name)) delete headers[key];
      headers[name] = value;
    },
  };
}

/**
 * One text of all values, as W3C joins them; undefined without one.
 * @param {unknown[]} values
 */
function joined(values) {
  const texts = values.filter((value) => typeof value === 'string').map((text) => text.trim());
  return texts.length === 0 ? undefined : texts.filter((text) => text !== '').join(',');
}

/** The headers of a trace context. */
const HEADERS = /** @type {const} */ (['traceparent', 'tracestate', 'baggage']);

/**
 * The ids in the `traceparent` of headers, with what is passed on to calls; undefined without a valid one. Never throws.
 * @param {unknown} headers
 * @returns {{ spanId: string, rootSpanId: string, carrier: import('../context.js').TraceCarrier } | undefined}
 */
function traceContextOf(headers) {
  const { traceparent = '', tracestate } = headersOf(headers) ?? {};
  const [, rootSpanId, spanId] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent) ?? [];
  if (rootSpanId === undefined || spanId === undefined) return undefined;
  if (/^0+$/.test(rootSpanId) || /^0+$/.test(spanId)) return undefined;
  const carrier = { traceparent, ...(tracestate && { tracestate }) };
  return { spanId, rootSpanId, carrier };
}

/**
 * The trace context in the headers of a request, for `parent`; undefined without a valid one. Never throws.
 * @param {unknown} headers an object, `Headers`, a request, or a list of pairs
 * @returns {Record<string, string> | undefined}
 */
function extract(headers) {
  const found = headersOf(headers);
  return traceContextOf(found) === undefined ? undefined : found;
}

/**
 * @param {any} given
 * @returns {Record<string, string> | undefined}
 */
function headersOf(given) {
  if (typeof given !== 'object' || given === null) return undefined;
  try {
    // Of a request, its headers.
    const nested = given.headers;
    const headers = typeof nested === 'object' && nested !== null ? nested : given;
    const { all } = accessTo(headers);
    /** @type {Record<string, string>} */
    const found = {};
    for (const name of HEADERS) {
      const values = all(name);
      // There is one parent: the first.
      const value = joined(name === 'traceparent' ? values.slice(0, 1) : values);
      if (value !== undefined) found[name] = value;
    }
    return found;
  } catch {
    return undefined;
  }
}

/**
 * What the caller's spans are in, as `baggage` names it; undefined if it does not. Never throws.
 * @param {unknown} headers
 * @returns {import('../slug-destinations.js').SpanObject | undefined}
 */
function objectIn(headers) {
  const own = baggageMembers(headersOf(headers)?.baggage).find(isOwn);
  const value = /=([^;]*)/.exec(own ?? '')?.[1]?.trim();
  if (value === undefined) return undefined;
  try {
    const [, kind, name] =
      /^(experiment_id|project_id|project_name):(.+)$/s.exec(decodeURIComponent(value)) ?? [];
    return kind === undefined
      ? undefined
      : { [OBJECTS[/** @type {keyof typeof OBJECTS} */ (kind)]]: name };
  } catch {
    // It is not percent-encoded.
    return undefined;
  }
}

module.exports = { HEX_16, HEX_32, extract, inject, objectIn, traceContextOf };
