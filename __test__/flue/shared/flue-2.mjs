import { once } from 'node:events';
import { scriptedModel } from './model.mjs';
import { runProgram, settle } from './program.mjs';
import { scenarios } from './scenarios.mjs';
import { holding } from './tools.mjs';
import { inOwnSpan } from './tracing.mjs';

/**
 * Flue 2.x: agents are functions that call hooks, and there are no workflows.
 *
 * @param {object} modules what the line's packages export
 */
export function flue2({ flue, node, pi, faux, v }) {
  return { observe: flue.observe, instrument: flue.instrument, start, play };

  /** @param {import('./scenarios.mjs').Scenario} scenario */
  async function play(scenario) {
    const server = await start(scenario);
    try {
      if (scenario.together) await Promise.all(scenario.messages.map(server.ask));
      else for (const message of scenario.messages) await server.ask(message);
    } finally {
      await server.stop();
    }
  }

  /**
   * @param {import('./scenarios.mjs').Scenario} scenario
   * @param {object} [options] more for Flue's `start()`
   */
  async function start(scenario, options) {
    const model = scriptedModel({ ...pi, ...faux }, scenario);
    const agents = new Map(scenario.agents.map((agent) => [agent.name, agentOf(agent, model)]));
    const server = await node.start({
      agents: [...agents.values()],
      providers: [providerOf(model)],
      ...options,
    });

    /** @param {import('./scenarios.mjs').Message} message */
    async function ask(message) {
      const { text, to = scenario.agents[0].name, instance = 'house-1', image, fails } = message;
      const agent = flue.init(agents.get(to), { id: instance });
      if (message.aborts) void once(holding, 'held').then(() => agent.abort());
      const attachments = image && [{ type: 'image', ...image }];
      const body = { kind: 'user', body: text, attachments };
      const receipt = await agent.dispatch(image ? { message: body } : text);
      await settle(agent.read(receipt), fails);
    }
    return { ask, stop: () => server.stop() };
  }

  function providerOf({ provider, models, stream }) {
    return pi.createProvider({
      id: provider,
      auth: { apiKey: { name: 'none', resolve: async () => ({ auth: {} }) } },
      models,
      api: { stream, streamSimple: stream },
    });
  }

  /** Flue takes an agent's name from its function. */
  function agentOf(agent, model) {
    const { name, thinkingLevel, compaction } = agent;
    const settings = { ...(thinkingLevel && { thinkingLevel }), ...(compaction && { compaction }) };
    const body = bodyOf(agent);
    return {
      [name]: () => {
        flue.useModel(model.name, settings);
        return body();
      },
    }[name];
  }

  /** What an agent and a subagent have in common. */
  function bodyOf({ instructions, tools = [], subagents = [], onStart }) {
    const own = tools.map(toolOf);
    const below = subagents.map((agent) => ({ ...agent, body: bodyOf(agent) }));
    return () => {
      for (const tool of own) flue.useTool(tool);
      for (const { name, description, body } of below) {
        flue.useSubagent({ name, description, agent: body });
      }
      if (onStart) {
        flue.useAgentStart(({ log, harness }) =>
          inOwnSpan({ kind: 'hook' }, () => onStart({ log, prompt: promptOf(harness) })),
        );
      }
      return instructions;
    };
  }

  /** @param {import('./tools.mjs').Tool} tool */
  function toolOf({ name, description, input, needs, run }) {
    const schemas = Object.entries(input).map(([key, type]) => [key, v[type]()]);
    return flue.defineTool({
      name,
      description,
      input: v.object(Object.fromEntries(schemas)),
      ...(needs === 'harness' && { harness: true }),
      run: async ({ data, log, harness, signal }) => ({
        output: await inOwnSpan({ kind: 'tool', name, input: data }, () =>
          run(data, { log, signal, prompt: promptOf(harness) }),
        ),
      }),
    });
  }
}

const promptOf = (harness) => async (text) => (await harness.prompt(text)).text;

/** Runs the program of a 2.x line, which can play every scenario. */
export function runFlue2(modules) {
  return runProgram({ ...flue2(modules), scenarios });
}
