/**
 * Flue 1.0.0-beta.9 with the interface that `shared/flue-1.mjs` expects; the packages are those of the
 * workflow example.
 */
import * as flue from '../../../examples/workflow/node_modules/@flue/runtime/dist/index.mjs';
import * as internal from '../../../examples/workflow/node_modules/@flue/runtime/dist/internal.mjs';
import { sqlite } from '../../../examples/workflow/node_modules/@flue/runtime/dist/node/index.mjs';

export * as pi from '../../../examples/workflow/node_modules/@earendil-works/pi-ai/dist/index.js';
export * as v from '../../../examples/workflow/node_modules/valibot/dist/index.mjs';
export { internal };
export const {
  defineAction,
  defineAgent,
  defineAgentProfile,
  defineTool,
  defineWorkflow,
  instrument,
  observe,
  registerApiProvider,
  registerProvider,
} = flue;

const named = (definitions) =>
  Object.entries(definitions).map(([name, definition]) => ({ name, definition }));

/** What the generated server does, on a database in memory, without the HTTP around it. */
export async function serve({ agents, workflows, createDefaultEnv }) {
  const database = sqlite();
  await database.migrate?.();
  const { executionStore, runStore, eventStreamStore, conversationStreamStore, attachmentStore } =
    await database.connect();
  const { submissions, sessions } = executionStore;

  const settings = {
    env: process.env,
    agentConfig: { resolveModel: internal.resolveModel },
    createDefaultEnv,
    submissionStore: submissions,
  };
  const createAgentContext = ({ request, ...context }) =>
    internal.createFlueContext({ ...context, req: request, ...settings });
  const createWorkflowContext = ({ runId, request, initialEventIndex }) =>
    internal.createFlueContext({ id: runId, runId, req: request, initialEventIndex, ...settings });
  const activityGate = internal.createRuntimeActivityGate();
  const coordinator = internal.createNodeAgentCoordinator({
    submissions,
    sessions,
    agents: named(agents),
    createContext: createAgentContext,
    eventStreamStore,
    conversationStreamStore,
    attachmentStore,
    activityGate,
  });
  internal.configureFlueRuntime({
    target: 'node',
    agents: named(agents),
    workflows: named(workflows),
    createAgentAdmission: (name, id) => coordinator.createAdmission(name, id),
    dispatchQueue: internal.createNodeDispatchQueue(coordinator),
    activityGate,
  });

  return {
    ask: (name, id, message, images) =>
      coordinator.createAdmission(name, id)(
        { message, ...(images && { images }) },
        undefined,
        true,
      ),
    abort: (name, id) => coordinator.abortInstance(name, id),
    dispatch: async (name, id, input) => {
      await flue.dispatch(agents[name], { id, input });
      await coordinator.waitForIdle();
    },
    /** Only admits the message: returns the receipt. */
    admit: (name, id, input) => flue.dispatch(agents[name], { id, input }),
    idle: () => coordinator.waitForIdle(),
    run: (name, input) =>
      internal.invokeWorkflowAttached({
        workflowName: name,
        workflow: workflows[name],
        input,
        runId: internal.generateWorkflowRunId(),
        request: new Request(`http://localhost/workflows/${name}`, {
          method: 'POST',
          headers: process.env.TRACEPARENT ? { traceparent: process.env.TRACEPARENT } : {},
        }),
        createContext: createWorkflowContext,
        runStore,
        eventStreamStore,
      }),
    stop: async () => {
      await coordinator.waitForIdle();
      await coordinator.shutdown(5000);
      await database.close?.();
    },
  };
}
