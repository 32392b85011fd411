'use strict';

// The JSON text of Flue's events.

const { minimalEndEvent } = require('./minimal-end-event.js');
const { stringifyBare } = require('./json/long-texts.js');
const { JSON } = require('./json/own-json.js');
const { stringify, stringifyIfRoom } = require('./json/stringify.js');

/** @param {any} shortened a request of `RequestDeltas` */
function requestText(shortened) {
  const { input } = shortened.request;
  return stringifyBare(shortened, input.messages, (messages) => {
    input.messages = messages;
    return shortened;
  });
}

/**
 * The text of an event that continues or ends a span; undefined if it is large and there is no room for it.
 * @param {any} event
 * @param {(characters: number) => boolean} hasRoom
 */
function endText(event, hasRoom) {
  if (event.type === 'tool') return stringifyIfRoom(withoutRepetition(event), toolText, hasRoom);
  return stringifyIfRoom(event, event.type === 'turn' ? turnText : JSON.stringify, hasRoom);
}

/** @param {any} event */
function toolText(event) {
  const { result, effectiveResult } = event;
  return effectiveResult === undefined
    ? stringifyBare(event, result, (result) => ({ ...event, result }))
    : stringifyBare(event, effectiveResult, (effectiveResult) => ({ ...event, effectiveResult }));
}

/** @param {any} event */
function turnText(event) {
  const { response } = event;
  return stringifyBare(event, response?.output, (output) => ({
    ...event,
    response: { ...response, output },
  }));
}

/** @param {any} event */
function minimalEndText(event) {
  try {
    return JSON.stringify(minimalEndEvent(event));
  } catch {
    // The event's text has marks for the members that cannot be read.
    return JSON.stringify(minimalEndEvent(JSON.parse(stringify(event))));
  }
}

/**
 * The end of a tool call without its repetitions: `effectiveResult` stands for `result`, which wraps it.
 * @param {any} event
 */
function withoutRepetition(event) {
  try {
    if (event.effectiveResult === undefined || !Object.isFrozen(event)) return event;
    const exitCode = event.result?.details?.exitCode;
    return { ...event, result: exitCode === undefined ? undefined : { details: { exitCode } } };
  } catch {
    // `stringify` marks the members that cannot be read.
    return event;
  }
}

/**
 * Adds members to an event. Their names begin with a `$`: no later Flue has such a member.
 * @param {string} text an object's JSON
 * @param {string} members each with its comma; none: the empty text
 */
const withMembers = (text, members) => (members === '' ? text : `${text.slice(0, -1)}${members}}`);

/**
 * @param {string} name
 * @param {object | undefined} value
 */
function member(name, value) {
  return value === undefined ? '' : `,"${name}":${stringify(value)}`;
}

module.exports = { endText, member, minimalEndText, requestText, withMembers };
