'use strict';

// What `init` would change, as data. Writes nothing.

const path = require('node:path');

const { NOTHING, change, leftAlone, merged } = require('./changes');
const { EXAMPLE, withVariables } = require('./env-example');
const { readFile } = require('./files');
const { flueRunOf } = require('./flue-run');
const { reaches } = require('./module-graph');
const { appModule, inStyleOf, specifierOf, withImport } = require('./modules');
const {
  notesOnApp,
  notesOnCloudflare,
  notesOnImport,
  notesOnVariables,
  pinNotes,
  remainingCommands,
  remainingUses,
} = require('./notes');
const { installation } = require('./packages');
const { sourcesElsewhere } = require('./sources');
const { importsOf } = require('./source');
const { traceSources } = require('./trace-sources');
const { settersIn } = require('./variables');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./changes').Change} Change */
/** @typedef {import('./changes').Part} Part */

/**
 * @typedef {object} Plan
 * @property {Change[]} changes
 * @property {string[]} commands
 * @property {string[]} notes
 * @property {string[]} byHand what init left alone, and the user must change
 */

/**
 * What must change so that the project is traced. Writes nothing.
 *
 * @param {Project} project
 * @param {{ flueRun?: boolean }} [wishes] `flueRun`: the agents import the tracing, too, so that `flue run` is traced
 * @returns {Plan}
 */
function planInit(project, { flueRun = false } = {}) {
  const traced = traceSources(project);
  const isOwn = traced.isShared !== true;
  const isConnected = traced.isUsual && project.unknownApp === undefined;
  const app = isConnected ? connectApp(project, traced) : NOTHING;
  const appPath = project.app?.path ?? path.join(project.sourceRoot, 'app.ts');
  const run = isOwn
    ? flueRunOf(project, { app: appPath, module: traced.module }, flueRun)
    : NOTHING;
  const example = readFile(project.root, EXAMPLE);
  const variables = withVariables(example);
  const modules = merged(merged(traced.changes, app.changes), run.changes);
  const wanted = [...modules, ...variables.changes];
  const left = leftAlone(wanted, [project.app, example, ...project.sources]);
  const changes = wanted.filter(({ path: name }) => !left.some((one) => one.path === name));
  // Only these need the official package, if it is there.
  const others = 'braintrust' in project.dependencies ? sourcesElsewhere(project) : [];
  const remaining = [
    ...remainingUses([...project.sources, ...others], changes),
    ...remainingCommands(project),
  ];
  const isUseless = remaining.length === 0;
  return {
    changes,
    commands: commandsFor(project, changes, isUseless),
    notes: [
      ...app.notes,
      ...traced.notes,
      ...(isConnected || !isOwn ? [] : notesOnImport(project, traced.module)),
      ...(isOwn ? notesOnVariables(project, traced.module) : []),
      ...run.notes,
      ...remaining,
      ...pinNotes(project, isUseless),
      ...variables.notes,
      ...notesOnCloudflare(project),
      ...project.unreadable,
    ],
    byHand: left.map(({ note }) => note),
  };
}

/**
 * Makes the app import the module.
 *
 * @param {Project} project
 * @param {{ changes: Change[], module: string }} traced
 * @returns {Part}
 */
function connectApp(project, { changes, module }) {
  const { app, sourceRoot, tsconfig } = project;
  const folder = app === undefined ? sourceRoot : path.dirname(app.path);
  const specifier = (/** @type {string} */ file) => specifierOf(app, file, folder, tsconfig);
  if (app === undefined) {
    const { text, mounted } = appModule(project, module, specifier);
    const after = inStyleOf(project, text);
    const created = { path: path.join(sourceRoot, 'app.ts'), before: undefined, after };
    return { changes: [created], notes: notesOnApp(project, created.path, mounted) };
  }
  if (reaches(project, app, module)) return NOTHING;
  const text = changes.find((made) => made.path === app.path)?.after ?? app.text;
  const file = { path: app.path, text };
  const after = withImport(file, specifier(module), settersIn(project, app));
  return { changes: [change(app, after)], notes: [] };
}

/**
 * The commands that install and remove packages, for the user to run.
 *
 * @param {Project} project
 * @param {Change[]} changes
 * @param {boolean} isUseless whether no module needs the official package any more
 * @returns {string[]}
 */
function commandsFor(project, changes, isUseless) {
  const files = [...changes.map(({ after }) => after), project.app?.text ?? ''];
  const usesHono = files.some((text) => importsOf(text).some(({ from }) => from === 'hono'));
  const wanted = ['flue-braintrust', ...(usesHono ? ['hono'] : [])];
  return installation(project, { wanted, unwanted: isUseless ? ['braintrust'] : [] });
}

module.exports = { planInit };
