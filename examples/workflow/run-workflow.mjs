import {
  Bash,
  InMemoryFs,
  bashFactoryToSessionEnv,
  createFlueContext,
  generateWorkflowRunId,
  invokeWorkflowAttached,
  resolveModel,
} from '@flue/runtime/internal';
import { sqlite } from '@flue/runtime/node';

/**
 * Runs one workflow to its end and returns its result. A Flue 1.0 project has its server do this:
 * these are the same calls, on an in-memory database, without the HTTP around them.
 *
 * @param {string} workflowName
 * @param {import('@flue/runtime').WorkflowDefinition} workflow
 * @param {unknown} input
 */
export async function runWorkflow(workflowName, workflow, input) {
  const database = sqlite();
  await database.migrate?.();
  const { executionStore, runStore, eventStreamStore } = await database.connect();

  try {
    const { result } = await invokeWorkflowAttached({
      workflowName,
      workflow,
      input,
      runId: generateWorkflowRunId(),
      request: new Request(`http://localhost/workflows/${workflowName}`, { method: 'POST' }),
      runStore,
      eventStreamStore,
      createContext: ({ runId, request, initialEventIndex }) =>
        createFlueContext({
          id: runId,
          runId,
          req: request,
          initialEventIndex,
          env: process.env,
          agentConfig: { resolveModel },
          createDefaultEnv,
          submissionStore: executionStore.submissions,
        }),
    });
    return result;
  } finally {
    await database.close?.();
  }
}

async function createDefaultEnv() {
  const fs = new InMemoryFs();
  return bashFactoryToSessionEnv(() => new Bash({ fs }));
}
