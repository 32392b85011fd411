/** Flue 1.0.0-beta.9, where what logs or prompts is an action; see `shared/program.mjs`. */
import * as line from './1.0.0-beta.9/line.mjs';
import { runFlue1 } from './shared/flue-1.mjs';
import { scenarios } from './shared/scenarios.mjs';
import { workflows } from './shared/workflows.mjs';

// Agents with the same instance id wait for each other.
const { 'interleaved-shared': _serial, ...playable } = scenarios;

await runFlue1(line, { ...playable, ...workflows });
