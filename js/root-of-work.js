'use strict';

// The root of Flue's work, before the core makes a span of it.

const { currentWork, flueContext } = require('./context.js');
const { toJson } = require('./json/json-string.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/**
 * The root of the work that an event of Flue's begins; undefined if it begins none.
 * @param {any} event
 * @param {Destination} destination that receives it
 * @param {Pick<import('./host.d.ts').Core, 'flueSpan'>} core
 * @returns {{ id: string, rootSpanId: string, isLeftOut?: boolean } | undefined}
 */
function rootOf(event, destination, core) {
  const { type, runId, submissionId, dispatchId, conversationId, operationId } = event;
  if (type !== 'run_start' && type !== 'run_resume' && type !== 'operation_start') return undefined;
  const id = runId ?? submissionId ?? dispatchId;
  const { span, destination: ofSpan } = currentWork() ?? {};
  // Outside of a run and a submission, an operation may be a part of other work.
  const ids =
    id === undefined
      ? (flueContext() ?? { operationId })
      : { runId, submissionId, dispatchId, conversationId };
  const [row, own] = core.flueSpan(toJson(ids));
  if (row === undefined || own === undefined) return undefined;
  const caller = destination.callerOf(event);
  if (caller !== undefined) return { id: row, rootSpanId: caller.rootSpanId };
  if (id === undefined && span !== undefined && ofSpan === destination) {
    return { id: row, rootSpanId: span.rootSpanId };
  }
  const [, traceId, , flags] = destination.caller()?.traceparent.split('-') ?? [];
  if (traceId === undefined) return { id: row, rootSpanId: own };
  // The caller leaves its trace out.
  return {
    id: row,
    rootSpanId: traceId,
    isLeftOut: (Number.parseInt(flags ?? '', 16) & 1) === 0,
  };
}

module.exports = { rootOf };
