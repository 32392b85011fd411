/** Made-up Flue 2.1 events: an operation whose one turn calls tools, as many and as large as wanted. */

/**
 * @param {string} name what makes its ids its own
 * @param {number} [now] when its events are, milliseconds since 1970; the real time by default
 */
export function operation(name, now) {
  const ids = {
    operationId: `op_${name}`,
    conversationId: `conv_${name}`,
    instanceId: 'greenhouse',
    agentName: 'Keeper',
    submissionId: `sub_${name}`,
    harness: 'default',
    session: 'default',
    v: 3,
  };
  const turnId = `turn_${name}`;
  const model = { providerId: 'greenhouse', requestedModel: 'moss-1', api: 'faux-messages' };
  let eventIndex = 0;
  const event = (type, more) => {
    const timestamp = new Date(now ?? Date.now()).toISOString();
    return Object.freeze({ type, ...ids, eventIndex: (eventIndex += 1), timestamp, ...more });
  };
  return {
    /** The operation and its turn have begun. */
    begin: () => [
      event('operation_start', { operationKind: 'prompt' }),
      event('turn_request', {
        turnId,
        purpose: 'agent',
        request: { ...model, input: { systemPrompt: '', messages: [], tools: [] } },
      }),
    ],
    /** A tool call has begun. @param {string | number} call */
    toolStart: (call) =>
      event('tool_start', {
        turnId,
        toolCallId: `call_${name}_${call}`,
        toolName: 'read_house',
        args: { house: 'orchids' },
      }),
    /** It has ended. @param {string | number} call @param {string} [text] its result */
    tool: (call, text = '{"ok":true}') =>
      event('tool', {
        turnId,
        toolCallId: `call_${name}_${call}`,
        toolName: 'read_house',
        durationMs: 0,
        isError: false,
        effectiveResult: text,
        result: { content: [{ type: 'text', text }], details: {} },
      }),
    /** The turn and the operation have ended. */
    end: () => [
      event('turn', {
        turnId,
        purpose: 'agent',
        durationMs: 0,
        isError: false,
        request: model,
        response: { output: { role: 'assistant', content: [{ type: 'text', text: 'Well.' }] } },
      }),
      event('operation', {
        operationKind: 'prompt',
        durationMs: 0,
        isError: false,
        result: { text: 'Well.' },
      }),
    ],
  };
}
