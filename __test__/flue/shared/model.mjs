import { priced } from '../../../examples/priced.mts';
import { inOwnSpan } from './tracing.mjs';

/**
 * A turn of the model: its text, its blocks, or the message's members.
 *
 * @typedef {string | object[] | { content?: object[], stopReason?: string, errorMessage?: string }} Turn
 */

/** @param {string} thinking */
export const think = (thinking) => ({ type: 'thinking', thinking });

/** @param {string} text */
export const say = (text) => ({ type: 'text', text });

/**
 * @param {string} name
 * @param {object} args
 * @param {string} id
 */
export const call = (name, args, id) => ({ type: 'toolCall', id, name, arguments: args });

/** @param {string} errorMessage @param {object[]} [content] the content before it */
export const fail = (errorMessage, content = []) => ({
  content,
  stopReason: 'error',
  errorMessage,
});

const provider = 'greenhouse';
const api = 'faux-messages';

/** Dollars per million tokens. */
const cost = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

/**
 * A model that needs no network and no key, with a real model's prices. Each turn comes from the
 * scenario's script: the lines below the last prompt that it knows.
 *
 * @param {object} pi pi-ai, as the line of Flue has it
 * @param {import('./scenarios.mjs').Scenario} scenario
 */
export function scriptedModel(pi, { script, summary, model: settings = {} }) {
  const { tokensPerSecond = 2000, contextWindow = 200_000 } = settings;
  const model = { id: 'moss-1', reasoning: true, cost, contextWindow, maxTokens: 1024 };
  // Chunks of one size, so that every run emits the same events.
  const tokenSize = { min: 4, max: 4 };
  const core = pi.createFauxCore({ api, provider, tokensPerSecond, tokenSize, models: [model] });

  let responses = 0;
  const answer = (context) => {
    responses += 1;
    return {
      ...message(pi, nextTurn(context, script, summary)),
      responseId: `resp_${responses}`,
    };
  };
  // As in the code of a provider, a span of its own belongs to the turn that asks.
  const reply = process.env.OWN_SPANS
    ? (context) => inOwnSpan({ kind: 'provider' }, async () => answer(context))
    : answer;
  // The core answers from a queue: keep one reply ahead of every request. Flue may know the provider
  // but not its models' prices, so each request is made with the core's own model.
  const stream = priced(
    (_requested, context, options) => {
      core.setResponses([reply]);
      return core.stream(core.getModel(), context, options);
    },
    (_requested, usage) => pi.calculateCost(core.getModel(), usage),
  );
  return { name: `${provider}/${model.id}`, provider, api, stream, model, models: core.models };
}

/**
 * An old pi-ai only registers its faux core, instead of handing it out; but it can be had from there.
 *
 * @param {object} pi
 */
export function withFauxCore(pi) {
  const createFauxCore = (options) => {
    const faux = pi.registerFauxProvider(options);
    return { ...faux, stream: pi.getApiProvider(options.api).stream };
  };
  return { ...pi, createFauxCore };
}

/** @returns {Turn} */
function nextTurn({ messages, tools }, script, summary) {
  // Only a summariser is given no tools.
  if (summary !== undefined && !tools?.length) return summary;

  for (const [index, message] of [...messages.entries()].toReversed()) {
    if (message.role !== 'user') continue;
    const prompt = Object.keys(script).find((prompt) => textOf(message).includes(prompt));
    if (prompt === undefined) continue;
    const replies = messages.slice(index).filter(({ role }) => role === 'assistant').length;
    const turn = script[prompt][replies];
    if (turn === undefined) throw new Error(`The script of “${prompt}” has no turn ${replies}.`);
    return turn;
  }
  throw new Error('The script knows none of the prompts.');
}

function textOf({ content }) {
  if (typeof content === 'string') return content;
  return content.map(({ text = '' }) => text).join('\n');
}

/** @param {Turn} turn */
function message(pi, turn) {
  if (typeof turn === 'string') return pi.fauxAssistantMessage(turn);
  if (!Array.isArray(turn)) return pi.fauxAssistantMessage(turn.content ?? [], turn);
  const usesTools = turn.some(({ type }) => type === 'toolCall');
  return pi.fauxAssistantMessage(turn, { stopReason: usesTools ? 'toolUse' : 'stop' });
}
