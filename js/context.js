'use strict';

// The async context: which work of Flue's and which custom span runs now.

const { AsyncLocalStorage, types } = require('./builtins/index.js');
const { follow } = require('./promises.js');

/**
 * A tool call, by the ids of its own scope.
 * @typedef {{ toolCallId: string, turnId?: string, operationId?: string, runId?: string }} ToolCall
 */

/** @typedef {{ readonly traceparent: string, readonly tracestate?: string }} TraceCarrier */

/**
 * The root of a trace of Flue's. The conversation and the operation are known once the operation has started.
 * @typedef {object} Root
 * @property {string} [runId]
 * @property {string} [submissionId]
 * @property {string} [dispatchId]
 * @property {string} [conversationId]
 * @property {string} [operationId]
 * @property {TraceCarrier} [carrier] the trace context of the caller
 * @property {Pick<Work, 'span' | 'destination' | 'call'>} [caller] the work that has called a run
 */

/** @typedef {import('./spans/arguments.js').Inherited} Inherited */

/** A custom span, as far as it matters here. @typedef {{ id: string, spanId: string, rootSpanId: string, isRemote: boolean, inherited: Inherited }} CustomSpan */

/** A call of a function of the application within a span. @typedef {{ hasReturned: boolean }} Call */

/** @typedef {InstanceType<typeof import('./destination.js').Destination>} Destination */

/**
 * The work that runs now.
 * @typedef {object} Work
 * @property {Root} [root]
 * @property {string} [operationId] the innermost operation
 * @property {ToolCall} [tool] the innermost tool call
 * @property {string} [turnId] the model turn, in the code of the model's provider
 * @property {Work} [provider] the work of the last model call in it: the same for each chunk of a stream
 * @property {string} [traceId] the trace, where it is not the root's
 * @property {Inherited} [inherited] what its spans get, where that is not what the root's caller passes on
 * @property {CustomSpan} [span] the innermost custom span
 * @property {Call} [call] the call of the function that runs within that span
 * @property {Destination} [destination] that of the span, or of the innermost scope of a logger; none: that of the root
 * @property {Destination} [scope] that of the innermost scope of a logger
 * @property {boolean} [isDetached] whether no span is the current one although work of Flue's runs
 * @property {boolean} [isUntraced] whether it is work of this package, in which the application's spans record nothing
 */

/**
 * The work that runs now, as far as Flue's interceptors and custom spans report it.
 * @type {InstanceType<typeof AsyncLocalStorage<Work>>}
 */
const context = new AsyncLocalStorage();

/** The work that runs now; undefined outside of Flue's work and custom spans. */
const currentWork = () => context.getStore();

/**
 * Runs work of this package that calls what the application may have wrapped, such as `fetch`, or functions of the
 * application: spans would record what delivers them, without end. Returns and throws what the work does.
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
const untraced = (work) => context.run({ isUntraced: true }, work);

/** Whether the application's spans record nothing now. */
const isUntraced = () => context.getStore()?.isUntraced === true;

/** How many spans and works of Flue's have begun. */
let begun = 0;

/** A number that is higher for each span and each work of Flue's that begins. Clocks may stand still. */
const nextInOrder = () => ++begun;

/**
 * Runs a function within a custom span.
 * @template T
 * @param {CustomSpan} span
 * @param {Destination} destination of the span
 * @param {() => T} work
 * @returns {T}
 */
function runInSpan(span, destination, work) {
  const call = { hasReturned: false };
  const store = { ...context.getStore(), provider: undefined, span, destination, call };
  const returned = () => void (call.hasReturned = true);
  let result;
  try {
    result = context.run(store, work);
  } catch (error) {
    returned();
    throw error;
  }
  const followed = types.isPromise(result) ? follow(result, returned, returned) : undefined;
  if (followed === undefined) returned();
  return followed ?? result;
}

/**
 * Runs a function within which no span is the current one: its spans begin traces, where those of the work around it
 * go.
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
function runDetached(work) {
  const outer = context.getStore();
  const nothing = { provider: undefined, span: undefined, call: undefined };
  return context.run({ ...outer, ...nothing, isDetached: true }, work);
}

/**
 * Runs a function whose spans go to a destination.
 * @template T
 * @param {Destination} destination
 * @param {boolean} isHere whether the work that runs now goes there: else its spans are not parents
 * @param {() => T} work
 * @returns {T}
 */
function runAt(destination, isHere, work) {
  const outer = isHere
    ? { ...context.getStore(), provider: undefined }
    : { isUntraced: isUntraced() };
  return context.run({ ...outer, destination, scope: destination }, work);
}

/**
 * Runs the work of a Flue interceptor in its context. Returns and throws what the work does.
 * @template T
 * @param {import('../index.d.ts').FlueOperation} operation
 * @param {import('../index.d.ts').FlueOperationContext} ctx
 * @param {() => T} next
 * @param {Destination} [destination] of the work; by default, that of its root
 * @returns {T}
 */
function runInContext(operation, ctx, next, destination) {
  let work;
  try {
    const outer = context.getStore();
    work =
      operation?.type === 'model'
        ? modelCall(outer, operation, ctx, destination)
        : within(outer, operation, ctx, destination);
  } catch {
    // What cannot be read must not keep the work from running.
    return next();
  }
  return context.run(work, next);
}

/**
 * The work of a model call. Called once per chunk of a stream, so the last one is kept.
 * @param {Work | undefined} outer
 * @param {import('../index.d.ts').FlueOperation} operation
 * @param {import('../index.d.ts').FlueOperationContext} ctx
 * @param {Destination} [destination]
 * @returns {Work}
 */
function modelCall(outer, operation, ctx, destination = outer?.destination) {
  const turnId = operation.turnId ?? ctx?.turnId;
  const last = outer?.provider;
  if (last !== undefined && last.turnId === turnId && last.destination === destination) return last;
  const work = { ...within(outer, operation, ctx, destination), turnId };
  if (outer !== undefined) outer.provider = work;
  return work;
}

/**
 * @param {Work | undefined} outer
 * @param {import('../index.d.ts').FlueOperation} operation
 * @param {import('../index.d.ts').FlueOperationContext} ctx
 * @param {Destination} [destination]
 * @returns {Work}
 */
function within(outer, operation, ctx, destination) {
  const type = operation?.type;
  const { submissionId, dispatchId, traceCarrier: carrier } = ctx ?? {};
  if (type === 'workflow') {
    const runId = operation.runId ?? ctx?.runId;
    // Registered twice, the run is work of its own to the inner one.
    const isSame = runId !== undefined && outer?.root?.runId === runId;
    const caller = isSame ? outer.root?.caller : callerIn(outer);
    return { root: { runId, carrier, caller }, destination };
  }
  if (submissionId !== undefined || dispatchId !== undefined) {
    return { root: { submissionId, dispatchId, carrier }, destination };
  }
  const operationId = ctx?.operationId ?? operation?.operationId;
  // Outside of a run and a submission an operation is a root of its own.
  const { runId } = ctx ?? {};
  const root = outer?.root ?? (runId === undefined ? { operationId } : { runId });
  // The operation may have started before its first event.
  root.conversationId ??= ctx?.conversationId;
  const isHere = destination === undefined || destination === outer?.destination;
  const traceId = isHere ? (outer?.span?.rootSpanId ?? outer?.traceId) : undefined;
  const inherited = isHere ? (outer?.span?.inherited ?? outer?.inherited) : undefined;
  const tool = toolOf(operation, ctx);
  // The parent of a task's child is the task, whatever tool raised it.
  const target = { destination: destination ?? outer?.destination, scope: outer?.scope };
  return { root, operationId, traceId, inherited, ...target, ...(tool !== undefined && { tool }) };
}

/**
 * What is needed of the work that calls a run. Not its root: runs that begin one another would keep all of them.
 * @param {Work | undefined} outer
 */
function callerIn(outer) {
  if (outer?.span === undefined) return undefined;
  const { span, destination, call } = outer;
  return { span, destination, call };
}

/**
 * An id as text, as the native part reads it in an event; undefined if it is none.
 * @param {unknown} id
 */
function idOf(id) {
  const isId = typeof id === 'string' || typeof id === 'boolean' || typeof id === 'bigint';
  return (isId && id !== '') || Number.isFinite(id) ? String(id) : undefined;
}

/**
 * The tool call of an operation. One without an id has the id that the native part makes of the tool's name.
 * @param {import('../index.d.ts').FlueOperation} operation
 * @param {import('../index.d.ts').FlueOperationContext} ctx
 * @returns {ToolCall | undefined}
 */
function toolOf(operation, ctx) {
  if (operation?.type !== 'tool') return undefined;
  const { toolCallId, toolName } = operation;
  return {
    toolCallId: idOf(toolCallId) ?? `missing:${typeof toolName === 'string' ? toolName : ''}`,
    ...(ctx?.turnId !== undefined && { turnId: ctx.turnId }),
    ...(ctx?.operationId !== undefined && { operationId: ctx.operationId }),
    ...(ctx?.runId !== undefined && { runId: ctx.runId }),
  };
}

/**
 * Notes the ids of an operation that starts, if it is the root of the submission that runs now.
 * @param {{ operationId?: string, conversationId?: string, taskId?: string }} event
 */
function noteOperation({ operationId, conversationId, taskId }) {
  const work = context.getStore();
  const root = work?.root;
  if (root === undefined || root.runId !== undefined || taskId !== undefined || work?.tool) return;
  // A conversation never runs two operations at once: the later one resumes the root.
  if (root.operationId === undefined || root.conversationId === conversationId) {
    root.conversationId = conversationId;
    root.operationId = operationId;
  }
}

/**
 * Whether Flue emits events of a type within the call of the work that they begin.
 * @param {unknown} type
 */
const isCall = (type) => type === 'submission_queued' || type === 'run_start';

/**
 * The work that calls what an event of Flue's begins, if a custom span is in it. Flue emits `submission_queued` and
 * `run_start` within the call; all later events of a submission come in the context of the first call of Flue.
 * @param {{ type?: unknown, runId?: unknown }} event
 * @param {boolean} isFollowed whether Flue's interceptors are followed: without them, the context in a tool may be that
 *   of a call that has returned
 * @returns {(Work & { span: CustomSpan, destination: Destination }) | undefined}
 */
function callingWork({ type, runId }, isFollowed) {
  if (!isCall(type)) return undefined;
  const current = context.getStore();
  const isOwn = type === 'run_start' && runId !== undefined && current?.root?.runId === runId;
  const work = isOwn ? current?.root?.caller : current;
  if (work?.span === undefined || work.destination === undefined) return undefined;
  if (!isFollowed && work.call?.hasReturned !== false) return undefined;
  return /** @type {any} */ (work);
}

/**
 * Flue's ids of the work that runs now, as the native part takes them; undefined outside of Flue's work.
 * @returns {Record<string, unknown> | undefined}
 */
function flueContext() {
  const { root, operationId, turnId, tool, traceId } = context.getStore() ?? {};
  if (root === undefined) return undefined;
  const { runId, submissionId, dispatchId, conversationId } = root;
  // A delivery whose operation has not begun has no span.
  const isDelivery = submissionId !== undefined || dispatchId !== undefined;
  if (isDelivery && conversationId === undefined) return undefined;
  return {
    runId,
    submissionId,
    dispatchId,
    conversationId,
    rootOperationId: root.operationId,
    // A tool call without one is named by its root alone: `harness.shell` on 1.0-beta.
    operationId: operationId ?? (tool === undefined ? root.operationId : undefined),
    turnId,
    traceId,
    ...tool,
  };
}

module.exports = {
  callingWork,
  currentWork,
  isCall,
  nextInOrder,
  noteOperation,
  runAt,
  runDetached,
  runInContext,
  runInSpan,
  flueContext,
  isUntraced,
  untraced,
};
