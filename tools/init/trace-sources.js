'use strict';

// The modules of a project that connect Flue with Braintrust.

const path = require('node:path');

const { Failure } = require('../support/usage');
const { change } = require('./changes');
const { readableFile } = require('./files');
const { instrumented } = require('./instrument');
const { hasInstrument, inStyleOf, isCommonJs, tracingModule } = require('./modules');
const { firstOf } = require('./project');
const { sharedTracing } = require('./shared-tracing');
const { withoutTexts } = require('./lexer');
const { closingOf } = require('./source');
const { isOfficial, isOurs, migrated, namesConnector, observesByLogger } = require('./tracing');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */
/** @typedef {import('./changes').Part} Part */

/**
 * The modules that connect Flue with Braintrust: those of the project, changed to this package, or else
 * a new one.
 *
 * @param {Project} project
 * @returns {Part & { module: string, isUsual: boolean, isShared?: boolean }} the module, whether the app must import it, and
 *   whether it is a package of the workspace
 */
function traceSources(project) {
  const files = distinct([...project.sources, ...(project.app ? [project.app] : [])]);
  const name = path.join(project.sourceRoot, 'braintrust');
  const usual =
    firstOf(project.sources, name) ?? firstOf(project.sources, path.join(name, 'index'));
  const official = files.filter(isOfficial);
  const connecting = [...official, ...files.filter((file) => isOurs(file, files))];
  const [first] = connecting;
  if (first !== undefined) {
    const isRegistered = files.some((file) => isOurs(file, files) && registers(file.text));
    const stays = (/** @type {SourceFile} */ file) => isRegistered || observesByLogger(file, files);
    const made = connecting.map((file) =>
      connected(project, file, official.includes(file), stays(file)),
    );
    const module = connecting.find((file) => file.path === usual?.path);
    return {
      changes: made.flatMap(({ changes }) => changes),
      notes: made.flatMap(({ notes }) => notes),
      module: (module ?? first).path,
      // Modules elsewhere are imported by other means.
      isUsual: module !== undefined,
    };
  }
  const shared = sharedTracing(project);
  if (shared !== undefined) {
    const { name: module, isImported } = shared;
    const note = `${module}, a package of the workspace, registers the observer`;
    if (!isImported) {
      throw new Failure(
        `${note}: import it in the first line of the app, \`import '${module}';\`. Nothing was changed.`,
      );
    }
    return { changes: [], notes: [`${note}.`], module, isUsual: false, isShared: true };
  }
  const indirect = files.find(({ text }) => namesConnector(withoutTexts(text)));
  if (indirect !== undefined) {
    throw new Failure(
      `${indirect.path} has the observer of Braintrust by way of another module or in a form that init does not read. ` +
        'Import it by its name from `flue-braintrust` there. Nothing was changed.',
    );
  }
  if (project.unknownApp !== undefined) {
    throw new Failure(
      `the app is named by ${project.unknownApp}, which init does not evaluate. Name it by a path in quotes, or ` +
        `write ${name}.ts by hand and import it in the first line of the app, such as ` +
        "`import './braintrust.ts';`. Nothing was changed.",
    );
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
  const module = `${name}.${ending}`;
  const isCommon = requires && isScript !== null;
  const after = inStyleOf(project, tracingModule(project.line, isCommon, hasKeyFile(project)));
  return {
    changes: [{ path: module, before: undefined, after }],
    notes: [],
    module,
    isUsual: true,
  };
}

/**
 * A module that connects Flue with Braintrust, by this package and in the way that the project's Flue has.
 *
 * @param {Project} project
 * @param {SourceFile} file
 * @param {boolean} isOfficial
 * @param {boolean} stays whether it needs no other registration: by a logger, or in another module
 * @returns {Part}
 */
function connected(project, file, isOfficial, stays) {
  const ours = isOfficial ? migrated(file) : file.text;
  const notes = isOfficial ? notesOnProject(file) : [];
  if (stays || !hasInstrument(project.line)) return partOf(file, ours, notes);
  const text = instrumented(ours);
  if (text !== undefined) return partOf(file, text, notes);
  const isObserving =
    /(?<![\w$])observe\s*(?:\?\.\s*)?[(<]/.test(withoutTexts(ours)) && !registers(ours);
  const note =
    `${file.path} calls \`observe\` in a form that init leaves alone. Register with ` +
    '`instrument(braintrustFlueInstrumentation())` instead: else custom spans are traces of their own.';
  return partOf(file, ours, isObserving ? [...notes, note] : notes);
}

/** Whether the file that `initLogger` reads has the key. @param {Project} project */
const hasKeyFile = ({ root }) =>
  /^\s*(?:export\s+)?BRAINTRUST_API_KEY\s*=/m.test(
    readableFile(root, '.env.braintrust')?.text ?? '',
  );

/** The call that makes a logger, up to its arguments. */
const LOGGER = /(?<![\w$]|\bfunction\s{1,9})initLogger\s*(?:<[^()]*>\s*)?\(/g;

/** That the packages have different defaults. @param {SourceFile} file of the official package */
function notesOnProject({ path: name, text }) {
  const code = withoutTexts(text);
  const options = [...code.matchAll(LOGGER)].map(({ index, 0: call }) => {
    const open = index + call.length - 1;
    return code.slice(open + 1, closingOf(code, open)).trim();
  });
  // Options that stand elsewhere may name one.
  if (!options.some((stated) => /^(?:$|\{(?!.*(?:\bproject(?:Name|Id)\b|\.\.\.)))/s.test(stated)))
    return [];
  return [
    `${name} names no project: its traces went to "Global", and go to that of BRAINTRUST_PROJECT_NAME, else to "Flue". ` +
      "To stay there, pass `projectName: 'Global'` to `initLogger`.",
  ];
}

/** @param {string} text @returns {boolean} whether it registers an instrumentation */
const registers = (text) => /(?<![\w$])instrument(?:Flue)?\s*\(/.test(withoutTexts(text));

/**
 * @param {SourceFile} file
 * @param {string} text
 * @param {string[]} [notes]
 * @returns {Part}
 */
function partOf(file, text, notes = []) {
  return { changes: text === file.text ? [] : [change(file, text)], notes };
}

/** @param {SourceFile[]} files */
function distinct(files) {
  return files.filter((file, at) => files.findIndex(({ path: name }) => name === file.path) === at);
}

module.exports = { traceSources };
