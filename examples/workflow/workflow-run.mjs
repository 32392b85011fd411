/**
 * A run of a Flue 1.0 workflow, traced by the one import on the next line.
 * Its model is played from `script.mjs`, so it runs offline and costs nothing.
 */
import './braintrust.ts';

import { eveningRound } from './evening-round.mjs';
import { runWorkflow } from './run-workflow.mjs';

const result = await runWorkflow('evening-round', eveningRound, {
  date: '21 November',
  lowC: -4,
});
console.log(result.report);
console.log(result.prepared);
