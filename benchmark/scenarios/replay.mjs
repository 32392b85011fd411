import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import { load } from '../conversation.mjs';
import { CallTimes, measure } from '../meter.mjs';

/**
 * A recorded conversation without Flue: nothing runs but the exporter. The loop turns after each turn of the
 * conversation, and the exporter has delivered everything before the measure ends. With a pace, the events come one by
 * one, as they do in life, and whatever an exporter does in the background has come to rest before the next one. All
 * events are made before; Flue makes each right before it emits it, so each is looked through first, as it lies in the
 * processor's caches then. That is not measured.
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
  const events = conversation.all();
  let seen = 0;
  const costs = await measure(async () => {
    seen = await replay(events, calls.timed(observe), paceMs);
    await flush();
  });
  const { messageBytes } = conversation;
  return { ...costs, active: costs.active - seen, calls, messageBytes, stats: stats?.() };
}

/**
 * @param {any[]} events
 * @param {(event: any) => unknown} observe
 * @param {number} [paceMs]
 * @returns {Promise<number>} milliseconds in which the events were looked through
 */
async function replay(events, observe, paceMs) {
  let seen = 0;
  for (const event of events) {
    const began = performance.now();
    lookThrough(event);
    seen += performance.now() - began;
    observe(event);
    if (paceMs !== undefined) await sleep(paceMs);
    else if (event.type === 'turn') await nextLoop();
  }
  return seen;
}

/** @param {any} value @returns {number} how many values there are in it */
function lookThrough(value) {
  if (value === null || typeof value !== 'object') return 1;
  let values = 1;
  for (const name in value) values += lookThrough(value[name]);
  return values;
}
