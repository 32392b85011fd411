'use strict';

// Functions about spans that any process may have recorded at any time, named by ids.

const { read } = require('./arguments.js');
const { recordFeedback } = require('./feedback.js');
const { LINK, NOOP_SPAN } = require('./noop.js');
const { beginsTraces, namedParent, rowNamed } = require('./parents.js');
const { noLink, permalinkTo } = require('./permalink.js');
const { readSlug, spanObjectOf } = require('./slug.js');
const { Span } = require('./span.js');
const { sendsTo } = require('../slug-destinations.js');
const { HEX_32 } = require('./trace-context.js');
const { wallMs } = require('../wall-clock.js');
const { warn } = require('../warn.js');
const { warnOfCall } = require('../warn-of-call.js');

/** @typedef {InstanceType<typeof import('../destination.js').Destination>} Destination */
/** @typedef {InstanceType<typeof import('../exporter.js').Exporter>} Exporter */

/** What is warned of when `updateSpan` names no span of this package. */
const BAD_UPDATE =
  '`updateSpan` takes `exported`, or the `id` of a row, of a span of this package; this update is ignored.';

/** Flue's ids, from which those of a span follow. */
const FLUE_IDS = /** @type {const} */ ([
  'runId',
  'submissionId',
  'dispatchId',
  'conversationId',
  'operationId',
  'turnId',
  'toolCallId',
  'taskId',
]);

/**
 * The functions of the package, or of one logger.
 * @param {Exporter} exporter
 * @param {Destination} [own] that of the logger; by default, that of the span or of Flue's work, else the current one
 */
function pastSpansOf(exporter, own) {
  /**
   * Flue's span with these ids; undefined if they name none.
   * @param {unknown} ids
   */
  const find = (ids) => {
    const known = Object.fromEntries(FLUE_IDS.map((name) => [name, read(ids, name) ?? undefined]));
    const destination = own ?? exporter.destinationOfIds(known);
    const caller = destination.callerOf(known);
    const traceId = caller?.rootSpanId;
    const [id, rootSpanId] = exporter.spanIds({ ...known, traceId }) ?? [];
    if (id === undefined || rootSpanId === undefined) return undefined;
    return Span.ofFlue(destination, { id, rootSpanId }, caller?.inherited);
  };

  /**
   * Where feedback about a span of a destination goes: to that of the logger, unless it has opened the other one.
   * @param {Destination} ofSpan
   */
  const placeOf = (ofSpan) => (own === undefined || ofSpan.opener === own ? ofSpan : own);

  /**
   * The row that feedback is about, and where it goes.
   * @param {unknown} event
   * @returns {{ destination: Destination, id?: string, rootSpanId?: string }}
   */
  const targetOf = (event) => {
    const id = read(event, 'id');
    const span = read(event, 'span');
    const destination = own ?? exporter.current;
    if (typeof id === 'string') return { destination, id };
    if (typeof span === 'string') {
      const slug = readSlug(span);
      if (typeof slug?.row_id !== 'string') return { destination };
      return {
        destination: exporter.at(destination, spanObjectOf(slug)),
        id: slug.row_id,
        ...(slug.root_span_id && { rootSpanId: slug.root_span_id }),
      };
    }
    const found = span === undefined || span === null ? find(event) : span;
    const ofSpan = found instanceof Span ? Span.destinationOf(found) : undefined;
    const [row, trace] = [read(found, 'id'), read(found, 'rootSpanId')];
    const target = ofSpan === undefined ? destination : placeOf(ofSpan);
    // Found by Flue's ids, it may have joined the trace of a caller.
    const isInOwnTrace = () =>
      !target.traceDestination()?.distributed && exporter.knowsTrace(/** @type {any} */ (event));
    const isKnown = found === span || isInOwnTrace();
    return {
      destination: target,
      ...(typeof row === 'string' && { id: row }),
      ...(isKnown && typeof trace === 'string' && { rootSpanId: trace }),
    };
  };

  /**
   * @param {import('../../index.d.ts').FeedbackTarget & import('../../index.d.ts').Feedback} event
   * @param {'api'} [source] used when the event has none
   */
  const record = (event, source) => {
    try {
      const { destination, ...target } = targetOf(event);
      if (destination.isOn) recordFeedback(destination, target, event, source);
    } catch (error) {
      warnOfCall('Feedback could not be recorded', error);
      // Without a span it is counted as invalid.
      (own ?? exporter.current).record({ type: 'feedback', timestamp: wallMs() }, 'Start');
    }
  };

  /** @type {typeof import('../../index.d.ts').logFeedback} */
  const logFeedback = (event) => record(event);

  /** @type {typeof import('../../index.d.ts').logScores} */
  const logScores = (event) => record(event, 'api');

  /** @type {typeof import('../../index.d.ts').flueSpan} */
  const flueSpan = (ids) => {
    const span = find(ids);
    if (span === undefined && (own ?? exporter.current).isOn) {
      warn(
        'NO_SPAN',
        'flueSpan was given no ids of a span: it needs a `submissionId` (of a keyed dispatch also the `conversationId`), a `dispatchId`, a `runId` or an `operationId`.',
      );
    }
    if (span === undefined || !Span.destinationOf(span).isOn) return NOOP_SPAN;
    Span.destinationOf(span).awaitRoot(span.rootSpanId);
    return span;
  };

  /** @type {typeof import('../../index.d.ts').permalink} */
  const permalink = async (target, options) => {
    try {
      return await linkOf(target, options);
    } catch {
      return noLink('unreadable-arguments');
    }
  };

  /** @type {typeof import('../../index.d.ts').permalink} */
  const linkOf = async (target, options) => {
    if (target === '' || target === NOOP_SPAN) return LINK;
    const slug = typeof target === 'string' ? readSlug(target) : undefined;
    const isNamed = typeof target === 'string' || typeof read(target, 'id') === 'string';
    const span = isNamed ? target : flueSpan(/** @type {any} */ (target));
    if (span === NOOP_SPAN) return LINK;
    const id = slug === undefined ? read(span, 'id') : slug.row_id;
    if (typeof id !== 'string') return noLink('no-span');
    const ofTarget = span instanceof Span ? Span.destinationOf(span) : exporter.current;
    const object = slug && spanObjectOf(slug);
    const destination = exporter.at(placeOf(ofTarget), object, true);
    const { orgName, appUrl } = options ?? {};
    return permalinkTo(destination, id, {
      ...(object && namedTarget(destination, object)),
      ...(orgName && { orgName }),
      ...(appUrl && { appUrl }),
    });
  };

  /** @type {typeof import('../../index.d.ts').updateSpan} */
  const updateSpan = (event) => {
    try {
      const exported = read(event, 'exported') || undefined;
      const context = exported === undefined ? rowNamed(event) : namedParent(exported, 'exported');
      const destination = exporter.at(own ?? exporter.current, context?.object);
      if (context === undefined || !destination.isOn) return;
      const isOurs = !beginsTraces(context) && HEX_32.test(context.id);
      if (isOurs) Span.update(destination, context, event);
      else warn('BAD_SPAN', BAD_UPDATE, BAD_UPDATE);
    } catch (error) {
      warnOfCall('A span could not be changed', error);
    }
  };

  return { flueSpan, logFeedback, logScores, permalink, updateSpan };
}

/**
 * What a slug states of its span's project or experiment, as far as the destination does not know it better.
 * @param {Destination} destination
 * @param {import('../slug-destinations.js').SpanObject} object
 */
function namedTarget(destination, object) {
  if (object.projectName === undefined) return object;
  // The id of the destination's project is that of another one.
  return sendsTo(destination, object) ? {} : { ...object, projectId: '' };
}

module.exports = { pastSpansOf };
