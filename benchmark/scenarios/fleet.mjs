import { setImmediate as nextLoop } from 'node:timers/promises';
import { frozenClone } from '../frozen-clone.mjs';
import { CallTimes, measure } from '../meter.mjs';

/** How many turns are played before the exporter may deliver: no contender loses rows for lack of memory. */
const TURNS_PER_FLUSH = 200;
/** A warm-up of so many conversations; V8 has compiled the code after it. */
const WARM_UP = 16;

/**
 * Many conversations in one process, which take turns: each has its first turn, then each its second, and so on. A turn
 * calls a tool, whose result the next request of the conversation has. Each event is made right before it is handed
 * over, as Flue does; that is not timed.
 *
 * @param {import('../worker.mjs').Job} job `size` conversations
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run({ size, turns, resultBytes }, contender) {
  const { observe, flush, stats } = await contender.load();
  const play = async (label, count, observe) => {
    const conversations = Array.from({ length: count }, (_, number) => ({
      id: `${label}-${number}`,
      messages: [],
    }));
    let played = 0;
    for (let turn = 0; turn < turns; turn += 1) {
      for (const conversation of conversations) {
        for (const event of turnOf(conversation, turn, resultBytes)) observe(frozenClone(event));
        if ((played += 1) % TURNS_PER_FLUSH === 0) await flush();
        else await nextLoop();
      }
    }
    await flush();
    // What the application itself has of the conversations stays until the memory was measured.
    return conversations;
  };
  await play('warm-up', WARM_UP, observe);

  const calls = new CallTimes();
  const before = process.memoryUsage.rss();
  let rss = 0;
  const costs = await measure(async () => {
    const conversations = await play('measured', size, calls.timed(observe));
    rss = process.memoryUsage.rss() - before;
    conversations.length = 0;
  });
  const { byTurn: _byTurn, byKind: _byKind, ...times } = calls;
  return { ...costs, rss, calls: times, stats: stats?.() };
}

/** The events of one turn of a conversation, which gets its messages. */
function* turnOf({ id, messages }, turn, resultBytes) {
  const timestamp = new Date().toISOString();
  const base = {
    v: 3,
    timestamp,
    instanceId: id,
    agentName: 'Keeper',
    submissionId: `sub_${id}`,
    conversationId: `conv_${id}`,
    operationId: `op_${id}`,
    harness: 'default',
    session: 'default',
  };
  if (turn === 0) {
    yield { ...base, type: 'operation_start', operationKind: 'prompt' };
    messages.push({
      role: 'user',
      content: [{ type: 'text', text: `How do the houses of ${id} stand?` }],
    });
  }
  const turnId = `turn_${id}_${turn}`;
  const request = { providerId: 'greenhouse', requestedModel: 'moss-1', api: 'faux-messages' };
  const input = { systemPrompt: 'You keep a greenhouse.', messages, tools: TOOLS };
  yield { ...base, type: 'turn_request', turnId, purpose: 'agent', request: { ...request, input } };

  const call = { toolCallId: `call_${id}_${turn}`, toolName: 'read_house' };
  const args = { house: 'orchids', shelf: turn };
  const output = {
    role: 'assistant',
    content: [
      { type: 'text', text: `Turn ${turn}: to the instruments.` },
      { type: 'toolCall', id: call.toolCallId, name: call.toolName, arguments: args },
    ],
  };
  const usage = { input: 9, output: 9, cacheRead: 0, cacheWrite: 0, totalTokens: 18 };
  const response = { responseModel: 'moss-1', output, usage, finishReason: 'toolUse' };
  const result = `reading ${turn} of ${id}: 17.5 degrees `.padEnd(
    resultBytes,
    '81 percent humidity, ',
  );
  const content = [{ type: 'text', text: result }];
  yield {
    ...base,
    type: 'turn',
    turnId,
    purpose: 'agent',
    durationMs: 5,
    isError: false,
    request,
    response,
  };
  yield { ...base, type: 'tool_start', turnId, ...call, args };
  yield {
    ...base,
    type: 'tool',
    turnId,
    ...call,
    durationMs: 1,
    isError: false,
    result: { content, details: {} },
    effectiveResult: result,
  };
  messages.push(output, { role: 'toolResult', ...call, content, isError: false });
}

const TOOLS = [
  {
    name: 'read_house',
    description: 'Read the instruments of one of the houses.',
    parameters: {
      type: 'object',
      properties: { house: { type: 'string' }, shelf: { type: 'number' } },
      required: ['house', 'shelf'],
    },
  },
];
