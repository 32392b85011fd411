import { calculateCost, createFauxCore } from '@earendil-works/pi-ai';
import { registerApiProvider, registerProvider } from '@flue/runtime';
import { priced } from '../priced.mts';

/** Dollars per million tokens. */
const cost = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

/** Chunks of one size, so that every run emits the same events. */
const tokenSize = { min: 4, max: 4 };

/**
 * Registers a model that needs no network and no key, with a real model's prices.
 *
 * @param {import('@earendil-works/pi-ai').FauxResponseFactory} reply answers each request
 * @returns {string} the model's name, to be given to `defineAgent()`
 */
export function registerFauxModel(reply) {
  const api = 'faux-messages';
  const provider = 'greenhouse';
  const model = { id: 'moss-1', reasoning: true, cost, contextWindow: 200_000, maxTokens: 1024 };
  const core = createFauxCore({ api, provider, tokensPerSecond: 500, tokenSize, models: [model] });

  // The core answers from a queue: keep one reply ahead of every request. The runtime knows the
  // provider but not its models' prices, so each request is made with the core's own model.
  const stream = priced(
    (_requested, context, options) => {
      core.setResponses([reply]);
      return core.stream(core.getModel(), context, options);
    },
    (_requested, usage) => calculateCost(core.getModel(), usage),
  );

  registerApiProvider({ api, stream, streamSimple: stream });
  registerProvider(provider, { api, baseUrl: 'http://localhost:0', apiKey: 'none', ...model });
  return `${provider}/${model.id}`;
}
