import * as bt from "braintrust";
const show = (l, v) => console.log(JSON.stringify([l, v === undefined ? '<undefined>' : v]));
const tryIt = async (l, fn) => { try { show(l, await fn()); } catch (e) { show(l + ' THROWS', String(e.message)); } };
bt.setMaskingFunction((v) => null);
const logger = bt.initLogger({ projectName: 'P', apiKey: 'key' });
 const s = logger.startSpan({ name: 'm', event: { input: 'a', metadata: { k: 1 } } }); s.log({ output: 'b' }); s.end();
await bt.flush();
