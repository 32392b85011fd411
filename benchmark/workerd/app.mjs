/** The Worker that is measured: it replays a conversation that it has received before. `TRACER` is the package. */
import { braintrustFlueObserver, flush, initLogger } from 'TRACER';
import { frozenClone } from '../frozen-clone.mjs';

let conversation = { messages: [], events: [] };

/** Each event anew, with ids of this run, as Flue makes it. */
function eventOf(lean, run) {
  const named = JSON.parse(
    JSON.stringify(lean, (name, value) =>
      name !== 'type' && typeof value === 'string' && /^(?:sub|conv|op|turn|call)_\w+$/.test(value)
        ? `${value}-${run}`
        : value,
    ),
  );
  if (lean.type !== 'turn_request') return frozenClone(named);
  const { request } = named;
  const messages = request.input.messages.map((index) => conversation.messages[index]);
  return frozenClone({ ...named, request: { ...request, input: { ...request.input, messages } } });
}

const STEPS = {
  async conversation(request) {
    conversation = await request.json();
  },
  async init(request) {
    initLogger(await request.json());
  },
  /** The events without a tracer: what making them costs. */
  async nothing(request) {
    const { run } = await request.json();
    for (const lean of conversation.events) eventOf(lean, run);
  },
  async run(request) {
    const { run } = await request.json();
    for (const lean of conversation.events) braintrustFlueObserver(eventOf(lean, run));
    await flush({ timeoutMs: 60_000 });
  },
};

export default {
  async fetch(request) {
    await STEPS[new URL(request.url).pathname.slice(1)](request);
    return new Response('done');
  },
};
