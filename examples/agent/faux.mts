import { calculateCost, createProvider, type Provider } from '@earendil-works/pi-ai';
import { createFauxCore, type FauxResponseStep } from '@earendil-works/pi-ai/providers/faux';
import { priced } from '../priced.mts';

/** Dollars per million tokens. */
const cost = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

/** Chunks of one size, so that every run emits the same events. */
const tokenSize = { min: 4, max: 4 };

export interface FauxModelOptions {
  /** Answers each request from its context; stands where a provider's server would be. */
  reply: FauxResponseStep;
  /** Small windows make Flue compact early. */
  contextWindow?: number;
  /** How fast the model talks; without it a reply is streamed at once. */
  tokensPerSecond?: number;
}

export interface FauxModel {
  /** To be given to `start({ providers })`. */
  provider: Provider;
  /** To be given to `useModel()`. */
  model: string;
}

/** A model that needs no network and no key, with a real model's prices. */
export function fauxModel({ reply, contextWindow, tokensPerSecond }: FauxModelOptions): FauxModel {
  const core = createFauxCore({
    api: 'faux-messages',
    provider: 'greenhouse',
    tokensPerSecond,
    tokenSize,
    models: [{ id: 'moss-1', reasoning: true, cost, contextWindow, maxTokens: 1024 }],
  });

  // The core answers from a queue: keep one reply ahead of every request.
  const answering: typeof core.stream = (model, context, options) => {
    core.setResponses([reply]);
    return core.stream(model, context, options);
  };
  const stream = priced(answering, calculateCost);

  const provider = createProvider({
    id: core.provider,
    auth: { apiKey: { name: 'none', resolve: async () => ({ auth: {} }) } },
    models: core.models,
    api: { stream, streamSimple: stream },
  });
  return { provider, model: `${core.provider}/moss-1` };
}
