/**
 * Gives every activity of a run a name that is the same in every run of the scenario, from Flue's own
 * events and not from any span: prompts by their text, turns by their ordinal in the operation, tools
 * by name and call id, tasks by agent and prompt.
 */

const SHOWN_TEXT = 40;

/**
 * @param {object[]} events Flue's own
 * @returns {Map<string, string>} names, by what `activityKey` makes of an activity's ids
 */
export function nameActivities(events) {
  const prompts = promptTexts(events);
  const names = new Map();
  const counts = new Map();

  /** Equal names are distinguished by their ordinal. */
  const give = (key, name) => {
    if (names.has(key)) return;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    names.set(key, count === 1 ? name : `${name} #${count}`);
  };
  const operation = ({ operationId, runId }) =>
    names.get(`operation ${operationId}`) ?? names.get(`run ${runId}`) ?? 'elsewhere';

  for (const event of events) {
    const { type, runId, operationId, turnId, toolCallId, taskId } = event;
    if (type === 'run_start' || type === 'run_resume') {
      const input = JSON.stringify(event.input ?? event.payload ?? null);
      give(`run ${runId}`, `workflow ${event.workflowName} ${input}`);
    } else if (type === 'operation_start') {
      const text = prompts.get(operationId);
      give(
        `operation ${operationId}`,
        text ? `${event.operationKind} “${text}”` : event.operationKind,
      );
    } else if (type === 'turn_request') {
      give(`turn ${turnId}`, `${operation(event)} › ${event.purpose} turn`);
    } else if (type === 'tool_start') {
      const fixed = String(toolCallId).startsWith('call_') ? ` ${toolCallId}` : '';
      give(toolKey(event), `${operation(event)} › tool ${event.toolName}${fixed}`);
    } else if (type === 'task_start') {
      give(`task ${taskId}`, `task ${event.agent ?? ''} “${shorten(event.prompt)}”`);
    } else if (type === 'compaction_start') {
      give(`compaction ${operationId}`, `${operation(event)} › compaction`);
    }
  }
  return names;
}

/**
 * Which kind of activity a span is of, and by which key of the above it is known.
 *
 * @param {object} row
 * @returns {{ kind: string, key: string }}
 */
export function activityKey(row) {
  const { name = '' } = row.span_attributes ?? {};
  const ids = row.metadata ?? {};
  const operationId = ids['flue.operation_id'];
  if (name.startsWith('workflow:')) return { kind: 'workflow', key: `run ${ids['flue.run_id']}` };
  if (name === 'flue.turn' || name.startsWith('llm:')) {
    return { kind: 'turn', key: `turn ${ids['flue.turn_id']}` };
  }
  if (name.startsWith('tool:')) {
    const [runId, toolCallId] = [ids['flue.run_id'], ids['flue.tool_call_id']];
    return { kind: 'tool', key: toolKey({ operationId, runId, toolCallId }) };
  }
  if (name === 'flue.task' || name.startsWith('task:')) {
    return { kind: 'task', key: `task ${ids['flue.task_id']}` };
  }
  if (name.startsWith('compaction:'))
    return { kind: 'compaction', key: `compaction ${operationId}` };
  if (name.startsWith('flue.')) return { kind: 'operation', key: `operation ${operationId}` };
  return { kind: 'other', key: `span ${name}` };
}

const toolKey = ({ operationId, runId, toolCallId }) =>
  `tool ${operationId ?? runId} ${toolCallId}`;

/** The prompt of each operation: the last user message before its first turn. */
function promptTexts(events) {
  const texts = new Map();
  for (const { type, purpose, operationId, request, input } of events) {
    if (type !== 'turn_request' || purpose !== 'agent' || texts.has(operationId)) continue;
    const { messages } = request?.input ?? input;
    const message = messages.findLast(({ role }) => role === 'user');
    if (message) texts.set(operationId, shorten(textOf(message)));
  }
  return texts;
}

function textOf({ content }) {
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join(' ');
}

function shorten(text) {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > SHOWN_TEXT ? `${line.slice(0, SHOWN_TEXT - 1)}…` : line;
}
