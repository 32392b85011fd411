import { load } from '../conversation.mjs';
import { CallTimes, measure } from '../meter.mjs';

/**
 * The interceptor as Flue calls it for a model: once per chunk of the reply, within a turn that the
 * exporter knows.
 *
 * @param {import('../worker.mjs').Job} job
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run({ size, warmUp }, contender) {
  const { observe, interceptor, flush } = await contender.load();
  if (interceptor === undefined) return { missing: true };

  const opening = load(warmUp).all();
  const request = opening.find(({ type }) => type === 'turn_request');
  for (const event of opening.slice(0, opening.indexOf(request) + 1)) observe(event);
  const { turnId, operationId, conversationId, instanceId, submissionId } = request;
  const operation = { type: 'model', turnId, operationId, conversationId, submissionId };
  const context = { turnId, operationId, conversationId, instanceId };
  const chunk = Promise.resolve({ done: false });
  const next = () => chunk;
  const stream = async (interceptor) => {
    for (let call = 0; call < size; call += 1) await interceptor(operation, context, next);
  };
  await stream(interceptor);
  await flush();

  const calls = new CallTimes();
  const costs = await measure(() => stream(interceptor));
  await stream(calls.timedInterceptor(interceptor));
  return { ...costs, calls };
}
