// Normalises messages of both formats.

import { isObject } from '../../support/json.js';

/**
 * A piece of a message.
 *
 * @typedef {{ kind: 'text' | 'thinking', text: string }
 *   | { kind: 'call', name: string, id: string, value: unknown }
 *   | { kind: 'other', value: unknown }} Part
 */

/**
 * @typedef {object} Message
 * @property {string} role
 * @property {string} about whose result it is, or why it ended; may be empty
 * @property {boolean} failed
 * @property {Part[]} parts
 */

/**
 * Reads a field as a conversation: messages as OpenAI has them (also wrapped as choices), or as Flue
 * has them.
 *
 * @param {unknown} value
 * @returns {Message[] | null} null when it is none
 */
export function readMessages(value) {
  if (isObject(value) && Array.isArray(value.messages)) {
    const { system = value.systemPrompt, messages } = value;
    return readMessages(
      typeof system === 'string' ? [{ role: 'system', content: system }, ...messages] : messages,
    );
  }
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) return null;
  const messages = list.map(readMessage);
  return messages.every((message) => message !== null) ? messages : null;
}

/** @param {unknown} value @returns {Message | null} */
function readMessage(value) {
  if (!isObject(value)) return null;
  if (isObject(value.message)) {
    const message = readMessage(value.message);
    return message && { ...message, about: message.about || text(value.finish_reason) };
  }
  if (typeof value.role !== 'string') return null;
  const { role, content, reasoning, reasoning_content: reasoningText } = value;
  return {
    role: role === 'toolResult' ? 'tool' : role,
    about: text(value.name ?? value.toolName ?? value.tool_call_id),
    failed: value.isError === true || value.is_error === true,
    parts: [
      ...listOf(reasoning ?? reasoningText).map(readThinking),
      ...listOf(content).map(readPart),
      ...listOf(value.tool_calls).map(readCall),
    ],
  };
}

/** @param {unknown} value @returns {Part} */
function readPart(value) {
  if (typeof value === 'string') return { kind: 'text', text: value };
  if (!isObject(value)) return { kind: 'other', value };
  if (typeof value.text === 'string' && /text/.test(text(value.type))) {
    return { kind: 'text', text: value.text };
  }
  if (value.type === 'thinking' || value.type === 'reasoning') return readThinking(value);
  if (value.type === 'toolCall' || value.type === 'tool_use') return readCall(value);
  return { kind: 'other', value };
}

/** @param {unknown} value @returns {Part} */
function readThinking(value) {
  const inner = isObject(value) ? (value.thinking ?? value.content ?? value.text) : value;
  return typeof inner === 'string' ? { kind: 'thinking', text: inner } : { kind: 'other', value };
}

/** @param {unknown} value @returns {Part} */
function readCall(value) {
  if (!isObject(value)) return { kind: 'other', value };
  const call = isObject(value.function) ? value.function : value;
  if (typeof call.name !== 'string') return { kind: 'other', value };
  return {
    kind: 'call',
    name: call.name,
    id: text(value.id),
    value: parsed(call.arguments ?? call.input),
  };
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
