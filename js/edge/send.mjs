// Sends a request of the core by `fetch`, which the application may have wrapped.

import { untraced } from '../context.js';

/** The most bytes of a body that is read. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Why there is no response where one has a status or a text of another type. */
const NO_RESPONSE = '`fetch` returns no response';

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {number} timeoutMs
 * @property {boolean} readsBody
 * @property {{ fields: [string, string][], mediaType: string }} [form]
 * @property {Uint8Array<ArrayBuffer>} body
 */

/** @typedef {{ status: number, retryAfter: string | null, contentType: string | null, body?: string } | { error: string }} Answer */

/**
 * Never rejects. An error states no text of the server, and no address.
 * @param {Request} request
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export const send = (request, signal) => untraced(() => sendNow(request, signal));

/**
 * @param {Request} request
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function sendNow(request, signal) {
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(request.timeoutMs)]);
    // What the application has put in the place of `fetch` may ignore the signal.
    return await Promise.race([answerOf(request, either), aborted(either)]);
  } catch (error) {
    return { error: reasonOf(error) };
  }
}

/**
 * @param {Request} request
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function answerOf({ method, url, headers, readsBody, form, body }, signal) {
  const response = await fetch(url, {
    method,
    headers,
    // A redirect would take the rows, or the key, to another server.
    redirect: 'manual',
    signal,
    ...(method !== 'GET' && { body: form === undefined ? body : formOf(form, body) }),
  });
  const { status } = response;
  // The core takes no other.
  if (!Number.isInteger(status) || status < 100 || status > 999) return { error: NO_RESPONSE };
  const answer = {
    status,
    retryAfter: fieldOf(response, 'retry-after'),
    contentType: fieldOf(response, 'content-type'),
  };
  if (!readsBody || status < 200 || status > 299) {
    void dismiss(response);
    return answer;
  }
  const text = await textOf(response);
  if (text === undefined) return { error: 'the response is too large' };
  return typeof text === 'string' ? { ...answer, body: text } : { error: NO_RESPONSE };
}

/**
 * A header; null without one.
 * @param {Response} response
 * @param {string} name
 */
function fieldOf({ headers }, name) {
  const field = headers.get(name);
  return typeof field === 'string' ? field : null;
}

/** Frees a body that nobody reads. Its end changes nothing of the response. @param {Response} response */
async function dismiss(response) {
  try {
    await streamOf(response)?.cancel();
  } catch {
    // It has failed before.
  }
}

/**
 * The body as text; undefined if it is too large. No more of it is read: an isolate has little memory.
 * @param {Response} response
 */
async function textOf(response) {
  const reader = streamOf(response)?.getReader();
  if (reader === undefined) return await response.text();
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MAX_BODY_BYTES) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return undefined;
}

/**
 * The stream of the body. What the application has put in the place of `fetch` may have none, or has read it.
 * @param {Response} response
 */
const streamOf = ({ body, bodyUsed }) =>
  body instanceof ReadableStream && !bodyUsed ? body : undefined;

/** Rejects when a signal aborts. @param {AbortSignal} signal @returns {Promise<never>} */
const aborted = (signal) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** Why there is no response, without what the error states of it. @param {unknown} error */
function reasonOf(error) {
  try {
    const { name, message } = /** @type {Error} */ (error);
    if (name === 'TimeoutError') return 'no response in time';
    if (/too many (sub|API )requests/i.test(message)) {
      return "Cloudflare's limit of subrequests is reached";
    }
  } catch {
    // What is thrown may throw itself.
  }
  return 'no connection';
}

/**
 * @param {{ fields: [string, string][], mediaType: string }} form
 * @param {Uint8Array<ArrayBuffer>} file
 */
function formOf({ fields, mediaType }, file) {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append('file', new Blob([file], { type: mediaType }), 'blob');
  return form;
}
