/** Names, places and lengths of spans. */

const last = (path) => path.split(' › ').at(-1);

/** @type {import('./rules.mjs').Rule[]} */
export const treeRules = [
  {
    id: 'turn-names',
    sort: 'form',
    reason: 'a turn is named after its model',
    explains: ({ kind, field, official, ours, spans }) =>
      kind === 'turn' &&
      field === 'name' &&
      official === 'flue.turn' &&
      ours === `llm:${spans.ours.row.metadata.model}`,
  },
  {
    id: 'detached-prompts',
    sort: 'corrected',
    reason: 'a prompt lies below the run, tool or hook that made it',
    explains: ({ kind, field, official, ours }) =>
      kind === 'operation' && field === 'parent' && official === '(root)' && ours !== '(root)',
  },
  {
    id: 'tasks-below-tools',
    sort: 'corrected',
    reason: 'a task lies below the tool call that delegated it',
    explains: ({ kind, field, ours }) =>
      kind === 'task' && field === 'parent' && last(ours) === 'tool:task',
  },
  {
    id: 'work-below-operations',
    sort: 'corrected',
    reason: 'a subagent’s turns and tools lie below its own prompt',
    explains: ({ kind, field, official, ours, spans }) =>
      (kind === 'turn' || kind === 'tool') &&
      field === 'parent' &&
      last(official).startsWith('task:') &&
      last(ours) === 'flue.prompt' &&
      spans.ours.path.at(-2) === last(official),
  },
  {
    id: 'turn-ends',
    sort: 'corrected',
    reason: 'a turn of Flue 0.x ends before its tools begin',
    explains: ({ line, kind, field, official, ours }) =>
      line.startsWith('0.') &&
      kind === 'turn' &&
      field === 'end' &&
      official === 'after its tools began' &&
      ours === 'ended',
  },
  {
    id: 'tool-ends',
    sort: 'corrected',
    reason: 'a tool ends when it ended, not when its batch was reported',
    explains: ({ kind, field, official, ours }) =>
      kind === 'tool' && field === 'end' && official === 'later than it took' && ours === 'ended',
  },
];
