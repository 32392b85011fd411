/** A Worker whose application is evaluated again while Flue's runtime stays, as at the first start of Vite's dev server. */
import { instrument } from '@flue/runtime';
import * as first from '../../../../js/edge/index.mjs';
import * as again from '../../../../js/edge/index.mjs?again';

const outcomes = [first, again].map((bt) => {
  try {
    bt.initLogger({ projectName: 'edge' });
    return typeof instrument(bt.braintrustFlueInstrumentation());
  } catch (error) {
    return error.name;
  }
});

export default {
  async fetch() {
    first.traced(() => again.startSpan({ name: 'within' }).end(), { name: 'outer' });
    const { complete, accepted } = await again.flush();
    return Response.json({ outcomes, complete, accepted });
  },
};
