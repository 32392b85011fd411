import { observe } from '@flue/runtime';
import { save } from '../conversation.mjs';
import { startAgent } from '../flue.mjs';

/**
 * Plays a conversation on Flue and keeps its events, for the replays.
 *
 * @param {import('../worker.mjs').Job} job
 */
export async function run({ size, file }) {
  const events = [];
  observe((event) => void events.push(event));
  const agent = await startAgent();
  await agent.converse(`recorded-${size}`, size);
  await agent.stop();
  save(file, events);
  return { events: events.length };
}
