/** A Worker that records at the top level of its module, and passes what calls other objects to its spans. */
import { DurableObject } from 'cloudflare:workers';
import * as bt from '../../../../js/edge/index.mjs';

let made = 0;
let unhandled = 0;
globalThis.addEventListener('unhandledrejection', () => unhandled++);

export class House extends DurableObject {
  constructor(...args) {
    super(...args);
    made++;
  }
}

bt.initLogger({ projectName: 'edge' });
const early = bt.startSpan({ name: 'early' });
bt.logFeedback({ submissionId: 'sub_1', scores: { good: 1 } });
bt.braintrustFlueObserver({
  type: 'operation_start',
  operationId: 'op_1',
  operationKind: 'prompt',
});
bt.braintrustFlueObserver({ type: 'operation', operationId: 'op_1', operationKind: 'prompt' });

export default {
  async fetch(_request, env) {
    early.end();
    const house = env.HOUSES.getByName('untouched');
    await bt.wrapTraced(async (stub) => ({ stub }), { name: 'in a request' })(house);
    const { complete } = await bt.flush();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return Response.json({ complete, made, unhandled, lost: bt.stats().lost });
  },
};
