import { observe } from '@flue/runtime';
import { braintrustFlueObserver, initLogger } from 'flue-braintrust';

if (process.env.BRAINTRUST_API_KEY) {
  initLogger({
    projectName: process.env.BRAINTRUST_PROJECT_NAME ?? 'Flue',
    apiKey: process.env.BRAINTRUST_API_KEY,
  });

  observe((event, ctx) => {
    braintrustFlueObserver(event, ctx);
  });
}
