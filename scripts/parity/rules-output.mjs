/** What comes out of it, and what failed. */
import { isDeepStrictEqual } from 'node:util';

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** Flue's own wrapping of a tool's content, when the trace has all of it elsewhere. */
const shownElsewhere = new Set([
  'customTool',
  'tool',
  'result',
  'taskId',
  'session',
  'messageId',
  'agent',
  'cwd',
  // In the arguments, and as `flue.exit_code`.
  'command',
  'exitCode',
]);

function messageOf(error) {
  if (typeof error !== 'string') return undefined;
  try {
    const { message, content } = JSON.parse(error);
    return message ?? content?.map(({ text }) => text).join('\n');
  } catch {
    return error;
  }
}

const isFailed = ({ spans }) => typeof spans.ours?.row.error === 'string';

const isCancelled = ({ spans }) => spans.ours?.row.metadata?.['flue.cancelled'] === true;

/** @type {import('./rules.mjs').Rule[]} */
export const outputRules = [
  {
    id: 'errors',
    sort: 'form',
    reason: 'an error is text: name, message, code and Flue’s stack',
    explains: ({ field, official, ours }) => {
      const message = messageOf(official);
      return field === 'error' && message !== undefined && ours?.includes?.(message) === true;
    },
  },
  {
    id: 'failed-compactions',
    sort: 'corrected',
    reason: 'a compaction that failed on Flue 0.x is shown as failed',
    explains: (difference) => {
      const { line, kind, field, key, official, ours } = difference;
      if (!line.startsWith('0.') || kind !== 'compaction' || !isFailed(difference)) return false;
      return (
        (field === 'error' && official === undefined) ||
        (field === 'output' && isDeepStrictEqual(official, { completed: true }) && !ours) ||
        (field === 'metrics' && key === 'duration_ms' && ours === undefined)
      );
    },
  },
  {
    id: 'tool-outputs',
    sort: 'form',
    reason: 'a tool’s output is what it gave, without Flue’s wrapping',
    explains: ({ kind, field, official, ours }) =>
      kind === 'tool' &&
      field === 'output' &&
      isObject(official) &&
      isDeepStrictEqual(official.content, ours) &&
      Object.keys(official.details ?? {}).every((key) => shownElsewhere.has(key)),
  },
  {
    id: 'structured-results',
    sort: 'form',
    reason: 'a structured result is the output, as on Flue 1.0',
    explains: ({ line, kind, field, official, ours }) =>
      line.startsWith('0.') &&
      kind === 'operation' &&
      field === 'output' &&
      isObject(official) &&
      official.data !== undefined &&
      isDeepStrictEqual(official.data, ours),
  },
  {
    id: 'outputs-of-failures',
    sort: 'left out',
    reason: 'what failed has no output; partial text stays in its turn',
    explains: (difference) => {
      const { kind, field, ours } = difference;
      const mayFail = kind === 'operation' || kind === 'workflow';
      const returnedNothing = isFailed(difference) || isCancelled(difference);
      return mayFail && field === 'output' && ours === undefined && returnedNothing;
    },
  },
  {
    id: 'cancellations',
    sort: 'corrected',
    reason: 'what was cancelled has not failed',
    explains: (difference) => {
      const { field, key, official, ours } = difference;
      if (!isCancelled(difference)) return false;
      if (field === 'error') return ours === undefined || ours === null;
      return field === 'metadata' && key === 'flue.cancelled' && official === undefined;
    },
  },
  {
    id: 'compactions',
    sort: 'form',
    reason: 'the reason is the name; the operation repeats nothing',
    explains: ({ kind, field, official, ours }) =>
      kind === 'operation' &&
      field === 'output' &&
      ours === undefined &&
      isDeepStrictEqual(official, { completed: true }),
  },
  {
    id: 'recovery',
    sort: 'added',
    reason: 'success replaces the error that a dead process may have written',
    explains: ({ line, kind, field, key, official, ours }) =>
      line.startsWith('1.') &&
      kind === 'operation' &&
      official === undefined &&
      ((field === 'error' && ours === null) ||
        (field === 'metadata' &&
          ['flue.interrupted', 'flue.cancelled'].includes(key) &&
          ours === false)),
  },
];
