'use strict';

// What `init` would change, as data. Writes nothing.

const path = require('node:path');

const { isForCloudflare } = require('../support/cloudflare');
const { Failure } = require('../support/usage');
const { unifiedDiff } = require('./diff');
const { flueRunOf, reaches } = require('./flue-run');
const { instrumented } = require('./instrument');
const {
  appModule,
  hasInstrument,
  isCommonJs,
  specifierOf,
  tracingModule,
  withImport,
} = require('./modules');
const { executed, installation } = require('./packages');
const { readFile, readableFile } = require('./files');
const { firstOf } = require('./project');
const { importsOf, withoutTexts } = require('./source');
const { isOfficial, isOurs, migrated, sharedNames, usesOfficial } = require('./tracing');

/** The variables of the tracing module, each with its comment in an example file. */
const VARIABLES = [
  { name: 'BRAINTRUST_API_KEY', value: '' },
  { name: 'BRAINTRUST_PROJECT_NAME', value: 'Flue' },
];

const EXAMPLE = '.env.example';

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/**
 * A file that is to be written.
 *
 * @typedef {object} Change
 * @property {string} path relative to the project
 * @property {string | undefined} before undefined when there is none yet
 * @property {string} after
 */

/**
 * @typedef {object} Plan
 * @property {Change[]} changes
 * @property {string[]} commands
 * @property {string[]} notes
 * @property {string[]} byHand what init left alone, and the user must change
 */

/** @typedef {{ changes: Change[], notes: string[] }} Part */

/** @type {Part} */
const NOTHING = { changes: [], notes: [] };

/**
 * What must change so that the project is traced. Writes nothing.
 *
 * @param {Project} project
 * @param {{ flueRun?: boolean }} [wishes] `flueRun`: the agents import the tracing, too, so that `flue run` is traced
 * @returns {Plan}
 */
function planInit(project, { flueRun = false } = {}) {
  const traced = traceSources(project);
  const tsconfig = readableFile(project.root, 'tsconfig.json')?.text;
  const app = traced.isUsual ? connectApp(project, traced, tsconfig) : NOTHING;
  const appPath = project.app?.path ?? path.join(project.sourceRoot, 'app.ts');
  const run = flueRunOf(project, { app: appPath, module: traced.module }, tsconfig, flueRun);
  const example = readFile(project.root, EXAMPLE);
  const variables = withVariables(example);
  const modules = merged(merged(traced.changes, app.changes), run.changes);
  const wanted = [...modules, ...variables.changes];
  const left = leftAlone(wanted, [project.app, example, ...project.sources]);
  const changes = wanted.filter(({ path: name }) => !left.some((one) => one.path === name));
  const remaining = [...remainingUses(project, changes), ...remainingHooks(project)];
  const isUseless = remaining.length === 0;
  return {
    changes,
    commands: commandsFor(project, changes, isUseless),
    notes: [
      ...app.notes,
      ...traced.notes,
      ...(traced.isUsual ? [] : notesOnImport(project, traced.module)),
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
 * The changes that must be made by hand, as the file is in an encoding in which it would be damaged.
 *
 * @param {Change[]} changes
 * @param {ReturnType<typeof readFile>[]} files
 * @returns {{ path: string, note: string }[]}
 */
function leftAlone(changes, files) {
  const readable = files.filter((file) => file !== undefined && 'text' in file);
  return changes.flatMap(({ path: name, before, after }) => {
    const { encoding } = readable.find((file) => file.path === name) ?? {};
    if (encoding === undefined) return [];
    const lines = unifiedDiff(name, before, after).split('\n').slice(2);
    const added = lines
      .filter((line) => line.startsWith('+'))
      .map((line) => `\`${line.slice(1).trim()}\``);
    const removed = lines.filter((line) => line.startsWith('-')).length;
    const how = removed === 0 ? 'add' : 'change it to have';
    return [
      {
        path: name,
        note: `${name} was left alone, as it is ${encoding}: ${how} ${added.join(', ')}.`,
      },
    ];
  });
}

/**
 * The modules that connect Flue with Braintrust: those of the project, changed to this package, or else
 * a new one.
 *
 * @param {Project} project
 * @returns {Part & { module: string, isUsual: boolean }} the module, and whether the app must import it
 */
function traceSources(project) {
  const files = distinct([...project.sources, ...(project.app ? [project.app] : [])]);
  const usual = firstOf(project.sources, path.join(project.sourceRoot, 'braintrust'));
  const official = files.filter(isOfficial);
  const connecting = [...official, ...files.filter(isOurs)];
  const [first] = connecting;
  if (first !== undefined) {
    const made = connecting.map((file) => connected(project, file, official.includes(file), files));
    const module = connecting.find((file) => file.path === usual?.path);
    return {
      changes: made.flatMap(({ changes }) => changes),
      notes: made.flatMap(({ notes }) => notes),
      module: (module ?? first).path,
      // Modules elsewhere are imported by other means.
      isUsual: module !== undefined,
    };
  }
  if (usual !== undefined) {
    throw new Failure(
      `${usual.path} is there and does not connect Flue with Braintrust. Rename it, or write the ` +
        'tracing by hand. Nothing was changed.',
    );
  }
  const isScript = /\.([cm]?)jsx?$/.exec(project.app?.path ?? '');
  const requires = project.app !== undefined && isCommonJs(project.app);
  const ending = isScript ? `${isScript[1]}js` : 'ts';
  const module = path.join(project.sourceRoot, `braintrust.${ending}`);
  const after = tracingModule(project.line, requires && isScript !== null);
  return {
    changes: [{ path: module, before: undefined, after }],
    notes: [],
    module,
    isUsual: true,
  };
}

/**
 * What is missing where nothing of the project names the module that connects Flue with Braintrust.
 *
 * @param {Project} project
 * @param {string} module
 * @returns {string[]}
 */
function notesOnImport({ sources, app, launchers }, module) {
  const { name } = path.parse(module);
  const others = [...sources, ...(app ? [app] : [])].filter((file) => file.path !== module);
  const isNamed = [...others, ...launchers].some(({ text }) => text.includes(name));
  if (isNamed) return [];
  return [`No module imports ${module}: import it once, in the first line of the application.`];
}

/**
 * A module that connects Flue with Braintrust, by this package and in the way that the project's Flue has.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @param {boolean} isOfficial
 * @param {SourceFile[]} files all of the project
 * @returns {Part}
 */
function connected(project, file, isOfficial, files) {
  const ours = isOfficial ? migrated(file) : file.text;
  const hasOther = files.some((other) => isOurs(other) && registers(other.text));
  if (!hasInstrument(project.line) || hasOther) return partOf(file, ours);
  const text = instrumented(ours);
  if (text !== undefined) return partOf(file, text);
  const isObserving = /(?<![\w$])observe\s*\(/.test(withoutTexts(ours)) && !registers(ours);
  const note =
    `${file.path} calls \`observe\` in a form that init leaves alone. Register with ` +
    '`instrument(braintrustFlueInstrumentation())` instead: else custom spans are traces of their own.';
  return partOf(file, ours, isObserving ? [note] : []);
}

/** @param {string} text @returns {boolean} whether it registers an instrumentation */
const registers = (text) => /(?<![\w$])instrument\s*\(/.test(withoutTexts(text));

/**
 * @param {SourceFile} file
 * @param {string} text
 * @param {string[]} [notes]
 * @returns {Part}
 */
function partOf(file, text, notes = []) {
  return { changes: text === file.text ? [] : [change(file, text)], notes };
}

/**
 * Where package.json asks for a version of the official package that nothing needs any more.
 *
 * @param {Project} project
 * @param {boolean} isUseless whether no module needs that package any more
 * @returns {string[]}
 */
function pinNotes({ dependencies, pins }, isUseless) {
  const version = dependencies.braintrust;
  const isExact = version !== undefined && /^v?\d+(\.\d+)*$/.test(version);
  return [
    ...pins.map(
      (member) =>
        `\`${member}\` in package.json sets the version of \`braintrust\`: ` +
        (isUseless ? 'remove that, too.' : 'Flue needs that no more.'),
    ),
    ...(isExact && !isUseless
      ? [
          `package.json asks for exactly \`braintrust\` ${version}, for Flue's guide. Flue needs that version ` +
            'no more: you may update it.',
        ]
      : []),
  ];
}

/**
 * Makes the app import the module.
 *
 * @param {Project} project
 * @param {{ changes: Change[], module: string }} traced
 * @param {string | undefined} tsconfig
 * @returns {Part}
 */
function connectApp(project, { changes, module }, tsconfig) {
  const { app, sourceRoot } = project;
  const folder = app === undefined ? sourceRoot : path.dirname(app.path);
  const specifier = (/** @type {string} */ file) => specifierOf(app, file, folder, tsconfig);
  if (app === undefined) {
    const { text, mounted } = appModule(project, module, specifier);
    const created = { path: path.join(sourceRoot, 'app.ts'), before: undefined, after: text };
    return { changes: [created], notes: notesOnApp(project, created.path, mounted) };
  }
  if (reaches(project, app, module)) return NOTHING;
  const text = changes.find((made) => made.path === app.path)?.after ?? app.text;
  const after = withImport({ path: app.path, text }, specifier(module));
  return { changes: [change(app, after)], notes: [] };
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
  return [reach];
}

/**
 * Where a Worker has its key.
 *
 * @param {Project} project
 */
function notesOnCloudflare({ root, packageManager }) {
  if (!isForCloudflare(root)) return [];
  const store = executed(packageManager, 'wrangler secret put BRAINTRUST_API_KEY');
  return [
    `For the deployed Worker, store the key by \`${store}\`. In development it gets the key from .dev.vars or, where ` +
      'there is none, from .env.',
  ];
}

/**
 * The example of an environment file with our variables.
 *
 * @param {ReturnType<typeof readFile>} file
 * @returns {Part}
 */
function withVariables(file) {
  if (file === undefined) return NOTHING;
  if ('why' in file) return { changes: [], notes: [`${EXAMPLE} cannot be read: ${file.why}.`] };
  const before = file.text;
  const missing = VARIABLES.filter(
    ({ name }) => !new RegExp(`^\\s*#?\\s*(export\\s+)?${name}\\s*=`, 'm').test(before),
  );
  if (missing.length === 0) return NOTHING;
  const newline = before.includes('\r\n') ? '\r\n' : '\n';
  const gap = before === '' ? '' : before.endsWith('\n') ? newline : newline + newline;
  const lines = ['# Traces go to Braintrust once there is a key.'].concat(
    missing.map(({ name, value }) => `${name}=${value}`),
  );
  const after = before + gap + lines.map((line) => line + newline).join('');
  return { changes: [{ path: EXAMPLE, before, after }], notes: [] };
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
    .map(({ path: name, text }) => {
      const shared = sharedNames(text).map((one) => `\`${one}\``);
      const advice =
        shared.length === 0 ? '' : ` Import ${shared.join(', ')} from \`flue-braintrust\` instead.`;
      return (
        `${name} goes on with \`braintrust\`: its own spans are not part of Flue's traces, and are recorded only where ` +
        `a logger of that package is initialised.${advice}`
      );
    });
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
