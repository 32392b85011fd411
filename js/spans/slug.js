'use strict';

// The text by which spans find their parents in other processes, in the form of the `braintrust` package.

const { JSON } = require('../json/own-json.js');

/**
 * The ids of a span as one text, by which another process, or the `braintrust` package, starts spans below
 * it: base64 of a version, the kind of log, ids as bytes, and what is left as JSON.
 */

/** The version that is written: the only one that every release of the `braintrust` package reads. */
const WRITTEN = 3;

/** The kinds of what spans are in: the logs of a project, or an experiment. */
const EXPERIMENT = 1;
const PROJECT_LOGS = 2;

/** @type {Record<number, string>} */
const FIELDS = { 1: 'object_id', 2: 'row_id', 3: 'span_id', 4: 'root_span_id' };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/**
 * @typedef {object} SpanIds
 * @property {boolean} [isExperiment] whether the span is in an experiment
 * @property {string} [object_id] the project's, or the experiment's
 * @property {Record<string, unknown>} [compute_object_metadata_args] the project's name, while its id is unknown
 * @property {string} [row_id]
 * @property {string} [span_id]
 * @property {string} [root_span_id]
 * @property {Record<string, any>} [propagated_event] the update that every descendant gets
 */

/** @param {SpanIds} ids */
function writeSlug({ isExperiment = false, ...ids }) {
  /** @type {Record<string, unknown>} */
  const rest = ids;
  const entries = [];
  for (const [field, name] of Object.entries(FIELDS)) {
    const id = rest[name];
    if (typeof id !== 'string' || !UUID.test(id)) continue;
    entries.push(Buffer.from([Number(field)]), Buffer.from(id.replaceAll('-', ''), 'hex'));
    delete rest[name];
  }
  const head = Buffer.from([WRITTEN, isExperiment ? EXPERIMENT : PROJECT_LOGS, entries.length / 2]);
  return Buffer.concat([head, ...entries, Buffer.from(JSON.stringify(rest))]).toString('base64');
}

/**
 * Reads a slug of version 3 or 4. Nothing when it is none, or names nothing of a project or an experiment.
 * @param {string} slug
 * @returns {SpanIds | undefined}
 */
function readSlug(slug) {
  try {
    const bytes = Buffer.from(slug, 'base64');
    const [version, kind, entries] = bytes;
    if (version !== 3 && version !== 4) return undefined;
    if (kind !== PROJECT_LOGS && kind !== EXPERIMENT) return undefined;
    /** @type {Record<string, any>} */
    const ids = {};
    let at = 3;
    for (let entry = 0; entry < (entries ?? 0); entry++) {
      const name = FIELDS[bytes[at] ?? 0];
      // Version 4 has the ids of W3C, of which a span's is shorter.
      const length = version === 4 && name === 'span_id' ? 8 : 16;
      const id = bytes.subarray(at + 1, at + 1 + length);
      if (name === undefined || id.length < length) return undefined;
      const isUuid = version === 3 || name === 'object_id' || name === 'row_id';
      ids[name] = isUuid ? uuid(id) : id.toString('hex');
      at += 1 + length;
    }
    const rest = bytes.subarray(at).toString();
    if (rest !== '') Object.assign(ids, JSON.parse(rest));
    return kind === EXPERIMENT ? { ...ids, isExperiment: true } : ids;
  } catch {
    return undefined;
  }
}

/**
 * What a slug's span is in; undefined if the slug does not state it.
 * @param {SpanIds} ids
 * @returns {import('../slug-destinations.js').SpanObject | undefined}
 */
function spanObjectOf({ isExperiment, object_id: id, compute_object_metadata_args: args }) {
  if (isExperiment) return isText(id) ? { experimentId: id } : undefined;
  const projectId = id ?? args?.project_id;
  if (isText(projectId)) return { projectId };
  const projectName = args?.project_name;
  return isText(projectName) ? { projectName } : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isText(value) {
  return typeof value === 'string' && value !== '';
}

/**
 * What the spans of a destination are in, as slugs name it.
 * @param {InstanceType<typeof import('../destination.js').Destination>} destination
 * @returns {SpanIds}
 */
function objectOf(destination) {
  const { projectId, projectName, experimentId } = destination.traceDestination() ?? {};
  if (experimentId) return { isExperiment: true, object_id: experimentId };
  if (projectId) return { object_id: projectId };
  return { compute_object_metadata_args: { project_name: projectName } };
}

/** @param {Buffer} bytes */
function uuid(bytes) {
  const digits = bytes.toString('hex');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
}

module.exports = { objectOf, readSlug, spanObjectOf, writeSlug };
