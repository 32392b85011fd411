/** A Worker that replays the events that it is sent. */
import * as entry from '../../../../js/edge/index.mjs';
import { replay } from './replay.mjs';

export default {
  /** @param {Request} request */
  fetch: async (request) => Response.json(await replay(entry, await request.json())),
};
