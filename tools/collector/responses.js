'use strict';

// Makes and sends responses.

const { setTimeout: delay } = require('node:timers/promises');

/** @typedef {import('./types').Answer} Answer */

/** A request that cannot be served. Thrown by the routes, answered with `status` and JSON. */
class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
  }
}

/**
 * @param {unknown} body
 * @returns {Answer} 200 with a JSON body
 */
function ok(body) {
  return { status: 200, body };
}

/**
 * @param {number} status
 * @param {string} message
 * @returns {Answer} an error in the form every route uses
 */
function failure(status, message) {
  return { status, body: { error: message } };
}

/**
 * Sends an answer. Its length is always declared, so that an empty body is a complete answer.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {Answer} answer
 */
function send(response, answer) {
  response.end(begin(response, answer));
}

/**
 * Sends the head and half of the body, and breaks the connection.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {Answer} answer
 */
function sendHalf(response, answer) {
  const bytes = begin(response, answer);
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
}

/**
 * Sends the head at once, and the body byte by byte.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {Answer} answer
 * @param {number} everyMs
 * @param {AbortSignal} closing
 * @returns {Promise<void>} rejects when `closing` is aborted
 */
async function sendDripping(response, answer, everyMs, closing) {
  const bytes = begin(response, answer);
  response.flushHeaders();
  for (let sent = 0; sent < bytes.length && !response.destroyed; sent += 1) {
    await delay(everyMs, undefined, { signal: closing });
    response.write(bytes.subarray(sent, sent + 1));
  }
  response.end();
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {Answer} answer
 * @returns {Buffer} the body that is to follow
 */
function begin(response, { status, headers, body }) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    ...headers,
  });
  return bytes;
}

module.exports = { RequestError, failure, ok, send, sendDripping, sendHalf };
