'use strict';

// `flue run`, which on Flue 2 loads the module of an agent and no app.

const path = require('node:path');

const { isAgent } = require('./agents');
const { reaches } = require('./module-graph');
const { specifierOf, withImport } = require('./modules');
const { settersIn } = require('./variables');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */
/** @typedef {import('./changes').Change} Change */

/**
 * What `flue run` needs so that it is traced, too.
 *
 * @param {Project} project
 * @param {object} traced
 * @param {string} traced.app the app's module, relative to the project
 * @param {string} traced.module that connects Flue with Braintrust, relative to the project
 * @param {boolean} writes whether the agents are to import the module
 * @returns {{ changes: Change[], notes: string[] }}
 */
function flueRunOf(project, { app, module }, writes) {
  if (project.line !== '2.x') {
    return { changes: [], notes: [`\`flue run\` loads ${app}, too: it is traced as well.`] };
  }
  const agents = project.sources.filter(isAgent);
  const untraced = agents.filter(
    (agent) => agent.path !== module && !reaches(project, agent, module),
  );
  const lines = untraced.map((agent) => {
    const specifier = specifierOf(agent, module, path.dirname(agent.path), project.tsconfig);
    return { agent, specifier };
  });
  if (agents.length > 0 && untraced.length === 0) {
    return { changes: [], notes: ['`flue run` is traced as well: the agents import the module.'] };
  }
  if (writes) {
    const changes = lines.map(({ agent, specifier }) => ({
      path: agent.path,
      before: agent.text,
      after: withImport(agent, specifier, settersIn(project, agent)),
    }));
    return { changes, notes: [] };
  }
  const imports = lines.map(
    ({ agent, specifier }) => `\`import '${specifier}';\` in ${agent.path}`,
  );
  const how =
    imports.length === 0
      ? 'import the module from the agent, too'
      : `add ${imports.join(', ')}, or run init with --flue-run`;
  return { changes: [], notes: [`\`flue run\` loads no ${app}: to trace it, ${how}.`] };
}

module.exports = { flueRunOf };
