'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

/**
 * A tool call, by the ids of its own scope.
 * @typedef {{ toolCallId: string, turnId?: string, operationId?: string, runId?: string }} ToolCall
 */

/**
 * The Flue work that runs now, as far as its interceptors tell.
 * @type {AsyncLocalStorage<{ tool?: ToolCall }>}
 */
const context = new AsyncLocalStorage();

/** The tool call that runs now, if one does. */
const callingTool = () => context.getStore()?.tool;

/**
 * Runs the work of a Flue interceptor in its context. Gives what the work gives, throws what it throws.
 * @template T
 * @param {import('../index.d.ts').FlueOperation} operation
 * @param {import('../index.d.ts').FlueOperationContext} ctx
 * @param {() => T} next
 * @returns {T}
 */
function runInContext(operation, ctx, next) {
  // Called once per chunk of a stream: a model's work has no spans of its own.
  if (operation?.type === 'model') return next();
  const tool = toolOf(operation, ctx);
  // A task's child lies below the task, whatever tool raised it; a run begins anew.
  return context.run(tool === undefined ? {} : { tool }, next);
}

/**
 * @param {import('../index.d.ts').FlueOperation} operation
 * @param {import('../index.d.ts').FlueOperationContext} ctx
 * @returns {ToolCall | undefined}
 */
function toolOf(operation, ctx) {
  if (operation?.type !== 'tool' || operation.toolCallId === undefined) return undefined;
  return {
    toolCallId: operation.toolCallId,
    ...(ctx?.turnId !== undefined && { turnId: ctx.turnId }),
    ...(ctx?.operationId !== undefined && { operationId: ctx.operationId }),
    ...(ctx?.runId !== undefined && { runId: ctx.runId }),
  };
}

module.exports = { callingTool, runInContext };
