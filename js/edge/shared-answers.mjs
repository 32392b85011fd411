// Sends requests. The recorders of an isolate share the responses of what connects: each Durable Object with a storage has
// a recorder, and would log in for itself.

import { dropOldest } from '../drop-oldest.js';
import { JSON } from '../json/own-json.js';
import { send } from './send.mjs';
import { sleep } from '../timers.js';
import { runningMs } from '../running-clock.js';

/** The requests that connect: the login, the registration of the project, and the server's limit. */
const SHARED = /\/(?:api\/apikey\/login|api\/project\/register|version)$/;
/** How long a response is shared, in milliseconds. */
const SHARED_MS = 300_000;
/** The most responses that are kept; the oldest are dropped. */
const MAX_SHARED = 64;
/** How often who waits for the response of another recorder looks again, in milliseconds. */
const AWAIT_MS = 20;

/** @typedef {import('./send.mjs').Request} Request */
/** @typedef {import('./send.mjs').Answer} Answer */

/**
 * Who sends.
 * @typedef {object} Sender
 * @property {object} recorder
 * @property {() => boolean} isGone whether the runtime has ended the request of the application that sends
 */

/**
 * A response, or a request under way.
 * @typedef {object} Shared
 * @property {string | undefined} key as the header states it
 * @property {() => boolean} isGone of the sender
 * @property {WeakSet<object>} users the recorders that have it: they ask again only for another one
 * @property {number} at when it came
 * @property {Answer} [answer] none: under way
 */

/** By the whole request. @type {Map<string, Shared>} */
const shared = new Map();

/**
 * Sends a request, or takes the response of an equal one. Never rejects.
 * @param {Request} request
 * @param {AbortSignal} signal
 * @param {Sender} sender
 * @returns {Promise<Answer>}
 */
export async function sendOrShare(request, signal, { recorder, isGone }) {
  if (!SHARED.test(request.url)) return await sendOwn(request, signal);
  const { method, url, headers, body } = request;
  const name = JSON.stringify([method, url, headers, new TextDecoder().decode(body)]);
  const until = runningMs() + request.timeoutMs;
  // No promise of another request of the application is awaited: the runtime may end that one.
  for (let found = usable(name, recorder); found !== undefined; found = usable(name, recorder)) {
    if (found.answer !== undefined) {
      found.users.add(recorder);
      return found.answer;
    }
    if (signal.aborted || runningMs() >= until) return { error: 'no response in time' };
    await sleep(AWAIT_MS);
  }
  /** @type {Shared} */
  const own = { key: headers.authorization, isGone, users: new WeakSet([recorder]), at: 0 };
  shared.delete(name);
  shared.set(name, own);
  dropOldest(shared, MAX_SHARED);
  const answer = await sendOwn(request, signal);
  if (shared.get(name) !== own) return answer;
  if (isSuccess(answer)) Object.assign(own, { answer, at: runningMs() });
  else shared.delete(name);
  return answer;
}

/**
 * What a recorder may use. One that asks again wants another response than it has.
 * @param {string} name
 * @param {object} recorder
 */
function usable(name, recorder) {
  const found = shared.get(name);
  if (found === undefined || found.users.has(recorder)) return undefined;
  const isUsable = found.answer ? runningMs() - found.at < SHARED_MS : !found.isGone();
  return isUsable ? found : undefined;
}

/**
 * Sends a request. A key that is refused has no responses any more.
 * @param {Request} request
 * @param {AbortSignal} signal
 */
async function sendOwn(request, signal) {
  const answer = await send(request, signal);
  if ('status' in answer && (answer.status === 401 || answer.status === 403)) {
    const key = request.headers.authorization;
    for (const [name, one] of shared) if (one.key === key) shared.delete(name);
  }
  return answer;
}

/** @param {Answer} answer */
const isSuccess = (answer) =>
  'status' in answer && answer.status >= 200 && answer.status < 300 && answer.body !== undefined;
