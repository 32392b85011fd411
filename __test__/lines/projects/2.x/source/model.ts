import { createProvider } from '@earendil-works/pi-ai';
import {
  createFauxCore,
  fauxAssistantMessage,
  fauxToolCall,
} from '@earendil-works/pi-ai/providers/faux';
import { setProvider } from '@flue/runtime';

const core = createFauxCore({
  api: 'faux-messages',
  provider: 'greenhouse',
  models: [{ id: 'moss-1', maxTokens: 1024 }],
  // At once, unless it is to take its time.
  tokensPerSecond: Number(process.env.TOKENS_PER_SECOND) || undefined,
});

/** A model without network or key: it reads a house, and then answers. */
const stream: typeof core.stream = (model, context, options) => {
  core.setResponses([
    ({ messages }) =>
      messages.at(-1)?.role === 'toolResult'
        ? fauxAssistantMessage('The orchid house holds 17.5 °C.')
        : fauxAssistantMessage([fauxToolCall('read_house', { house: 'orchids' })], {
            stopReason: 'toolUse',
          }),
  ]);
  return core.stream(model, context, options);
};

setProvider(
  createProvider({
    id: core.provider,
    auth: { apiKey: { name: 'none', resolve: async () => ({ auth: {} }) } },
    models: core.models,
    api: { stream, streamSimple: stream },
  }),
);

export const model = `${core.provider}/moss-1`;
