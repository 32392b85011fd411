import type { Row } from '../../js/collector/types';

/**
 * Reads off Flue's own events what a trace must hold. Deliberately simple, and without any code or
 * idea of the translation: each start event is one span, found again by Flue's ids.
 */

export interface FlueEvent {
  type: string;
  isError?: boolean;
  // Flue's events are many; the reader looks at the members it needs.
  [member: string]: any;
}

/** One span that must be there. */
export interface Activity {
  name: string;
  type: 'task' | 'llm' | 'tool';
  /** Metadata by which the span is found. */
  ids: Record<string, string>;
  /** Metadata by which the span above it is found; null for a root. */
  parent: Record<string, string> | null;
  failed: boolean;
  usage?: Usage | undefined;
}

interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  cost: { total: number };
}

/** Every activity of a run of Flue 1.0-beta or 2.x. */
export function activities(events: FlueEvent[]): Activity[] {
  const wrappers = new Set(
    events
      .filter(({ type, operationKind }) => type === 'operation_start' && isWrapper(operationKind))
      .map(({ operationId }) => operationId),
  );
  const compacting = new Set<string>();
  const found: Activity[] = [];

  for (const event of events) {
    const { type, operationId, turnId, taskId, runId, toolCallId } = event;
    // A wrapper operation has no span: what it does lies below the run around it.
    const operation: Record<string, string> =
      operationId && !wrappers.has(operationId)
        ? { 'flue.operation_id': operationId, name: 'flue.' }
        : { 'flue.run_id': runId, name: 'workflow:' };
    const end = (kind: string, ids: Partial<FlueEvent>) =>
      events.find(
        (other) =>
          other.type === kind && Object.entries(ids).every(([id, value]) => other[id] === value),
      );

    switch (type) {
      case 'run_start':
        found.push({
          name: `workflow:${event.workflowName}`,
          type: 'task',
          ids: { 'flue.run_id': runId, name: 'workflow:' },
          parent: null,
          failed: isFailed(end('run_end', { runId })),
        });
        break;
      case 'operation_start': {
        if (wrappers.has(operationId)) break;
        const ended = end('operation', { operationId });
        found.push({
          name: `flue.${event.operationKind}`,
          type: 'task',
          ids: { 'flue.operation_id': operationId, name: 'flue.' },
          parent: taskId
            ? { 'flue.task_id': taskId, name: 'task:' }
            : runId
              ? { 'flue.run_id': runId, name: 'workflow:' }
              : null,
          failed: isFailed(ended),
          usage: ended?.usage,
        });
        break;
      }
      case 'turn_request': {
        const ended = end('turn', { turnId });
        found.push({
          name: `llm:${event.request.requestedModel}`,
          type: 'llm',
          ids: { 'flue.turn_id': turnId, name: 'llm:' },
          parent: event.purpose.startsWith('compaction')
            ? { 'flue.operation_id': operationId, name: 'compaction:' }
            : operation,
          failed: isFailed(ended),
          usage: ended?.response.usage,
        });
        break;
      }
      case 'tool_start':
        found.push({
          name: `tool:${event.toolName}`,
          type: 'tool',
          ids: { 'flue.tool_call_id': toolCallId, 'flue.operation_id': operationId, name: 'tool:' },
          parent: operation,
          failed: isFailed(end('tool', { toolCallId, operationId })),
        });
        break;
      case 'task_start':
        found.push({
          name: `task:${event.agent}`,
          type: 'task',
          ids: { 'flue.task_id': taskId, name: 'task:' },
          parent: toolCallId
            ? { 'flue.tool_call_id': toolCallId, 'flue.operation_id': operationId, name: 'tool:' }
            : operation,
          failed: isFailed(end('task', { taskId })),
        });
        break;
      case 'compaction_start': {
        compacting.add(operationId);
        const ended = end('compaction', { operationId });
        found.push({
          name: `compaction:${event.reason}`,
          type: 'task',
          ids: { 'flue.operation_id': operationId, name: 'compaction:' },
          parent: operation,
          failed: isFailed(ended),
          usage: ended?.usage,
        });
        break;
      }
      default:
    }
  }
  return found;
}

/** What is wrong with the rows, measured by the activities; nothing when all is well. */
export function faults(expected: Activity[], rows: readonly Row[]): string[] {
  const found: string[] = [];
  const find = (ids: Record<string, string>) =>
    rows.filter(({ metadata, span_attributes }: any) =>
      Object.entries(ids).every(([id, value]) =>
        id === 'name'
          ? span_attributes.name.startsWith(value)
          : value === undefined || metadata[id] === value,
      ),
    ) as any[];

  for (const { name, type, ids, parent, failed, usage } of expected) {
    const [row, ...more] = find(ids);
    const fault = (what: string) => found.push(`${name} ${JSON.stringify(ids)}: ${what}`);
    if (!row) {
      fault('is missing');
      continue;
    }
    if (more.length > 0) fault('is there more than once');
    if (row.span_attributes.name !== name) fault(`is named ${row.span_attributes.name}`);
    if (row.span_attributes.type !== type) fault(`has type ${row.span_attributes.type}`);
    if (!(row.metrics.end >= row.metrics.start)) fault('is not closed');
    if (((row.error ?? null) !== null) !== failed)
      fault(failed ? 'has no error' : `failed: ${row.error}`);

    if (parent === null) {
      if (row.span_parents) fault('is no root');
    } else {
      const [above] = find(parent);
      if (!above) fault(`has no parent ${JSON.stringify(parent)}`);
      else if (row.span_parents?.[0] !== above.span_id) fault('has the wrong parent');
      else if (row.root_span_id !== above.root_span_id) fault('is in another trace');
    }
    if (usage) {
      const { input, output, cacheRead, cacheWrite, totalTokens, cost } = usage;
      const tokens = {
        prompt_tokens: input + cacheRead + cacheWrite,
        completion_tokens: output,
        tokens: totalTokens,
        prompt_cached_tokens: cacheRead,
        prompt_cache_creation_tokens: cacheWrite,
        ...(cost.total > 0 && { estimated_cost: cost.total }),
      };
      for (const [metric, value] of Object.entries(tokens)) {
        if (row.metrics[metric] !== value)
          fault(`${metric} is ${row.metrics[metric]}, not ${value}`);
      }
    }
  }
  if (rows.length !== expected.length) {
    found.push(`there are ${rows.length} spans, not ${expected.length}`);
  }
  return found;
}

const isWrapper = (kind: string) => kind === 'task' || kind === 'shell';
const isFailed = (event: FlueEvent | undefined) => event?.isError === true;
