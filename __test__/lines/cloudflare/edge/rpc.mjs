/** A Worker whose spans call methods of a Durable Object. */
import { DurableObject, RpcTarget } from 'cloudflare:workers';
import * as bt from '../../../../js/edge/index.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Plot extends RpcTarget {
  crop() {
    return 'beans';
  }
}

export class House extends DurableObject {
  async water(litres) {
    await pause(300);
    return { litres };
  }
  async burn() {
    await pause(300);
    throw new Error('no fire');
  }
  async plot() {
    await pause(300);
    return new Plot();
  }
}

let unhandled = 0;
globalThis.addEventListener('unhandledrejection', () => unhandled++);

export default {
  async fetch(_request, env) {
    bt.initLogger({ projectName: 'edge' });
    const house = env.HOUSES.getByName('house');
    const water = bt.wrapTraced((litres) => house.water(litres), { name: 'water' });
    const given = await water(5);
    const error = await bt.traced(() => house.burn(), { name: 'burn' }).catch((error) => error);
    // Before the plot is there.
    const crop = await bt.traced(() => house.plot(), { name: 'plot' }).crop();
    const { complete } = await bt.flush();
    return Response.json({ given, error: error.message, crop, complete, unhandled });
  },
};
