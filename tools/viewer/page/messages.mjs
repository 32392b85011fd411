// Normalises the messages of models, in the forms of their providers.

import { isObject } from '../../support/json.js';
import { listMessages } from '../../support/messages.js';

/**
 * A piece of a message.
 *
 * @typedef {{ kind: 'text' | 'thinking', text: string }
 *   | { kind: 'call', name: string, value: unknown }
 *   | { kind: 'result', name: string, parts: Part[] }
 *   | { kind: 'other', value: unknown }} Part
 */

/**
 * @typedef {object} Message
 * @property {string} role
 * @property {string} about whose result it is, or why it ended; may be empty
 * @property {boolean} failed
 * @property {Part[]} parts
 * @property {unknown} value as it is written
 */

/** Results within results are shown as data from this depth on. */
const MAX_DEPTH = 4;

/**
 * Reads a field as a conversation: messages as OpenAI (chat or responses), Anthropic, Gemini, Bedrock, the AI SDK or
 * Flue has them.
 *
 * @param {unknown} value
 * @returns {Message[] | null} one for each that `listMessages` finds; null when it is not a conversation
 */
export function readMessages(value) {
  const list = listMessages(value);
  if (list.length === 0) return null;
  const messages = list.map(readMessage);
  return messages.every((message) => message !== null) ? messages : null;
}

/** @param {unknown} value @returns {Message | null} */
function readMessage(value) {
  if (!isObject(value)) return null;
  if (typeof value.role !== 'string') return readWrapped(value) ?? readItem(value);
  const { role, content, reasoning, reasoning_content: reasoningText } = value;
  const call = isObject(value.function_call) ? [value.function_call] : [];
  const parts = [
    ...listOf(reasoning ?? reasoningText).map(readThinking),
    ...listOf(content ?? value.parts).map((part) => readPart(part)),
    ...(typeof value.refusal === 'string' ? [textPart(value.refusal)] : []),
    ...[...listOf(value.tool_calls), ...call].map(readCall),
  ];
  return {
    role: ROLES.get(role) ?? role,
    about: text(value.name ?? value.toolName ?? value.tool_call_id),
    failed: value.isError === true || value.is_error === true,
    // Of a form that is not known, all is shown.
    parts: parts.length > 0 ? parts : [{ kind: 'other', value }],
    value,
  };
}

/** A choice of OpenAI, a candidate of Gemini. @param {import('../../support/json').JsonObject} value @returns {Message | null} */
function readWrapped(value) {
  const { content } = value;
  const isCandidate = isObject(content) && Array.isArray(content.parts);
  const inner = isObject(value.message)
    ? value.message
    : isCandidate && { role: 'model', ...content };
  const message = inner === false ? null : readMessage(inner);
  const reason = text(value.finish_reason ?? value.finishReason);
  return message && { ...message, about: message.about || reason, value };
}

/** Other words for the same roles. */
const ROLES = new Map([
  ['toolResult', 'tool'],
  ['function', 'tool'],
  ['model', 'assistant'],
]);

/** An item of the Responses API that is not a message. @param {import('../../support/json').JsonObject} value @returns {Message | null} */
function readItem(value) {
  /** @param {string} role @param {Part[]} parts */
  const item = (role, parts) => ({
    role,
    about: '',
    failed: value.status === 'failed',
    parts,
    value,
  });
  switch (value.type) {
    case 'function_call':
    case 'custom_tool_call':
      return item('assistant', [readCall(value)]);
    case 'function_call_output':
    case 'custom_tool_call_output':
      return {
        ...item(
          'tool',
          listOf(value.output).map((part) => readPart(part)),
        ),
        about: text(value.call_id),
      };
    case 'reasoning':
      return item('assistant', listOf(value.summary ?? value.content).map(readThinking));
    default:
      return readLangChain(value);
  }
}

/** The types of LangChain's messages, as roles. @type {Map<unknown, string>} */
const LANGCHAIN = new Map([
  ['human', 'user'],
  ['ai', 'assistant'],
  ['system', 'system'],
  ['tool', 'tool'],
]);

/** @param {import('../../support/json').JsonObject} value @returns {Message | null} */
function readLangChain(value) {
  const role = LANGCHAIN.get(value.type);
  const isMessage = 'additional_kwargs' in value || 'response_metadata' in value;
  if (role === undefined || !isMessage) return null;
  const message = readMessage({ ...value, role });
  return message && { ...message, value };
}

/** @param {unknown} value @param {number} [depth] @returns {Part} */
function readPart(value, depth = 0) {
  if (typeof value === 'string') return textPart(value);
  if (!isObject(value)) return { kind: 'other', value };
  const type = text(value.type);
  if (/thinking|reasoning/.test(type)) return readThinking(value);
  // Gemini marks a thought by a member, Bedrock wraps it.
  if (value.thought === true && typeof value.text === 'string') return readThinking(value.text);
  if (isObject(value.reasoningContent)) return readThinking(value.reasoningContent.reasoningText);
  const written = textOf(value, type);
  if (written !== undefined) return textPart(written);
  if (type === 'refusal' && typeof value.refusal === 'string') return textPart(value.refusal);
  if (CALLS.has(type)) return readCall(value);
  for (const wrapped of [value.functionCall, value.toolUse]) {
    if (isObject(wrapped)) return readCall(wrapped);
  }
  if (depth < MAX_DEPTH) {
    if (RESULTS.has(type)) return readResult(value, depth);
    for (const wrapped of [value.functionResponse, value.toolResult]) {
      if (isObject(wrapped)) return readResult(wrapped, depth);
    }
  }
  return { kind: 'other', value };
}

/** The text of a part of text. @param {import('../../support/json').JsonObject} value @param {string} type */
function textOf(value, type) {
  if (type !== '' && !type.includes('text')) return undefined;
  const inner = isObject(value.text) ? value.text.value : value.text;
  if (type === 'text' && inner === undefined && typeof value.content === 'string')
    return value.content;
  return typeof inner === 'string' ? inner : undefined;
}

/** Types of parts: a call of a tool, and its result. */
const CALLS = new Set([
  'toolCall',
  'tool_use',
  'server_tool_use',
  'tool-call',
  'tool_call',
  'function_call',
  'function',
]);
const RESULTS = new Set([
  'tool_result',
  'tool-result',
  'toolResult',
  'tool_call_response',
  'web_search_tool_result',
]);

/** @param {unknown} value @returns {Part} */
function readThinking(value) {
  const inner = isObject(value)
    ? (value.thinking ?? value.content ?? value.text ?? value.reasoning)
    : value;
  return typeof inner === 'string' ? { kind: 'thinking', text: inner } : { kind: 'other', value };
}

/** @param {unknown} value @returns {Part} */
function readCall(value) {
  if (!isObject(value)) return { kind: 'other', value };
  const call = isObject(value.function) ? value.function : value;
  const name = call.name ?? call.toolName;
  if (typeof name !== 'string') return { kind: 'other', value };
  return {
    kind: 'call',
    name,
    value: parsed(call.arguments ?? call.input ?? call.args ?? {}),
  };
}

/** @param {import('../../support/json').JsonObject} value @param {number} depth @returns {Part} */
function readResult(value, depth) {
  const inner = value.content ?? value.output ?? value.result ?? value.response;
  const name = text(value.name ?? value.toolName ?? value.tool_use_id ?? value.toolUseId);
  return { kind: 'result', name, parts: listOf(inner).map((part) => readPart(part, depth + 1)) };
}

/** @param {string} written @returns {Part} */
function textPart(written) {
  return { kind: 'text', text: written };
}

/**
 * @param {unknown} value
 * @returns {unknown} what the text holds where it is JSON of an object or a list, else the value
 */
export function parsed(value) {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** @param {unknown} value @returns {unknown[]} */
function listOf(value) {
  if (value === undefined || value === null || value === '') return [];
  return Array.isArray(value) ? value : [value];
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : '';
}
