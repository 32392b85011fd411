/** Flue 0.8.1 with the interface that `shared/flue-1.mjs` expects. All its state is in memory. */
import * as piAi from '@earendil-works/pi-ai';
import * as flue from '@flue/runtime';
import { observe, registerApiProvider, registerProvider } from '@flue/runtime/app';
import * as internal from '@flue/runtime/internal';
import { contextFactory } from '../../flue/shared/context.mjs';
import { withFauxCore } from '../../flue/shared/model.mjs';
import { workflowRunner } from '../../flue/shared/workflow.mjs';

export * as v from 'valibot';
export { internal };
export { observe, registerApiProvider, registerProvider };
export const { createAgent: defineAgent, defineAgentProfile, defineTool } = flue;

export const pi = withFauxCore(piAi);

/** What the generated server does, without the HTTP around it. */
export async function serve({ agents, workflows, createDefaultEnv }) {
  const stores = {
    runStore: new internal.InMemoryRunStore(),
    runRegistry: new internal.InMemoryRunRegistry(),
    runSubscribers: internal.createRunSubscriberRegistry(),
  };
  const defaultStore = new internal.InMemorySessionStore();

  const createContext = contextFactory(internal, { createDefaultEnv, defaultStore });

  return {
    ask: (name, id, message) =>
      internal.invokeDirectAttached({
        agentName: name,
        id,
        payload: { message },
        request: new Request(`http://localhost/agents/${name}/${id}`, { method: 'POST' }),
        handler: internal.createDirectAgentHandler(agents[name]),
        createContext,
      }),
    run: workflowRunner(internal, { workflows, createContext, ...stores }),
    stop: async () => {},
  };
}
