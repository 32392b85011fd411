import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../conversation.mjs';
import { CallTimes, measure } from '../meter.mjs';

/** The members of an event that name its work: each conversation has ids of its own. */
const IDS = ['conversationId', 'submissionId', 'operationId', 'turnId', 'toolCallId'];

/**
 * Conversations that run at the same time at a steady pace, as in a busy server: every tick, one of them makes its next
 * model turn, and another one's model answers. An event is made when it is due and thrown away, as Flue does.
 *
 * @param {import('../worker.mjs').Job} job with `file`, `size` conversations, `paceMs` for a tick, and the `options` of
 *   `initLogger`
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run({ file, size = 1, paceMs = 20, options }, contender) {
  const { observe, flush, stats } = await contender.load(options);
  const conversation = load(file);
  const parts = partsOf(conversation);
  await play(2, parts, conversation, paceMs / 10, named(observe, 'warm-up'));
  await flush();
  const before = stats?.();

  const calls = new CallTimes();
  const timed = calls.timed(observe);
  const costs = await measure(async () => {
    await play(size, parts, conversation, paceMs, named(timed, 'run'));
    await flush();
  });
  return { ...costs, calls: calls.total, turns: size * turnsIn(parts), before, stats: stats?.() };
}

/** @param {number} size @param {number[][]} parts indexes of events */
async function play(size, parts, conversation, paceMs, observe) {
  // One after the other begins, so that they are at different turns.
  for (let tick = 0; tick < parts.length * size; tick += 1) {
    const [number, part] = [tick % size, Math.floor(tick / size)];
    for (const index of parts[part]) observe(conversation.event(index), number);
    await sleep(paceMs);
  }
}

/** The events that come at once: up to a request of the model, and up to its answer. */
function partsOf(conversation) {
  /** @type {number[][]} */
  const parts = [[]];
  for (let index = 0; index < conversation.length; index += 1) {
    const { type } = conversation.event(index);
    parts.at(-1).push(index);
    if (type === 'turn_request' || type === 'turn') parts.push([]);
  }
  return parts;
}

/** @param {number[][]} parts */
const turnsIn = (parts) => Math.floor((parts.length - 1) / 2);

function named(observe, prefix) {
  return (event, number) => {
    const ids = IDS.filter((id) => event[id]).map((id) => [id, `${prefix}-${number}-${event[id]}`]);
    observe({ ...event, ...Object.fromEntries(ids) });
  };
}
