import type { Context } from '@earendil-works/pi-ai';
import {
  fauxAssistantMessage,
  fauxText as say,
  fauxThinking as think,
  fauxToolCall as call,
} from '@earendil-works/pi-ai/providers/faux';

/** What the keeper is asked in the evening. */
export const question = 'Frost is coming tonight. Is the greenhouse ready for it?';

/** The botanist's instructions; the script recognises its conversation by them. */
export const botanistRole = 'You are the botanist. Answer from the herbarium, in one sentence.';

const useTools = { stopReason: 'toolUse' } as const;

const keeper = [
  fauxAssistantMessage(
    [
      think('Before anything else I need to know how cold it gets.'),
      say('Let me look at the sky first.'),
      call('read_forecast', { hours: 12 }),
    ],
    useTools,
  ),
  fauxAssistantMessage(
    [
      think('Four below, clear sky: it will get cold fast. How do both houses stand?'),
      call('read_house', { house: 'orchids' }),
      call('read_house', { house: 'ferns' }),
    ],
    useTools,
  ),
  fauxAssistantMessage(
    [say('Closing the roof for the night.'), call('close_vent', { vent: 'north' })],
    useTools,
  ),
  fauxAssistantMessage(
    [
      think('The vent stays open, so the orchids will feel it. What can the tender ones bear?'),
      call('task', {
        agent: 'botanist',
        description: 'cold limit of the monkey orchid',
        prompt: 'How cold may Dracula simia get for one night?',
      }),
    ],
    useTools,
  ),
  fauxAssistantMessage([
    think('Nine degrees is the limit. Both houses are above it now, but the vent is open.'),
    say(
      'Almost. Minus four is forecast; the orchid house holds 17.5 °C and the fern house 14.2 °C. ' +
        'The north vent is jammed open, so please hang the blanket under it by hand: the monkey ' +
        'orchids must not get below 9 °C. I will call you if they come near it.',
    ),
  ]),
];

const botanist = [
  fauxAssistantMessage([call('consult_herbarium', { species: 'Dracula simia' })], useTools),
  fauxAssistantMessage('Dracula simia bears 9 °C for a night; below that its leaves spot.'),
];

const summary = fauxAssistantMessage(
  '## Goal\nBring the greenhouse through a frosty night.\n\n## Progress\n' +
    'Forecast read (-4 °C), both houses measured, north vent found jammed, botanist asked: ' +
    'the monkey orchids bear 9 °C.',
);

/** The model's side of the conversation: the next line of whoever is asked. */
export function reply({ systemPrompt = '', messages, tools }: Context) {
  if (!tools?.length) return summary;
  const script = systemPrompt.includes(botanistRole) ? botanist : keeper;
  return script[messages.filter((message) => message.role === 'assistant').length];
}
