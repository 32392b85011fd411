import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import { load } from '../conversation.mjs';
import { CallTimes, measure } from '../meter.mjs';

/**
 * A recorded conversation without Flue: nothing runs but the exporter. The loop turns after each turn
 * of the conversation, and the exporter has delivered everything before the measure ends. With a pace,
 * the events come one by one, as they do in life, and whatever an exporter does in the background has
 * come to rest before the next one; and each is made right before it is told, as Flue makes it, so that it
 * is in the processor's caches.
 *
 * @param {import('../worker.mjs').Job} job
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run({ file, warmUp, paceMs }, contender) {
  const { observe, flush, stats } = await contender.load();
  if (warmUp !== undefined) await replay(load(warmUp).all(), observe);
  await flush();

  const calls = new CallTimes();
  const conversation = load(file);
  const events = paceMs === undefined ? conversation.all() : made(conversation);
  const costs = await measure(async () => {
    await replay(events, calls.timed(observe), paceMs);
    await flush();
  });
  return { ...costs, calls, messageBytes: conversation.messageBytes, stats: stats?.() };
}

/** @param {ReturnType<typeof load>} conversation */
function* made({ length, event }) {
  for (let index = 0; index < length; index += 1) yield event(index);
}

/** @param {Iterable<any>} events @param {(event: any) => unknown} observe @param {number} [paceMs] */
async function replay(events, observe, paceMs) {
  for (const event of events) {
    observe(event);
    if (paceMs !== undefined) await sleep(paceMs);
    else if (event.type === 'turn') await nextLoop();
  }
}
