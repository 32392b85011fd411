/** A Worker with the earliest compatibility date records objects that are no plain ones. */
import * as bt from '../../../../js/edge/index.mjs';

class Plant {
  name = 'fern';
}

export default {
  async fetch() {
    bt.initLogger({ projectName: 'edge' });
    bt.log({ input: { plant: new Plant(), url: new URL('https://example.com/a') } });
    const { complete } = await bt.flush();
    return Response.json({ complete, weakReferences: typeof WeakRef });
  },
};
