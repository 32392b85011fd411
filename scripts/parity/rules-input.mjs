/** What goes into turns, prompts and compactions. */
import { isDeepStrictEqual } from 'node:util';

/** A copy with every image's data blanked. */
function withoutImages(value) {
  if (Array.isArray(value)) return value.map(withoutImages);
  if (value === null || typeof value !== 'object') return value;
  const { type, data } = value;
  if (type === 'image' && typeof data === 'string') return { ...value, data: '' };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutImages(item)]));
}

/** Our input of a turn is the system prompt, if there is one, and every message. */
function isWholeInput({ official, ours, spans }) {
  if (!Array.isArray(official) || !Array.isArray(ours)) return false;
  const { 'flue.input_message_offset': offset = 0, 'flue.system_prompt': system } =
    spans.official.row.metadata;
  const messages = ours[0]?.role === 'system' ? ours.slice(1) : ours;
  const isSystem = system === undefined || ours[0]?.content === system;
  return isSystem && isDeepStrictEqual(messages.slice(offset), official);
}

/** The text of a prompt, with nothing lost of what the user gave. */
function isPromptText({ official, ours }) {
  if (official?.length !== 1 || official[0].role !== 'user') return false;
  const [{ content }] = official;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  const images = parts.filter(({ type }) => type !== 'text');
  const text = parts.find(({ type }) => type === 'text')?.text ?? '';
  return typeof ours === 'string'
    ? images.length === 0 && text === ours
    : text.startsWith(ours?.text) && ours.images?.length >= images.length;
}

/** @type {import('./rules.mjs').Rule[]} */
export const inputRules = [
  {
    id: 'turn-inputs',
    sort: 'corrected',
    reason: 'a turn shows all that the model was given, system first',
    explains: (difference) =>
      difference.kind === 'turn' && difference.field === 'input' && isWholeInput(difference),
  },
  {
    id: 'turn-inputs',
    sort: 'corrected',
    reason: 'a turn shows all that the model was given, system first',
    explains: ({ kind, field, key, official, ours, spans }) => {
      if (kind !== 'turn' || field !== 'metadata') return false;
      if (key === 'tools') {
        return spans.official.row.metadata['flue.input_mode'] === 'delta' && official === undefined;
      }
      if (key === 'flue.system_prompt') return spans.ours.row.input?.[0]?.content === official;
      return key.startsWith('flue.input_') && ours === undefined;
    },
  },
  {
    id: 'images',
    sort: 'left out',
    reason: 'a raw image of Flue 0.8 becomes its type and size',
    explains: (difference) => {
      const { kind, field, official, ours } = difference;
      if (kind !== 'turn' || field !== 'input') return false;
      const blanked = { official: withoutImages(official), ours: withoutImages(ours) };
      return isWholeInput({ ...difference, ...blanked });
    },
  },
  {
    id: 'prompt-inputs',
    sort: 'form',
    reason: "the input of a prompt is the caller's text",
    explains: (difference) =>
      difference.kind === 'operation' && difference.field === 'input' && isPromptText(difference),
  },
  {
    id: 'compactions',
    sort: 'form',
    reason: 'the reason is the name; the operation repeats nothing',
    explains: ({ kind, field, official, ours, spans }) => {
      if (field !== 'input') return false;
      const { reason, ...rest } = official ?? {};
      if (kind === 'operation') return ours === undefined && reason === 'manual';
      return (
        kind === 'compaction' &&
        isDeepStrictEqual(rest, ours) &&
        spans.ours.row.span_attributes.name === `compaction:${reason}` &&
        spans.ours.row.metadata['flue.compaction_reason'] === reason
      );
    },
  },
];
