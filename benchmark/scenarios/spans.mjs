import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import { load } from '../conversation.mjs';
import { frozenClone } from '../frozen-clone.mjs';
import { CallTimes, measure } from '../meter.mjs';

/** How many spans a turn of the loop brings. */
const SLICE = 500;
const WARM_UP_SPANS = 5000;

/**
 * Tool calls and nothing else, two events each, as fast as the observer takes them, or so many per second. The events
 * of a slice are made before it, outside of the calls' time. The time to make them is the same for all, and is
 * subtracted with the run that traces nothing.
 *
 * @param {import('../worker.mjs').Job} job
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run({ size, warmUp, perSecond = Infinity }, contender) {
  const { observe, flush, stats } = await contender.load();
  const { opening, pair } = pattern(load(warmUp));
  const produce = async (label, count, observe) => {
    const began = performance.now();
    for (let first = 0; first < count; first += SLICE) {
      const early = (first / perSecond) * 1000 - (performance.now() - began);
      if (early > 1) await sleep(early);
      const slice = [];
      for (let number = first; number < Math.min(first + SLICE, count); number += 1) {
        for (const event of pair) slice.push(frozenClone(toolCall(event, `${label}:${number}`)));
      }
      for (const event of slice) observe(event);
      await nextLoop();
    }
  };
  // The operation and the turn that called the tools stay open, as they do in life.
  for (const event of opening) observe(event);
  await produce('warm-up', WARM_UP_SPANS, observe);
  await flush();
  const before = stats?.();

  const calls = new CallTimes();
  let produced = 0;
  let firstAt = 0n;
  const costs = await measure(async () => {
    firstAt = process.hrtime.bigint();
    await produce('measured', size, calls.timed(observe));
    produced = Number(process.hrtime.bigint() - firstAt) / 1e6;
    await flush();
  });
  const numbers = { produced, firstAt: String(firstAt), warmUpSpans: WARM_UP_SPANS };
  return { ...costs, ...numbers, calls, stats: stats?.(), before };
}

/** All events up to the first tool call, and that call. */
function pattern(conversation) {
  const events = conversation.all();
  const index = events.findIndex(({ type }) => type === 'tool_start');
  const start = events[index];
  const end = events.find(
    ({ type, toolCallId }) => type === 'tool' && toolCallId === start.toolCallId,
  );
  const small = { content: [{ type: 'text', text: '{"ok":true}' }], details: {} };
  const shortEnd = { ...end, effectiveResult: '{"ok":true}', ...(end.result && { result: small }) };
  return { opening: events.slice(0, index), pair: [start, shortEnd] };
}

const toolCall = (event, toolCallId) => ({ ...event, toolCallId });
