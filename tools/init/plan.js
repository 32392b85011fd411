'use strict';

// What `init` would change, as data. Writes nothing.

const path = require('node:path');

const { Failure } = require('../support/usage');
const { appModule, importsModule, specifierOf, tracingModule, withImport } = require('./modules');
const { firstOf, readText } = require('./project');
const { importsOf } = require('./source');
const { isOfficial, isOurs, migrated, usesOfficial } = require('./tracing');

/** The variables of the tracing module, each with its comment in an example file. */
const VARIABLES = [
  { name: 'BRAINTRUST_API_KEY', value: '' },
  { name: 'BRAINTRUST_PROJECT_NAME', value: 'Flue' },
];

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./project').SourceFile} SourceFile */

/**
 * A file that is to be written.
 *
 * @typedef {object} Change
 * @property {string} path relative to the project
 * @property {string | undefined} before undefined when there is none yet
 * @property {string} after
 */

/** @typedef {{ changes: Change[], commands: string[], notes: string[] }} Plan */

/**
 * What must change so that the project is traced. Writes nothing.
 *
 * @param {Project} project
 * @returns {Plan}
 */
function planInit(project) {
  const traced = traceSources(project);
  const app =
    traced.module === undefined ? { changes: [], notes: [] } : connectApp(project, traced);
  const changes = [...merged(traced.changes, app.changes), ...exampleChanges(project)];
  const remaining = [...remainingUses(project, changes), ...remainingHooks(project)];
  const isUseless = remaining.length === 0;
  return {
    changes,
    commands: commandsFor(project, changes, isUseless),
    notes: [...app.notes, ...remaining],
  };
}

/**
 * The modules that connect Flue with Braintrust: those of the project, changed to this package, or else
 * a new one.
 *
 * @param {Project} project
 * @returns {{ changes: Change[], module: string | undefined }} the module that the app must import, if any
 */
function traceSources(project) {
  const files = distinct([...project.sources, ...(project.app ? [project.app] : [])]);
  const official = files.filter(isOfficial);
  const changes = official.map((file) => change(file, migrated(file)));
  const usual = firstOf(project.sources, path.join(project.sourceRoot, 'braintrust'));
  const connecting = [...official, ...files.filter(isOurs)];
  if (connecting.length > 0) {
    // Modules elsewhere are imported by other means.
    const isUsual = connecting.some((file) => file.path === usual?.path);
    return { changes, module: isUsual ? usual?.path : undefined };
  }
  if (usual !== undefined) {
    throw new Failure(
      `${usual.path} is there and does not connect Flue with Braintrust. Rename it, or write the ` +
        'tracing by hand. Nothing was changed.',
    );
  }
  const isScript = /\.(m?)js$/.exec(project.app?.path ?? '');
  const ending = isScript ? `${isScript[1]}js` : 'ts';
  const module = path.join(project.sourceRoot, `braintrust.${ending}`);
  const after = tracingModule(project.line);
  return { changes: [{ path: module, before: undefined, after }], module };
}

/**
 * Makes the app import the module.
 *
 * @param {Project} project
 * @param {{ changes: Change[], module: string | undefined }} traced
 * @returns {{ changes: Change[], notes: string[] }}
 */
function connectApp(project, { changes, module = '' }) {
  const { app, root, sourceRoot, sources } = project;
  const tsconfig = readText(path.join(root, 'tsconfig.json'));
  const folder = app === undefined ? sourceRoot : path.dirname(app.path);
  const specifier = (/** @type {string} */ file) => specifierOf(app, file, folder, tsconfig);
  if (app === undefined) {
    const { text, mounted } = appModule(project, module, specifier);
    const created = { path: path.join(sourceRoot, 'app.ts'), before: undefined, after: text };
    return { changes: [created], notes: notesOnApp(project, created.path, mounted) };
  }
  // By the app, or by what the app imports.
  const isImported = [app, ...sources].some((file) => importsModule(file, module));
  if (isImported) return { changes: [], notes: [] };
  const text = changes.find((made) => made.path === app.path)?.after ?? app.text;
  return { changes: [change(app, withImport(text, specifier(module)))], notes: [] };
}

/**
 * @param {Project} project
 * @param {string} app
 * @param {string[]} mounted
 */
function notesOnApp({ line }, app, mounted) {
  if (line !== '2.x') return [];
  const reach =
    mounted.length === 0
      ? `${app} mounts no agent, as none was found.`
      : `${app} makes agents reachable over HTTP, to anyone: ${mounted.join(', ')}. Protect or remove them.`;
  return [
    reach,
    `\`flue run\` loads no ${app}: to trace it, import the module from the agent, too.`,
  ];
}

/**
 * @param {Project} project
 * @returns {Change[]}
 */
function exampleChanges({ root }) {
  const before = readText(path.join(root, '.env.example'));
  if (before === undefined) return [];
  const missing = VARIABLES.filter(
    ({ name }) => !new RegExp(`^\\s*#?\\s*(export\\s+)?${name}\\s*=`, 'm').test(before),
  );
  if (missing.length === 0) return [];
  const newline = before.includes('\r\n') ? '\r\n' : '\n';
  const gap = before === '' ? '' : before.endsWith('\n') ? newline : newline + newline;
  const lines = ['# Traces go to Braintrust once there is a key.'].concat(
    missing.map(({ name, value }) => `${name}=${value}`),
  );
  const after = before + gap + lines.map((line) => line + newline).join('');
  return [{ path: '.env.example', before, after }];
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
  const { dependencies, packageManager } = project;
  const add = packageManager === 'npm' ? 'npm install' : `${packageManager} add`;
  const wanted = ['flue-braintrust'];
  const files = [...changes.map(({ after }) => after), project.app?.text ?? ''];
  const usesHono = files.some((text) => importsOf(text).some(({ from }) => from === 'hono'));
  if (usesHono) wanted.push('hono');
  const missing = wanted.filter((name) => !(name in dependencies));
  const commands = missing.length === 0 ? [] : [`${add} ${missing.join(' ')}`];
  if ('braintrust' in dependencies && isUseless) {
    const remove = packageManager === 'npm' ? 'npm uninstall' : `${packageManager} remove`;
    commands.push(`${remove} braintrust`);
  }
  return commands;
}

/**
 * @param {Project} project
 * @param {Change[]} changes
 * @returns {string[]}
 */
function remainingUses({ sources }, changes) {
  return sources
    .map(({ path: name, text }) => ({
      path: name,
      text: changes.find((made) => made.path === name)?.after ?? text,
    }))
    .filter(usesOfficial)
    .map(
      ({ path: name }) =>
        `${name} goes on with \`braintrust\`: spans that it makes itself are not part of Flue's traces.`,
    );
}

/**
 * An application that is started with the official package's hook does not start without the package.
 *
 * @param {Project} project
 * @returns {string[]}
 */
function remainingHooks({ launchers }) {
  return launchers
    .filter(({ text }) => text.includes('braintrust/hook'))
    .map(
      ({ path: name }) =>
        `${name} loads \`braintrust/hook\`, which Flue's traces need no more: take it out before you uninstall \`braintrust\`.`,
    );
}

/**
 * @param {SourceFile} file
 * @param {string} after
 * @returns {Change}
 */
const change = ({ path: name, text }, after) => ({ path: name, before: text, after });

/**
 * Two changes of one file are one.
 *
 * @param {Change[]} first
 * @param {Change[]} second made upon the first
 */
function merged(first, second) {
  return [...first.filter(({ path: name }) => !second.some((s) => s.path === name)), ...second];
}

/** @param {SourceFile[]} files */
function distinct(files) {
  return files.filter((file, at) => files.findIndex(({ path: name }) => name === file.path) === at);
}

module.exports = { planInit };
