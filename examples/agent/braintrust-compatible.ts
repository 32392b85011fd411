import { type FlueObservation, observe } from '@flue/runtime';
import { braintrustFlueObserver, initLogger } from 'flue-braintrust';

if (process.env.BRAINTRUST_API_KEY) {
  initLogger({
    projectName: process.env.BRAINTRUST_PROJECT_NAME ?? 'Flue',
    apiKey: process.env.BRAINTRUST_API_KEY,
  });

  observe((event, ctx) => {
    const compatible = compatibleEvent(event);
    if (compatible) braintrustFlueObserver(compatible, ctx);
  });
}

/** A tool's end, under the name that Flue gave it before 1.0. */
type ToolCallEvent = Omit<Extract<FlueObservation, { type: 'tool' }>, 'type'> & {
  type: 'tool_call';
};

/**
 * A helper like that of Flue's Braintrust blueprint, which the guide mentions and leaves out: it
 * renames `tool` to `tool_call` and keeps only events that the exporter of the `braintrust` package
 * knows. `flue-braintrust` needs neither, but a project that has such a helper keeps working.
 */
function compatibleEvent(event: FlueObservation): FlueObservation | ToolCallEvent | undefined {
  switch (event.type) {
    case 'tool':
      return { ...event, type: 'tool_call' };
    case 'operation_start':
    case 'operation':
    case 'turn_request':
    case 'turn':
    case 'tool_start':
    case 'task_start':
    case 'task':
    case 'compaction_start':
    case 'compaction':
      return event;
    default:
      return undefined;
  }
}
