'use strict';

// Adds to the text of an event that begins work what is known of its caller.

const { member, withMembers } = require('./event-text.js');
const { JSON } = require('./json/own-json.js');
const { stringify } = require('./json/stringify.js');

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */
/** @typedef {import('./context.js').Work} Work */

/** Whether an event begins a run, or resumes it. @param {unknown} type */
const isRunStart = (type) => type === 'run_start' || type === 'run_resume';

/**
 * Whether an operation is a part of other work, as far as its event and the async context know.
 * @param {any} event
 * @param {Work | undefined} work that which runs now
 * @param {Destination} [destination] a span of another one is not a caller
 */
function isWithin(event, work, destination) {
  const caller = destination?.callerOf(event);
  if (caller !== undefined) return caller.isWithin;
  if (isPart(event, work)) return true;
  if (isRunStart(event.type)) return false;
  return work?.span !== undefined && work.destination === destination && isOfWork(event, work);
}

/**
 * Whether the async context is that of the work of an event. Flue processes all submissions in the context of whoever
 * dispatched the first one, unless its interceptors are followed.
 * @param {any} event
 * @param {Work | undefined} work
 */
function isOfWork({ submissionId, dispatchId }, work) {
  return (submissionId ?? dispatchId) === undefined || work?.root !== undefined;
}

/**
 * Whether an event is of a run or a dispatch that the async context does not know: one of Flue 0.x, which has no
 * interceptors, below a tool call of a later release. It is nearer than the tool call.
 * @param {any} event
 * @param {import('./context.js').Root | undefined} root of the work that runs now
 */
function isOfOtherRoot({ runId, dispatchId }, root) {
  if (runId !== undefined) return runId !== root?.runId;
  return dispatchId !== undefined && dispatchId !== root?.dispatchId;
}

/**
 * Adds the caller of the run or the operation, as far as the async context knows it: the tool call, the custom
 * span, and the trace context of another program.
 * @param {any} event
 * @param {Work | undefined} work that which runs now
 * @param {Destination} [destination] a span of another one is not a caller
 */
function withCaller(event, work, destination) {
  const text = stringify(event);
  const caller = destination?.callerOf(event);
  const inherited = isPart(event, work) ? undefined : caller?.inherited;
  if (work === undefined) return withNamedCaller(text, caller, inherited);
  const { span, root, tool } = work;
  const name = isOfWork(event, work) ? '$callingSpan' : '$outerSpan';
  // If the whole run is below this span, it does not call a part of it.
  const isCalling =
    span !== undefined && work.destination === destination && span.spanId !== caller?.spanId;
  const calling = isCalling ? `,"${name}":${JSON.stringify(span.id)}` : '';
  const callingTool = isOfOtherRoot(event, root) ? undefined : tool;
  const added =
    member('$callingTool', callingTool) + calling + member('$traceCarrier', root?.carrier);
  const isNear = isCalling && name === '$callingSpan';
  return withNamedCaller(withMembers(text, added), caller, isNear ? span.inherited : inherited);
}

/**
 * Whether an event begins a part of a run or a submission: the native part knows what the spans of that get.
 * @param {any} event
 * @param {Work | undefined} work that which runs now
 */
function isPart({ type, runId, taskId }, work) {
  if (isRunStart(type)) return false;
  return runId !== undefined || taskId !== undefined || work?.tool !== undefined;
}

/**
 * Adds the span under which the application runs the work, and what the spans of the work get.
 * @param {string} text an object's JSON
 * @param {import('./callers.js').Caller | undefined} caller
 * @param {import('./context.js').Inherited} [inherited]
 */
function withNamedCaller(text, caller, inherited) {
  if (caller === undefined && inherited === undefined) return text;
  const propagated = member('$propagated', inherited?.flueUpdate);
  if (caller === undefined) return withMembers(text, propagated);
  const { spanId, rootSpanId, isWithin } = caller;
  return withMembers(text, member('$caller', { spanId, rootSpanId, isWithin }) + propagated);
}

module.exports = { isRunStart, isWithin, withCaller, withNamedCaller };
