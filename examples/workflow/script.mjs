import {
  fauxAssistantMessage,
  fauxText as say,
  fauxThinking as think,
  fauxToolCall as call,
} from '@earendil-works/pi-ai';

/** The botanist's instructions; the script recognises its conversation by them. */
export const botanistRole = 'You are the botanist. Answer from the herbarium, in one sentence.';

const useTools = { stopReason: 'toolUse' };

const summary = fauxAssistantMessage(
  '## Goal\nWalk the greenhouse before the night.\n\n## Progress\n' +
    'Orchids and ferns measured, the botanist warned about the monkey orchids, blankets hung.',
);

const botanist = [
  fauxAssistantMessage([call('consult_herbarium', { species: 'Dracula simia' })], useTools),
  fauxAssistantMessage('Dracula simia bears 9 °C for a night; below that its leaves spot.'),
];

const keeper = [
  fauxAssistantMessage(
    [
      think('A round begins with the thermometers.'),
      say('Measuring.'),
      call('read_house', { house: 'orchids' }),
      call('read_house', { house: 'ferns' }),
    ],
    useTools,
  ),
  fauxAssistantMessage(
    [
      call('task', {
        agent: 'botanist',
        description: 'cold limit of the monkey orchid',
        prompt: 'How cold may Dracula simia get for one night?',
      }),
    ],
    useTools,
  ),
  fauxAssistantMessage('Orchids 17.5 °C, ferns 14.2 °C; keep the monkey orchids above 9 °C.'),
  fauxAssistantMessage('Blankets hang under both roof vents; the heater stays on low.'),
];

/**
 * The model's side of every conversation: the next line of whoever is asked.
 *
 * @param {import('@earendil-works/pi-ai').Context} context
 */
export function reply({ systemPrompt = '', messages, tools }) {
  if (!tools?.length) return summary;
  const script = systemPrompt.includes(botanistRole) ? botanist : keeper;
  return script[messages.filter((message) => message.role === 'assistant').length];
}
