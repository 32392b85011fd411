/** Flue 0.8.1; see `shared/program.mjs`. */
import * as line from '../lines/0.8.1/line.mjs';
import { runFlue1 } from './shared/flue-1.mjs';
import { sameIds, scenarios } from './shared/scenarios.mjs';
import { workflowImage, workflowLogs, workflows } from './shared/workflows.mjs';

// Neither a tool nor a hook can prompt: there is no `nested`.
const { tools, task, compaction, errors, interleaved } = scenarios;

await runFlue1(line, {
  tools,
  task,
  compaction,
  'compaction-failure': scenarios['compaction-failure'],
  errors,
  'call-ids': scenarios['call-ids'],
  'same-ids': sameIds,
  interleaved,
  'interleaved-shared': scenarios['interleaved-shared'],
  image: workflowImage,
  logs: workflowLogs,
  ...workflows,
});
