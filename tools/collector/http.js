'use strict';

// The HTTP server, with the faults that tests inject.

const { createServer } = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');

const { RequestError, failure, send, sendDripping, sendHalf } = require('./responses');

/** @typedef {import('./types').Answer} Answer */
/** @typedef {import('./types').Fault} Fault */
/** @typedef {import('./types').RequestRecord} RequestRecord */
/** @typedef {import('./types').RoutedRequest} RoutedRequest */

/**
 * @typedef {object} HttpParts
 * @property {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => boolean} serveFirst
 *   sees each request before anything else; true when it has dealt with it
 * @property {(head: Omit<RoutedRequest, 'body'>) => number} admit the most bytes of the request's body; throws a
 *   `RequestError` when it is refused without a look at the body
 * @property {(request: RoutedRequest) => Promise<Answer>} answer the real answer
 * @property {(request: RoutedRequest) => string[] | undefined} rowIds the rows a request carries
 * @property {import('./types').Intercept | undefined} intercept the fault hook
 * @property {(record: RequestRecord) => void} onRequest called when the head of a request arrives
 * @property {() => void} onRead called when a request has been read to its end
 * @property {(record: RequestRecord) => void} onDone called when it is answered or cut off
 * @property {(problem: string) => void} onBug called when the collector or the hook itself fails
 * @property {AbortSignal} closing ends the waiting of delayed answers
 */

/**
 * Makes the server: reads requests, records them, and injects the faults.
 *
 * @param {HttpParts} parts
 * @returns {import('node:http').Server} not listening yet
 */
function createHttpServer(parts) {
  let count = 0;
  return createServer((request, response) => {
    if (parts.serveFirst(request, response)) return;
    const [path = '', ...rest] = (request.url ?? '').split('?');
    const query = rest.join('?');
    /** @type {RequestRecord} */
    const record = {
      index: count++,
      method: request.method ?? '',
      path,
      query: query === '' ? '' : `?${query}`,
      at: Date.now(),
      doneAt: null,
      status: null,
      bytes: 0,
    };
    response.once('finish', () => {
      record.status = response.statusCode;
    });
    response.once('close', () => {
      record.doneAt ??= Date.now();
      parts.onDone(record);
    });
    parts.onRequest(record);
    serve(parts, record, request, response).catch((error) => {
      // A client that leaves in the middle, and the collector's own end, are not failures.
      if (parts.closing.aborted || (request.destroyed && !request.complete)) return;
      parts.onBug(`the collector failed at ${record.method} ${record.path}: ${String(error)}`);
      if (!response.headersSent) send(response, failure(500, String(error)));
    });
  });
}

/**
 * @param {HttpParts} parts
 * @param {RequestRecord} record
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function serve(parts, record, request, response) {
  const head = {
    method: record.method,
    path: record.path,
    searchParams: new URLSearchParams(record.query),
    headers: request.headers,
  };
  const body = await readBody(parts, head, record, request);
  if (!Buffer.isBuffer(body)) {
    parts.onRead();
    return send(response, body);
  }
  const routed = { ...head, body };
  const rowIds = parts.rowIds(routed);
  if (rowIds !== undefined) record.rowIds = rowIds;
  parts.onRead();

  const fault = (await parts.intercept?.(interceptable(record, routed))) ?? {};
  const real = () => realAnswer(parts, routed);
  const answer = await play(fault, real, parts.closing);
  if (answer === 'hang') return;
  if (answer === 'reset') {
    // The client may be back before the socket has closed.
    record.doneAt = Date.now();
    request.socket.resetAndDestroy();
  } else if (response.destroyed) return;
  else if (fault.half === true) sendHalf(response, answer);
  else if (fault.dripMs !== undefined) {
    await sendDripping(response, answer, fault.dripMs, parts.closing);
  } else send(response, answer);
}

/**
 * Reads the body, unless the request is refused. What a refused request sends is discarded as it comes, so that the
 * client reads the answer. With a fault hook, which sees bodies, the head alone refuses nothing.
 *
 * @param {HttpParts} parts
 * @param {Omit<RoutedRequest, 'body'>} head
 * @param {RequestRecord} record its size is kept up to date
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<Buffer | Answer>}
 */
async function readBody(parts, head, record, request) {
  let most = Infinity;
  if (parts.intercept === undefined) {
    try {
      most = parts.admit(head);
    } catch (error) {
      request.on('data', (chunk) => (record.bytes += chunk.length));
      if (error instanceof RequestError) return failure(error.status, error.message);
      throw error;
    }
  }
  /** @type {Buffer[]} */
  const chunks = [];
  return new Promise((resolve, reject) => {
    request.on('data', (chunk) => {
      record.bytes += chunk.length;
      if (record.bytes <= most) return void chunks.push(chunk);
      chunks.length = 0;
      resolve(failure(413, `the body has more than ${most} bytes`));
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the client left')));
  });
}

/**
 * @param {RequestRecord} record
 * @param {RoutedRequest} routed
 * @returns {import('./types').InterceptedRequest}
 */
function interceptable({ index, method, path, query, bytes }, { headers, body }) {
  return { index, method, path, query, headers, body, bodyText: body.toString(), bytes };
}

/**
 * @param {HttpParts} parts
 * @param {RoutedRequest} routed
 * @returns {Promise<Answer>}
 */
async function realAnswer(parts, routed) {
  try {
    return await parts.answer(routed);
  } catch (error) {
    if (error instanceof RequestError) return failure(error.status, error.message);
    throw error;
  }
}

/**
 * @param {Fault} fault
 * @param {() => Promise<Answer>} real
 * @param {AbortSignal} closing
 * @returns {Promise<Answer | 'hang' | 'reset'>} what the client shall see
 */
async function play(fault, real, closing) {
  const early = fault.processFirst === true ? await real() : undefined;
  if (fault.delayMs !== undefined) await delay(fault.delayMs, undefined, { signal: closing });
  if (fault.hang === true) return 'hang';
  if (fault.reset === true) return 'reset';
  if (fault.status === undefined) return early ?? real();
  const { status, headers = {}, body = { error: 'injected fault' } } = fault;
  return { status, headers, body };
}

module.exports = { createHttpServer };
