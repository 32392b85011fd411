import type { Sent } from './spans';

/** A prompt to an agent, as the exporter sends it: its root, a model turn that calls a tool, the tool, a reply. */
export interface Prompt {
  trace: number;
  agent?: string;
  model?: string;
  question?: string;
  answer?: string;
  conversation?: string;
  instance?: string;
  /** Seconds, from the beginning of the first trace. */
  start?: number;
  took?: number;
  tokens?: number;
  cost?: number;
  /** Fails the tool. */
  error?: string;
  metadata?: Record<string, unknown>;
}

/** The spans of a prompt; all have ended. */
export function promptSpans({
  trace,
  agent = 'gardener',
  model = 'moss-1',
  question = `question ${trace}`,
  answer = `answer ${trace}`,
  conversation = `conv-${trace}`,
  instance = `${agent}-1`,
  start = trace * 10,
  took = 4,
  tokens = 100,
  cost,
  error,
  metadata = {},
}: Prompt): Sent[] {
  const ids = {
    'flue.agent_name': agent,
    'flue.instance_id': instance,
    'flue.conversation_id': conversation,
  };
  const llm = { trace, parent: 0, name: `llm:${model}`, type: 'llm' };
  const usage = { tokens: tokens / 2, ...(cost === undefined ? {} : { estimated_cost: cost / 2 }) };
  const tools = [{ type: 'function', function: { name: 'water', description: 'Waters a bed.' } }];
  return [
    {
      n: 0,
      trace,
      name: 'flue.prompt',
      start,
      end: start + took,
      input: question,
      output: answer,
      metadata: { ...ids, 'flue.operation': 'prompt', ...metadata },
    },
    {
      n: 1,
      ...llm,
      start,
      end: start + took / 4,
      metrics: usage,
      input: [{ role: 'user', content: question }],
      output: [{ message: { role: 'assistant', content: null, tool_calls: [] } }],
      metadata: { ...ids, model, tools, 'flue.turn_purpose': 'agent' },
    },
    {
      n: 2,
      trace,
      parent: 0,
      name: 'tool:water',
      type: 'tool',
      start: start + took / 4,
      end: start + took / 2,
      input: { bed: 7 },
      ...(error === undefined ? { output: 'watered' } : { error }),
      metadata: ids,
    },
    {
      n: 3,
      ...llm,
      start: start + took / 2,
      end: start + took,
      metrics: usage,
      input: [{ role: 'user', content: question }],
      output: [
        { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: answer } },
      ],
      metadata: { ...ids, model, tools, 'flue.turn_purpose': 'agent' },
    },
  ];
}

/** A model turn or a tool of an operation, by its name, below the root; takes a second. */
export const part = (
  n: number,
  operation: string,
  name: string,
  start: number,
  rest = {},
): Sent => ({
  n,
  parent: 0,
  name,
  type: name.startsWith('llm:') ? 'llm' : 'tool',
  start,
  end: start + 1,
  metadata: { 'flue.operation_id': operation },
  ...rest,
});
