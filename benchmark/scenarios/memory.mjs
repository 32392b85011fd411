import { readFileSync } from 'node:fs';
import { setImmediate as nextLoop, setTimeout as sleep } from 'node:timers/promises';
import { load } from '../conversation.mjs';
import { clean } from '../meter.mjs';

const QUIET_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

/**
 * What an exporter keeps of a conversation whose uploads are never answered. Each event is made when
 * it is due and thrown away, as Flue does; only the messages themselves stay, as they do in Flue.
 *
 * @param {import('../worker.mjs').Job} job
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run({ file }, contender) {
  const { observe, stats } = await contender.load();
  const conversation = load(file);
  // A submission of another conversation: code is compiled, caches are filled, connections are open.
  await deliver(conversation, otherwise(observe), 40);
  const before = await retained();

  await deliver(conversation, observe, conversation.length);
  const after = await retained();
  return {
    rss: after.rss - before.rss,
    heap: after.heap - before.heap,
    native: after.native - before.native,
    peakRss: process.resourceUsage().maxRSS * 1024,
    messageBytes: conversation.messageBytes,
    stats: stats?.(),
  };
}

async function deliver(conversation, observe, count) {
  for (let index = 0; index < count; index += 1) {
    const event = conversation.event(index);
    observe(event);
    if (event.type === 'turn') await nextLoop();
  }
}

/** The same events under ids of their own, so that they make spans of their own. */
function otherwise(observe) {
  const rename = (id) => id && `${id}-warm-up`;
  return (event) =>
    observe({
      ...event,
      ...(event.conversationId && { conversationId: rename(event.conversationId) }),
      ...(event.submissionId && { submissionId: rename(event.submissionId) }),
      ...(event.operationId && { operationId: rename(event.operationId) }),
      ...(event.turnId && { turnId: rename(event.turnId) }),
      ...(event.toolCallId && { toolCallId: rename(event.toolCallId) }),
    });
}

/** Once the process is idle and all garbage is collected. */
async function retained() {
  await idle();
  await clean();
  await idle();
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  return { rss: residentNow() ?? rss, heap: heapUsed + external, native: rss - heapTotal };
}

/** Waits until the process has used next to no CPU for a while: other threads may still work. */
async function idle() {
  const until = Date.now() + LONGEST_WAIT_MS;
  for (let quiet = 0; quiet < QUIET_MS && Date.now() < until;) {
    const cpu = process.cpuUsage();
    await sleep(200);
    const { user, system } = process.cpuUsage(cpu);
    quiet = user + system < 10_000 ? quiet + 200 : 0;
  }
}

/** Linux counts resident pages lazily; this file is exact. */
function residentNow() {
  try {
    const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
    return Number(/^Rss:\s+(\d+) kB/m.exec(rollup)?.[1]) * 1024 || undefined;
  } catch {
    return undefined;
  }
}
