'use strict';

// The check of the Flue project in this directory: whether its application starts the tracing, and with the copy of Flue
// that does the work. A test trace shows neither.

const fs = require('node:fs');
const path = require('node:path');

const { messageOf } = require('../../js/json/describe');
const { withoutComments } = require('../init/lexer');
const { reaches } = require('../init/module-graph');
const { lateVariables, notesOnImport } = require('../init/notes');
const { commandsOf, executed } = require('../init/packages');
const { NoProject, readProject } = require('../init/project');
const { sharedTracing } = require('../init/shared-tracing');
const { isIdle, isOfficial, isOurs, OURS } = require('../init/tracing');
const { installed } = require('../support/installed');
const { shellWord } = require('../support/shell-word');
const { FLUE, projectFolders } = require('../support/workspace');
const { flueCopies } = require('./flue-copies');
const { sourceOf } = require('./sources');

/** @typedef {import('./finding').Finding} Finding */
/** @typedef {import('./finding').Known} Known */
/** @typedef {import('../init/project').Project} Project */
/** @typedef {{ detail: string, advice: string }} Problem */
/** A project that cannot be read. @typedef {{ root: string, problem: Problem }} Unreadable */

/** Starts the tracing without a module in the sources. */
const REGISTER = `${OURS}/register`;
/** The file that `initLogger` reads, and the conditions by which a module asks the environment for the key before that. */
const KEY_FILE = '.env.braintrust';
const KEY = String.raw`process\s*\.\s*env\s*(?:\.\s*|\[\s*["'])BRAINTRUST_API_KEY(?![\w$])(?:["']\s*\])?`;
const GUARD = new RegExp(
  String.raw`\bif\s*\([^(){};]{0,200}(?:Boolean\(\s*)?${KEY}|${KEY}\s*(?:&&|\?(?![?.]))`,
);
/** The first minor version of 0.x that is supported, and the last major one. */
const [FIRST_MINOR, LAST_MAJOR] = [8, 2];

/** @param {Known} known @returns {Finding} */
function checkApplication({ envFile }) {
  const found = projectFolders('.').flatMap((folder) => projectIn(folder) ?? []);
  if (found.length === 0) {
    return { status: 'skipped', detail: 'there is no Flue project in this directory' };
  }
  const problems = found.flatMap((project) => {
    const place = path.relative('.', project.root);
    return problemsOf(project, envFile).map(({ detail, advice }) => ({
      detail: place === '' ? detail : `${place}: ${detail}`,
      advice,
    }));
  });
  const projects = found.filter((project) => !('problem' in project));
  if (problems.length > 0) {
    const detail = problems.map((one) => one.detail).join('; ');
    const advice = [...new Set(problems.map((one) => one.advice))].join(' ');
    return { status: 'warning', detail, advice };
  }
  const versions = projects.flatMap(({ root }) => flueCopies(root)[0]?.version ?? []);
  const flue = [`Flue ${[...new Set(versions)].join(' and ')}`].filter(() => versions.length > 0);
  return { status: 'ok', detail: [...flue, 'tracing is registered'].join('; ') };
}

/** @param {string} folder @returns {Project | Unreadable | undefined} undefined: there is none */
function projectIn(folder) {
  try {
    return readProject(folder);
  } catch (error) {
    if (error instanceof NoProject) return undefined;
    const advice = 'Correct that first: the application cannot be checked.';
    return { root: path.resolve(folder), problem: { detail: messageOf(error), advice } };
  }
}

/** @param {Project | Unreadable} project @param {Known['envFile']} envFile @returns {Problem[]} */
function problemsOf(project, envFile) {
  if ('problem' in project) return [project.problem];
  const problems = [versionProblem, copiesProblem, absenceProblem, registrationProblem].flatMap(
    (find) => find(project) ?? [],
  );
  const { source } = sourceOf('BRAINTRUST_API_KEY', envFile);
  // Who has the key in the environment needs no file.
  if (problems.length > 0 || source === 'variable') return problems;
  const hidden = source === KEY_FILE ? guardProblem(project) : undefined;
  return hidden === undefined ? variablesProblems(project) : [hidden];
}

/** @param {Project} project @returns {Problem | undefined} */
function versionProblem(project) {
  const [copy] = flueCopies(project.root);
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(copy?.version ?? '') ?? [];
  if (copy === undefined || major === undefined) return undefined;
  const isOld = major === '0' && Number(minor) < FIRST_MINOR;
  if (!isOld && Number(major) <= LAST_MAJOR) return undefined;
  const advice = isOld
    ? `Update it: \`${commandsOf(project).add} ${FLUE}@latest\`.`
    : `Update this package: \`${commandsOf(project).add} ${OURS}@latest\`.`;
  return { detail: `${FLUE} ${copy.version} is not supported, but 0.8 to 2.x`, advice };
}

/** Each copy notifies its own observers alone. @param {Project} project @returns {Problem | undefined} */
function copiesProblem(project) {
  const [own, other] = flueCopies(project.root);
  if (own === undefined || other === undefined) return undefined;
  const detail = `there are two copies of ${FLUE}: ${own.version}, and ${other.version} of ${other.user}. What one runs, the other does not report`;
  const advice =
    own.version === other.version
      ? 'Remove node_modules and the lock file, and install again.'
      : `Make it one: \`${commandsOf(project).add} ${FLUE}@${other.version}\`.`;
  return { detail, advice };
}

/** As after `npx`, which runs a package that is not installed. @param {Project} project @returns {Problem | undefined} */
function absenceProblem(project) {
  const { root, dependencies } = project;
  const isThere = OURS in dependencies || installed(root, OURS) !== undefined;
  if (isThere || fs.existsSync(path.join(root, '.pnp.cjs'))) return undefined;
  if (sharedTracing(project) !== undefined) return undefined;
  const advice = `Install it: \`${commandsOf(project).add} ${OURS}\`.`;
  return { detail: `${OURS} is not installed here`, advice };
}

/**
 * As far as the sources show it: the tracing may be started by other means, such as a variable of the server.
 *
 * @param {Project} project
 * @returns {Problem | undefined}
 */
function registrationProblem(project) {
  const { root, app, sources, launchers, packageManager } = project;
  const commands = [...launchers.map(({ text }) => text), process.env.NODE_OPTIONS ?? ''];
  if (commands.some((text) => text.includes(REGISTER))) return undefined;
  const files = [...sources, ...(app ? [app] : [])];
  const modules = files.filter((file) => isOurs(file, files));
  const place = path.relative('.', root);
  const init = [OURS, 'init', ...(place === '' ? [] : [shellWord(place)])].join(' ');
  const advice = `Run \`${executed(packageManager, init)}\`, unless the application is started with \`--import ${REGISTER}\`.`;
  const [idle] = modules.every((file) => isIdle(file, files)) ? modules : [];
  if (idle !== undefined) {
    const call =
      'Call `instrument(braintrustFlueInstrumentation())` there, or on Flue 0.x `observe`.';
    const found = `${idle.path} imports the observer of ${OURS} and does not register it`;
    return { detail: found, advice: call };
  }
  if (modules.length > 0) {
    const lost = modules.filter(({ path: name }) => !isLoaded(project, name));
    const [first] = lost.length === modules.length ? lost : [];
    const absent = app === undefined ? 'no module imports' : `${app.path} does not import`;
    return first && { detail: `${absent} ${first.path}`, advice };
  }
  const shared = sharedTracing(project);
  if (shared !== undefined) {
    const { name, isImported } = shared;
    const first = `Import it in the first line of the application: \`import '${name}';\`.`;
    return isImported ? undefined : { detail: `no module imports ${name}`, advice: first };
  }
  const official = files.find(isOfficial);
  const detail = official
    ? `${official.path} registers the observer of \`braintrust\`, not that of ${OURS}`
    : `no module registers the observer of ${OURS}, as far as the sources show`;
  return { detail, advice };
}

/**
 * Where a module asks the environment for the key, which only `.env.braintrust` has: that is not read before `initLogger`.
 *
 * @param {Project} project
 * @returns {Problem | undefined}
 */
function guardProblem({ sources, app, launchers }) {
  const files = [...sources, ...(app ? [app] : [])];
  // The application may load the file by itself.
  if ([...files, ...launchers].some(({ text }) => text.includes(KEY_FILE))) return undefined;
  const modules = files.filter((file) => isOurs(file, files));
  const guarded = modules.find(({ text }) => GUARD.test(withoutComments(text)));
  if (guarded === undefined) return undefined;
  return {
    detail: `the key is only in ${KEY_FILE}, and ${guarded.path} looks for it in the environment before \`initLogger()\` reads that file`,
    advice: 'Remove the `if` around `initLogger()`, or set BRAINTRUST_API_KEY in the environment.',
  };
}

/** @param {Project} project @returns {Problem[]} */
function variablesProblems(project) {
  const files = [...project.sources, ...(project.app ? [project.app] : [])];
  const modules = files.filter((file) => isOurs(file, files));
  return modules.flatMap(({ path: name }) => lateVariables(project, name) ?? []).slice(0, 1);
}

/** @param {Project} project @param {string} module */
function isLoaded(project, module) {
  const { app, sourceRoot, unknownApp } = project;
  // Whether that imports it is unknown.
  if (unknownApp !== undefined) return true;
  if (app?.path === module || (app && reaches(project, app, module))) return true;
  const isUsual = path.dirname(module) === sourceRoot && path.parse(module).name === 'braintrust';
  // The app must import the usual module; others are loaded by other means.
  return !(app && isUsual) && notesOnImport(project, module).length === 0;
}

module.exports = { checkApplication };
