/** Metadata, and the fields that the SDK adds to a span. */

/** @param {string[]} keys of metadata that we add, on spans of this kind */
function adds(id, reason, kinds, keys) {
  return {
    id,
    sort: 'added',
    reason,
    explains: ({ kind, field, key, official }) =>
      kinds.includes(kind) && field === 'metadata' && keys.includes(key) && official === undefined,
  };
}

/** @type {import('./rules.mjs').Rule[]} */
export const metadataRules = [
  {
    id: 'providers',
    sort: 'corrected',
    reason: 'only a model turn has a provider; “flue” is none',
    explains: ({ kind, field, key, official, ours }) =>
      kind !== 'turn' &&
      field === 'metadata' &&
      key === 'provider' &&
      official === 'flue' &&
      ours === undefined,
  },
  {
    id: 'repeated-metadata',
    sort: 'left out',
    reason: 'what is there under another name is not repeated',
    explains: ({ field, key, official, ours, spans }) => {
      if (field !== 'metadata' || ours !== undefined) return false;
      const { metadata } = spans.ours.row;
      return (
        (key === 'flue.model' && metadata.model === official) ||
        (key === 'flue.provider' && metadata.provider === official) ||
        (/^flue\.context_(run_)?id$/.test(key) && metadata['flue.run_id'] === official)
      );
    },
  },
  {
    id: 'is-error',
    sort: 'left out',
    reason: 'a span failed exactly when it has an error; a cancelled one says so',
    explains: ({ field, key, official, ours, spans }) =>
      field === 'metadata' &&
      key === 'flue.is_error' &&
      ours === undefined &&
      official ===
        (typeof spans.ours.row.error === 'string' ||
          spans.ours.row.metadata['flue.cancelled'] === true),
  },
  {
    id: 'event-index',
    sort: 'left out',
    reason: 'the last event’s index says nothing of the span',
    explains: ({ field, key, ours }) =>
      field === 'metadata' && key === 'flue.event_index' && ours === undefined,
  },
  {
    id: 'request-settings',
    sort: 'form',
    reason: 'a model’s settings have the names Braintrust gives them',
    explains: ({ kind, field, key, official, ours, spans }) =>
      kind === 'turn' &&
      field === 'metadata' &&
      ((key === 'reasoning' && spans.ours.row.metadata.reasoning_effort === official) ||
        (key === 'reasoning_effort' && spans.official.row.metadata.reasoning === ours) ||
        (['max_tokens', 'temperature'].includes(key) && official === undefined)),
  },
  adds(
    'submissions',
    'a submission’s attempt, wait and outcome are on its root',
    ['operation'],
    [
      'flue.submission_kind',
      'flue.attempt',
      'flue.max_attempts',
      'flue.queue_ms',
      'flue.submission_outcome',
      'flue.joined_submission_ids',
      'flue.recovery',
    ],
  ),
  adds(
    'logs',
    'what was logged is kept with the span that logged it',
    ['workflow', 'operation', 'tool'],
    ['flue.logs', 'flue.logs_dropped'],
  ),
  adds(
    'more-metadata',
    'a tool’s origin, a task’s tool call, a run’s phase',
    ['tool'],
    ['flue.tool_origin', 'flue.exit_code'],
  ),
  adds(
    'more-metadata',
    'a tool’s origin, a task’s tool call, a run’s phase',
    ['task'],
    ['flue.tool_call_id'],
  ),
  adds(
    'more-metadata',
    'a tool’s origin, a task’s tool call, a run’s phase',
    ['workflow'],
    ['flue.workflow_phase'],
  ),
  adds('more-metadata', 'the provider’s id of a response', ['turn'], ['flue.response_id']),
  adds(
    'more-metadata',
    'the trace context of the caller',
    ['operation', 'workflow'],
    ['flue.traceparent', 'flue.tracestate'],
  ),
  {
    id: 'span-origin',
    sort: 'form',
    reason: 'a span says which exporter made it',
    explains: ({ field, key, ours }) =>
      field === 'context' && key === 'span_origin' && ours?.name === 'flue-braintrust',
  },
  {
    id: 'callers',
    sort: 'left out',
    reason: 'the caller of a span would be a line inside Node',
    explains: ({ field, key, official, ours, spans }) =>
      field === 'context' &&
      ['caller_functionname', 'caller_filename', 'caller_lineno'].includes(key) &&
      ours === undefined &&
      official !== undefined &&
      spans.official.row.context.caller_filename.startsWith('node:'),
  },
  {
    id: 'exec-counter',
    sort: 'left out',
    reason: 'a process’s counter cannot order several processes’ spans',
    explains: ({ field, key, ours }) =>
      field === 'attributes' && key === 'exec_counter' && ours === undefined,
  },
];
