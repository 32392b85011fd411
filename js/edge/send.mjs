// Sends a request of the core by `fetch`, which the application may have wrapped.

import { untraced } from '../context.js';

/** The most bytes of a body that is read. */
const MAX_BODY_BYTES = 1024 * 1024;

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
async function sendNow({ method, url, headers, timeoutMs, readsBody, form, body }, signal) {
  try {
    const response = await fetch(url, {
      method,
      headers,
      // A redirect would take the rows, or the key, to another server.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      ...(method !== 'GET' && { body: form === undefined ? body : formOf(form, body) }),
    });
    const answer = {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      contentType: response.headers.get('content-type'),
    };
    if (!readsBody || !response.ok) {
      await response.body?.cancel();
      return answer;
    }
    const text = await response.text();
    return text.length > MAX_BODY_BYTES
      ? { error: 'the response is too large' }
      : { ...answer, body: text };
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    return { error: isLate ? 'no response in time' : 'no connection' };
  }
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
