import { registerApiProvider, registerProvider } from '@flue/runtime';
import { createFauxCore, fauxAssistantMessage, fauxToolCall } from '@earendil-works/pi-ai';

const api = 'faux-messages';
const provider = 'greenhouse';
const definition = { id: 'moss-1', maxTokens: 1024 };
const core = createFauxCore({ api, provider, models: [definition] });

/** A model without network or key: it reads a house, and then answers. */
const stream: typeof core.stream = (_model, context, options) => {
  core.setResponses([
    ({ messages }) =>
      messages.at(-1)?.role === 'toolResult'
        ? fauxAssistantMessage('The orchid house holds 17.5 °C.')
        : fauxAssistantMessage([fauxToolCall('read_house', { house: 'orchids' })], {
            stopReason: 'toolUse',
          }),
  ]);
  return core.stream(core.getModel(), context, options);
};

registerApiProvider({ api, stream, streamSimple: stream });
registerProvider(provider, { api, baseUrl: 'http://localhost:0', apiKey: 'none', ...definition });

export const model = `${provider}/moss-1`;
