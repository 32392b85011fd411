'use strict';

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
function send(response, { status, headers, body }) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    ...headers,
  });
  response.end(bytes);
}

module.exports = { RequestError, failure, ok, send };
