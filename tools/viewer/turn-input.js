'use strict';

// The inputs of model turns, and how far two of them agree.

const { isDeepStrictEqual } = require('node:util');

const { isObject } = require('../support/json');
const { isLeftOutNote, isSystem, listMessages } = require('../support/messages');

/** @typedef {import('../collector/types').Span} Span */

/**
 * An input by its parts.
 *
 * @typedef {object} Input
 * @property {unknown[]} system the system prompt
 * @property {number} notes how many messages state what is left out
 * @property {unknown[]} messages the others
 * @property {number} offset how many messages of the conversation are left out before them
 */

/** @type {WeakMap<Span['row'], Input>} */
const inputs = new WeakMap();

/** @param {Span} span @returns {Input} */
function inputOf({ row }) {
  const known = inputs.get(row);
  if (known !== undefined) return known;
  const list = row.input === undefined || row.input === null ? [] : listMessages(row.input);
  const begin = list.findIndex((message) => !isSystem(message));
  const head = begin === -1 ? list : list.slice(0, begin);
  const notes = head.filter(isLeftOutNote).length;
  const offset = isObject(row.metadata) ? row.metadata['flue.input_message_offset'] : 0;
  const input = {
    system: head.filter((message) => !isLeftOutNote(message)),
    notes,
    messages: list.slice(head.length),
    offset: notes > 0 && typeof offset === 'number' && offset > 0 ? offset : 0,
  };
  inputs.set(row, input);
  return input;
}

/**
 * Whether two inputs are of one conversation: they share the system prompt or the first message.
 *
 * @param {Input} before
 * @param {Input} input
 */
function isRelated(before, input) {
  if (input.offset > 0 || before.offset > 0) return true;
  const hasSystem = input.system.length > 0 && isDeepStrictEqual(before.system, input.system);
  const [first] = input.messages;
  return hasSystem || (first !== undefined && isDeepStrictEqual(before.messages[0], first));
}

/** @param {Input} before @param {Input} input whether it begins with all messages of the other */
function isContinued(before, input) {
  return (
    isDeepStrictEqual(before.system, input.system) &&
    sameUntil(before, input) === before.offset + before.messages.length
  );
}

/**
 * Up to which message of their conversation two inputs agree, as far as both show them.
 *
 * @param {Input} before
 * @param {Input} input
 * @returns {number}
 */
function sameUntil(before, input) {
  const end = before.offset + before.messages.length;
  let at = Math.max(before.offset, input.offset);
  if (at >= end) return end;
  while (at < end) {
    const [old, now] = [before.messages[at - before.offset], input.messages[at - input.offset]];
    if (now === undefined || !isDeepStrictEqual(old, now)) break;
    at += 1;
  }
  return at;
}

/** How many messages of the input, as it is written, the earlier one has. @param {Input} before @param {Input} input */
function countUnchanged(before, input) {
  if (!isDeepStrictEqual(before.system, input.system)) return 0;
  const same = Math.max(sameUntil(before, input) - input.offset, 0);
  return input.system.length + input.notes + Math.min(same, input.messages.length);
}

module.exports = { countUnchanged, inputOf, isContinued, isRelated, sameUntil };
