/** Flue 1.0.0-beta.9, where what logs or prompts is an action; see `shared/program.mjs`. */
import * as line from './1.0.0-beta.9/line.mjs';
import { runFlue1 } from './shared/flue-1.mjs';
import { scenarios } from './shared/scenarios.mjs';
import { workflows } from './shared/workflows.mjs';

// Agents with the same instance id wait for each other.
const { 'interleaved-shared': _serial, ...playable } = scenarios;

// Each message by `dispatch()`, of which only the ids of a dispatch are known.
const { agents, messages, script } = scenarios['nested-parallel'];
const dispatched = {
  agents,
  messages: messages.map(({ text }) => ({ text, dispatched: true })),
  script,
};

await runFlue1(line, { ...playable, dispatched, ...workflows });
