import { once } from 'node:events';
import { scriptedModel } from './model.mjs';
import { runProgram, settle } from './program.mjs';
import { holding } from './tools.mjs';
import { inOwnSpan } from './tracing.mjs';

/**
 * Flue 0.x and 1.0-beta: agents are data, and there are workflows.
 *
 * @param {object} line what its `line.mjs` exports
 * @param {Record<string, import('./scenarios.mjs').Scenario>} scenarios those it can play
 */
export function runFlue1(line, scenarios) {
  return runProgram({ ...flue1(line), scenarios });
}

function flue1(line) {
  const { v, pi } = line;
  return { observe: line.observe, instrument: line.instrument, play };

  /** @param {import('./scenarios.mjs').Scenario} scenario */
  async function play(scenario) {
    const { agents = [], messages = [], runs = [] } = scenario;
    const model = registerModel(scenario);
    const server = await line.serve({
      agents: Object.fromEntries(agents.map((agent) => [agent.name, agentOf(agent, model)])),
      workflows: Object.fromEntries(
        runs.map(({ workflow }) => [workflow.name, workflowOf(workflow, model)]),
      ),
      createDefaultEnv,
    });

    const steps = [
      ...messages.map((message) => () => {
        const { text, to = agents[0].name, instance = 'house-1', image, fails } = message;
        if (message.aborts) void once(holding, 'held').then(() => server.abort(to, instance));
        if (message.dispatched) return server.dispatch(to, instance, text);
        const images = image && [{ type: 'image', ...image }];
        return settle(server.ask(to, instance, text, images), fails);
      }),
      ...runs.map(({ workflow, input, fails }) => () => {
        return settle(server.run(workflow.name, input), fails);
      }),
    ];
    try {
      if (scenario.together) await Promise.all(steps.map((step) => step()));
      else for (const step of steps) await step();
    } finally {
      await server.stop();
    }
  }

  function registerModel(scenario) {
    const { name, provider, api, stream, model } = scriptedModel(pi, scenario);
    line.registerApiProvider({ api, stream, streamSimple: stream });
    line.registerProvider(provider, {
      api,
      baseUrl: 'http://localhost:0',
      apiKey: 'none',
      ...model,
    });
    return name;
  }

  /** Each session has a file system in memory and a shell on it. */
  async function createDefaultEnv() {
    const { Bash, InMemoryFs, bashFactoryToSessionEnv } = line.internal;
    const fs = new InMemoryFs();
    return bashFactoryToSessionEnv(() => new Bash({ fs }));
  }

  /** @param {import('./scenarios.mjs').Agent} agent */
  function agentOf(agent, model) {
    return line.defineAgent(() => ({ model, ...settingsOf(agent) }));
  }

  /** What an agent and a subagent have in common. There are no hooks. */
  function settingsOf({ instructions, tools = [], subagents = [], thinkingLevel, compaction }) {
    // A tool can neither log nor prompt; an action can, in the line that has actions.
    const actions = tools.filter(({ needs }) => needs).map(actionOf);
    return {
      instructions,
      tools: tools.filter(({ needs }) => !needs).map(toolOf),
      ...(actions.length > 0 && { actions }),
      subagents: subagents.map(({ name, description, ...agent }) =>
        line.defineAgentProfile({ name, description, ...settingsOf(agent) }),
      ),
      ...(thinkingLevel && { thinkingLevel }),
      ...(compaction && { compaction }),
    };
  }

  /** @param {import('./tools.mjs').Tool} tool */
  function toolOf({ name, description, input, run }) {
    if (line.defineAction) {
      const tool = { name, description, input: schemaOf(input) };
      return line.defineTool({
        ...tool,
        run: ({ input, signal }) =>
          inOwnSpan({ kind: 'tool', name, input }, () => run(input, { signal })),
      });
    }
    const properties = Object.entries(input).map(([key, type]) => [key, { type }]);
    return line.defineTool({
      name,
      description,
      parameters: {
        type: 'object',
        properties: Object.fromEntries(properties),
        required: Object.keys(input),
      },
      execute: async (input, signal) => JSON.stringify(await run(input, { signal })),
    });
  }

  /** @param {import('./tools.mjs').Tool} tool */
  function actionOf({ name, description, input, run }) {
    return line.defineAction({
      name,
      description,
      input: schemaOf(input),
      run: ({ harness, input, log }) =>
        inOwnSpan({ kind: 'tool', name, input }, () =>
          run(input, { log, prompt: promptOf(harness) }),
        ),
    });
  }

  function schemaOf(input) {
    const schemas = Object.entries(input).map(([key, type]) => [key, v[type]()]);
    return v.object(Object.fromEntries(schemas));
  }

  /** @param {import('./scenarios.mjs').Workflow} workflow */
  function workflowOf({ name, agent, run }, model) {
    const definition = agentOf(agent, model);
    if (line.defineWorkflow) {
      return line.defineWorkflow({
        agent: definition,
        input: v.looseObject({}),
        run: ({ harness, input, log }) =>
          inOwnSpan({ kind: 'workflow', name, input }, () => run({ harness, input, log, v })),
      });
    }
    return async (context) => {
      const harness = await context.init(definition);
      return run({ harness, input: context.payload, log: context.log, v });
    };
  }
}

const promptOf = (harness) => async (text) => {
  const session = await harness.session();
  return (await session.prompt(text)).text;
};
