/**
 * A Flue agent that looks after a greenhouse, traced by the one import on the next line.
 * Its model is played from `script.mts`, so it runs offline and costs nothing.
 */
import './braintrust.ts';

import { init, useModel, useSubagent, useTool } from '@flue/runtime';
import { start } from '@flue/runtime/node';
import { fauxModel } from './faux.mts';
import { botanistRole, question, reply } from './script.mts';
import { closeVent, consultHerbarium, readForecast, readHouse } from './tools.mts';

const { provider, model } = fauxModel({ reply, contextWindow: 4000, tokensPerSecond: 500 });

function Botanist() {
  useTool(consultHerbarium);
  return botanistRole;
}

function GreenhouseKeeper() {
  useModel(model, {
    thinkingLevel: 'medium',
    compaction: { reserveTokens: 2800, keepRecentTokens: 150 },
  });
  useTool(readForecast);
  useTool(readHouse);
  useTool(closeVent);
  useSubagent({
    name: 'botanist',
    description: 'Knows what every plant in the greenhouse can bear.',
    agent: Botanist,
  });
  return 'You keep a small greenhouse. Check before you answer, and ask the botanist about plants.';
}

const flue = await start({ agents: [GreenhouseKeeper], providers: [provider] });
try {
  const keeper = init(GreenhouseKeeper, { id: 'greenhouse' });
  const { text } = await keeper.read(await keeper.dispatch(question));
  console.log(text);
} finally {
  await flue.stop();
}
