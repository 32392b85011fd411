'use strict';

// Where the messages of a model call lie in its input or output, by provider. The viewer's page bundles this file,
// too: it uses nothing of Node.

const { isObject } = require('./json');

/** Members that hold the messages: of chat completions, of Gemini, of the Responses API, of answers of each. */
const LISTS = ['messages', 'contents', 'input', 'choices', 'candidates', 'output'];
/** Members beside them that hold the system prompt. */
const SYSTEMS = [
  'system',
  'systemPrompt',
  'systemInstruction',
  'system_instruction',
  'instructions',
];
/** How the message begins that the exporter writes in place of those that it leaves out. */
const LEFT_OUT = '[flue-braintrust: earlier messages left out';

/**
 * The messages of a field as they are written there, with the system prompt as the first.
 *
 * @param {unknown} value
 * @returns {unknown[]} never more or fewer than there are; a value that is not a list is one message
 */
function listMessages(value) {
  if (!isObject(value)) return Array.isArray(value) ? value : [value];
  const name = LISTS.find((member) => Array.isArray(value[member]));
  if (name === undefined || typeof value.role === 'string') return [value];
  const messages = /** @type {unknown[]} */ (value[name]);
  const system = SYSTEMS.map((member) => value[member]).find((prompt) => isPrompt(prompt));
  if (system === undefined) return messages;
  return [{ role: 'system', content: isObject(system) ? system.parts : system }, ...messages];
}

/** @param {unknown} prompt */
function isPrompt(prompt) {
  if (isObject(prompt)) return Array.isArray(prompt.parts);
  return (typeof prompt === 'string' && prompt !== '') || Array.isArray(prompt);
}

/**
 * Whether a message is a system prompt.
 *
 * @param {unknown} message
 */
function isSystem(message) {
  return isObject(message) && (message.role === 'system' || message.role === 'developer');
}

/**
 * Whether a message only states which messages are left out.
 *
 * @param {unknown} message
 */
function isLeftOutNote(message) {
  return (
    isObject(message) && typeof message.content === 'string' && message.content.startsWith(LEFT_OUT)
  );
}

module.exports = { isLeftOutNote, isSystem, listMessages };
