/** Replays recorded events: what a Worker and a program on Node share. */

/** Masks so that every string of content changes. */
const mask = (value) => JSON.parse(JSON.stringify(value).replaceAll(/(?<=[a-z])[aeiou]/g, '*'));

/**
 * @param {typeof import('../../../../index.d.ts')} entry
 * @param {{ options: object, masks: boolean, events: object[] }} job
 */
export async function replay(entry, { options, masks, events }) {
  entry.setMaskingFunction(masks ? mask : null);
  entry.initLogger(options);
  for (const event of events) entry.braintrustFlueObserver(event);
  return await entry.close({ timeoutMs: 30_000 });
}
