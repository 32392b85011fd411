'use strict';

// What `init` does not do, for the user to read.

const path = require('node:path');

const { emptyEnvironment, isForCloudflare } = require('../support/cloudflare');
const { assignmentsIn } = require('./assignments');
const { executed } = require('./packages');
const { withoutComments } = require('./lexer');
const { loaderCalled, loaderCalls, placesOf } = require('./loaders');
const { reaches } = require('./module-graph');
const { isCommonJs } = require('./modules');
const { sharedNames, usesOfficial } = require('./tracing');
const { functionCalled } = require('./setting');
const { orderOfImports } = require('./variables');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./changes').Change} Change */

/**
 * What is missing where nothing of the project names the module that connects Flue with Braintrust.
 *
 * @param {Project} project
 * @param {string} module
 * @returns {string[]}
 */
function notesOnImport({ sources, app, unknownApp, launchers }, module) {
  if (unknownApp !== undefined) {
    return [
      `The app is named by ${unknownApp}, which init does not evaluate: it must import ${module} in its first line.`,
    ];
  }
  if (app?.path === module) return [];
  const { name: own, dir } = path.parse(module);
  const name = own === 'index' ? path.basename(dir) : own;
  const others = [...sources, ...(app ? [app] : [])].filter((file) => file.path !== module);
  const isNamed =
    launchers.some(({ text }) => text.includes(name)) ||
    others.some(({ text }) => text.includes(name) && withoutComments(text).includes(name));
  if (isNamed) return [];
  return [`No module imports ${module}: import it once, in the first line of the application.`];
}

/**
 * Where an app sets variables too late for a module that it imports.
 *
 * @param {Project} project
 * @param {string} module
 * @returns {{ detail: string, advice: string } | undefined} undefined: it does not
 */
function lateVariables(project, module) {
  const { app } = project;
  if (app === undefined || app.path === module || isCommonJs(app)) return undefined;
  const effect = `${module} finds no key that it sets`;
  const { reading, setting, isBefore } = orderOfImports(project, app, module);
  if (isBefore) return undefined;
  if (reading >= 0 && setting !== undefined) {
    return {
      detail: `${app.path} imports \`${setting}\`, which sets variables, after ${module}: ${effect}`,
      advice: `Import \`${setting}\` before that module instead.`,
    };
  }
  // It is not imported, but loaded later, or will be imported after that.
  if (reading < 0 && (setting !== undefined || reaches(project, app, module))) return undefined;
  const loader = loaderCalled(app.text);
  const own = functionCalled(project, app);
  const isPackage = loader !== undefined && loader !== 'process';
  const elsewhere = `in a module of its own and import that before the other one, or start Node with \`--env-file\` instead.`;
  if (loader === undefined && own === undefined) {
    const isSetting =
      placesOf(app.text, loaderCalls(app.text)).length > 0 ||
      assignmentsIn(app.text).some(({ isOnLoad }) => isOnLoad);
    const detail = `${app.path} sets variables after all imports: ${effect}`;
    return isSetting ? { detail, advice: `Set them ${elsewhere}` } : undefined;
  }
  const call =
    loader === undefined
      ? `\`${own?.name}()\` of \`${own?.from}\`, which sets variables`
      : loader === 'process'
        ? '`loadEnvFile()`, which runs'
        : `\`config()\` of \`${loader}\`, which runs`;
  return {
    detail: `${app.path} calls ${call} after all imports: ${effect}`,
    advice: isPackage
      ? `Import \`${loader}/config\` before that module instead.`
      : `Call it ${elsewhere}`,
  };
}

/**
 * @param {Project} project
 * @param {string} module
 * @returns {string[]}
 */
function notesOnVariables(project, module) {
  const late = lateVariables(project, module);
  return late === undefined ? [] : [`${late.detail}. ${late.advice}`];
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
 * @param {import('./files').SourceFile[]} sources
 * @param {Change[]} changes
 * @returns {string[]}
 */
function remainingUses(sources, changes) {
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
 * An application that is started with the official package's hook does not start without the package; its command needs it,
 * too.
 *
 * @param {Project} project
 * @returns {string[]}
 */
function remainingCommands({ launchers }) {
  return launchers.flatMap(({ path: name, text }) => {
    const [command] = /(?<![\w-])braintrust (?:eval|push)\b/.exec(text) ?? [];
    return [
      text.includes('braintrust/hook')
        ? `${name} loads \`braintrust/hook\`, which Flue's traces need no more: take it out before you uninstall \`braintrust\`.`
        : [],
      command === undefined
        ? []
        : `${name} goes on with \`${command}\`, which needs \`braintrust\`.`,
    ].flat();
  });
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
 * Where a Worker has its key, and why it would not find it.
 *
 * @param {Project} project
 */
function notesOnCloudflare({ root, packageManager }) {
  if (!isForCloudflare(root)) return [];
  const store = executed(packageManager, 'wrangler secret put BRAINTRUST_API_KEY');
  const empty = emptyEnvironment(root);
  return [
    `For the deployed Worker, store the key by \`${store}\`. In development it gets the key from .dev.vars or, where ` +
      'there is none, from .env.',
    ...(empty === undefined ? [] : [`Nothing will be traced: ${empty.detail}. ${empty.advice}`]),
  ];
}

module.exports = {
  lateVariables,
  notesOnApp,
  notesOnCloudflare,
  notesOnImport,
  notesOnVariables,
  pinNotes,
  remainingCommands,
  remainingUses,
};
