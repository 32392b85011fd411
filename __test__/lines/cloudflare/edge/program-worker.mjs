/** A Worker that runs the program. */
import * as entry from '../../../../js/edge/index.mjs';
import { program } from './program.mjs';

export default {
  fetch: async (request) => Response.json(await program(entry, await request.json())),
};
