import { observe } from '@flue/runtime';
import { getCloudflareContext } from '@flue/runtime/cloudflare';
import { braintrustFlueObserver, initLogger } from 'flue-braintrust';

if (process.env.BRAINTRUST_API_KEY) {
  initLogger({ storage: () => getCloudflareContext().storage });
  observe((event, ctx) => {
    braintrustFlueObserver(event, ctx);
  });
}
