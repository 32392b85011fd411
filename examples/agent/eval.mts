/**
 * An evaluation by the `braintrust` package whose task is a Flue agent. Each row of the experiment is one trace: the agent's
 * turns and tools lie below the task of the row.
 *
 *     BRAINTRUST_API_KEY=… node agent/eval.mts
 */
import './braintrust.ts';

import { init, useModel } from '@flue/runtime';
import { start } from '@flue/runtime/node';
import { fauxAssistantMessage } from '@earendil-works/pi-ai/providers/faux';
import { Eval } from 'braintrust';
import { flush, withParent } from 'flue-braintrust';
import { fauxModel } from './faux.mts';

const { provider, model } = fauxModel({ reply: () => fauxAssistantMessage('Open the vents.') });

function Keeper() {
  useModel(model);
  return 'You keep a small greenhouse.';
}

async function ask(question: string) {
  // A new instance for each row: the rows must not share a conversation.
  const keeper = init(Keeper);
  const { text } = await keeper.read(await keeper.dispatch(question));
  return text;
}

const flue = await start({ agents: [Keeper], providers: [provider] });

await Eval('Greenhouse', {
  data: [
    { input: 'The orchids are at 35 °C. What now?', expected: 'Open the vents.' },
    { input: 'The orchids are at 5 °C. What now?', expected: 'Close the vents.' },
  ],
  task: async (question, { span }) => withParent(await span.export(), () => ask(question)),
  scores: [({ output, expected }) => ({ name: 'exact', score: output === expected ? 1 : 0 })],
});

await flush();
await flue.stop();
