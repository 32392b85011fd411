/** Flue 0.11.1 with the interface that `shared/flue-1.mjs` expects. */
import * as piAi from '@earendil-works/pi-ai';
import * as flue from '@flue/runtime';
import * as internal from '@flue/runtime/internal';
import { sqlite } from '@flue/runtime/node';
import { contextFactory } from '../../flue/shared/context.mjs';
import { withFauxCore } from '../../flue/shared/model.mjs';
import { workflowRunner } from '../../flue/shared/workflow.mjs';

export * as v from 'valibot';
export { internal };
export const {
  createAgent: defineAgent,
  defineAgentProfile,
  defineTool,
  observe,
  registerApiProvider,
  registerProvider,
} = flue;
export const pi = withFauxCore(piAi);

/** What the generated server does, on a database in memory, without the HTTP around it. */
export async function serve({ agents, workflows, createDefaultEnv }) {
  const database = sqlite();
  await database.migrate?.();
  const { sessions, submissions } = await database.connect();
  const eventStreamStore = database.connectEventStreamStore();
  const runStore = database.connectRunStore();

  const createContext = contextFactory(internal, {
    createDefaultEnv,
    defaultStore: sessions,
    submissionStore: submissions,
  });
  const coordinator = internal.createNodeAgentCoordinator({
    submissions,
    agents,
    createContext,
    eventStreamStore,
  });

  return {
    ask: (name, id, message, images) =>
      internal.invokeDirectAttached({
        id,
        payload: { message, ...(images && { images }) },
        admitAttachedSubmission: coordinator.createAdmission(name, id),
        onEvent: () => {},
      }),
    run: workflowRunner(internal, {
      workflows,
      createContext,
      runStore,
      runRegistry: database.connectRunRegistry(),
      eventStreamStore,
    }),
    stop: async () => {
      await coordinator.waitForIdle();
      await coordinator.shutdown(5000);
      await database.close?.();
    },
  };
}
