import { instrument, observe as observeFlue } from '@flue/runtime';
import { startAgent } from '../flue.mjs';
import { CallTimes, measure } from '../meter.mjs';

const WARM_UP_TURNS = 150;

/**
 * A real agent, traced as in life. What is timed is the calls that Flue makes; work that an exporter
 * does later is in the loop's active time, less that of the run which traces nothing.
 *
 * @param {import('../worker.mjs').Job} job
 * @param {import('../contenders.mjs').Contender} contender
 */
export async function run({ size }, contender) {
  const tracer = await contender.load();
  /** Those of the warm-up are thrown away. */
  let calls = new CallTimes();
  register(tracer, () => calls);
  const agent = await startAgent();
  await agent.converse('warm-up', WARM_UP_TURNS);
  await tracer.flush();

  const costs = await measure(async () => {
    calls = new CallTimes();
    await agent.converse('measured', size);
    await tracer.flush();
  });
  return { ...costs, calls, stats: tracer.stats?.() };
}

/** @param {import('../contenders.mjs').Tracer} tracer @param {() => CallTimes} calls */
function register({ observe, interceptor }, calls) {
  const timed = (event, context) => calls().timed(observe)(event, context);
  if (interceptor === undefined) {
    observeFlue(timed);
    return;
  }
  instrument({
    key: Symbol('benchmark'),
    observe: timed,
    interceptor: (operation, context, next) =>
      calls().timedInterceptor(interceptor)(operation, context, next),
    dispose: async () => {},
  });
}
