/** Flue 0.11.1; see `shared/program.mjs`. */
import * as line from '../lines/0.11.1/line.mjs';
import { runFlue1 } from './shared/flue-1.mjs';
import { sameIds, scenarios } from './shared/scenarios.mjs';
import { workflowLogs, workflows } from './shared/workflows.mjs';

// Neither a tool nor a hook can prompt: there is no `nested`. Agents with the same instance id wait
// for each other: there is no `interleaved-shared`.
const { tools, task, compaction, errors, interleaved, image } = scenarios;

await runFlue1(line, {
  tools,
  task,
  compaction,
  'compaction-failure': scenarios['compaction-failure'],
  errors,
  'call-ids': scenarios['call-ids'],
  'same-ids': sameIds,
  interleaved,
  image,
  logs: workflowLogs,
  ...workflows,
});
