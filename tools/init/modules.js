'use strict';

// Modules that `init` writes, in the style of the project.

const path = require('node:path');

const { importsOf, withoutTexts } = require('./source');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./project').SourceFile} SourceFile */

/**
 * How a module is written: its quotes, ends of statements and of lines.
 *
 * @typedef {{ quote: string, end: string, newline: string }} Style
 */

/** @type {Style} */
const USUAL = { quote: "'", end: ';', newline: '\n' };

/**
 * The module that connects Flue with Braintrust.
 *
 * @param {Project['line']} line
 * @returns {string}
 */
function tracingModule(line) {
  return `import { observe } from '${line === '0.8' ? '@flue/runtime/app' : '@flue/runtime'}';
import { braintrustFlueObserver, initLogger } from 'flue-braintrust';

if (process.env.BRAINTRUST_API_KEY) {
  initLogger({
    projectName: process.env.BRAINTRUST_PROJECT_NAME ?? 'Flue',
    apiKey: process.env.BRAINTRUST_API_KEY,
  });

  observe((event, ctx) => {
    braintrustFlueObserver(event, ctx);
  });
}
`;
}

/**
 * The application's entry for a project that has none.
 *
 * @param {Project} project
 * @param {string} tracing the module that connects Flue with Braintrust, relative to the project
 * @param {(file: string) => string} specifier how the entry names a file of the project
 * @returns {{ text: string, mounted: string[] }} and the agents that it makes reachable
 */
function appModule(project, tracing, specifier) {
  const agents = project.line === '2.x' ? agentsOf(project) : [];
  const routing = project.line === '0.8' ? '@flue/runtime/app' : '@flue/runtime/routing';
  const mounts = agents.map(
    ({ name, route }) => `app.route('${route}', createAgentRouter(${name}));`,
  );
  const isWhole = project.line !== '2.x';
  const lines = [
    `import '${specifier(tracing)}';`,
    ...(isWhole ? [`import { flue } from '${routing}';`] : []),
    ...(mounts.length > 0 ? [`import { createAgentRouter } from '${routing}';`] : []),
    "import { Hono } from 'hono';",
    ...agents.map(({ clause, file }) => `import ${clause} from '${specifier(file)}';`),
    '',
    'const app = new Hono();',
    ...(isWhole ? ["app.route('/', flue());"] : []),
    ...mounts,
    '',
    'export default app;',
    '',
  ];
  return { text: lines.join('\n'), mounted: agents.map(({ route }) => route) };
}

/**
 * The agents of a Flue 2 project: the functions that a module with `'use agent'` exports.
 *
 * @param {Project} project
 */
function agentsOf({ sources }) {
  return sources.flatMap(({ path: file, text }) => {
    if (!/^\s*(["'])use agent\1/.test(withoutComments(text))) return [];
    const exported = withoutTexts(text).matchAll(
      /^export\s+(default\s+)?(?:async\s+)?function\s+([A-Z]\w*)/gm,
    );
    return [...exported].map(([, isDefault, name = '']) => ({
      name,
      file,
      clause: isDefault === undefined ? `{ ${name} }` : name,
      route: `/agents/${name.replace(/(?<=[a-z\d])(?=[A-Z])/g, '-').toLowerCase()}`,
    }));
  });
}

/** @param {string} text */
const withoutComments = (text) => text.replace(/^(?:\s|\/\*[^]*?\*\/|\/\/.*|#!.*)*/, '');

/**
 * The specifier by which `app` imports its neighbour, with the ending that its other imports have.
 *
 * @param {SourceFile | undefined} app
 * @param {string} neighbour its path, relative to the project
 * @param {string} folder of the app, relative to the project
 * @param {string | undefined} tsconfig
 * @returns {string}
 */
function specifierOf(app, neighbour, folder, tsconfig) {
  const relative = path.relative(folder, neighbour).replaceAll(path.sep, '/');
  const name = relative.startsWith('.') ? relative : `./${relative}`;
  if (!name.endsWith('ts')) return name;
  const others = importsOf(app?.text ?? '').map(({ from }) => from);
  const ending = endingOf(others.filter((from) => from.startsWith('.'))) ?? usualEnding(tsconfig);
  return name.replace(/\.(m?)ts$/, ending === '.js' ? '.$1js' : ending === '' ? '' : '.$1ts');
}

/**
 * @param {string[]} relatives
 * @returns {'.ts' | '.js' | '' | undefined}
 */
function endingOf(relatives) {
  if (relatives.some((from) => /\.m?ts$/.test(from))) return '.ts';
  if (relatives.some((from) => /\.m?js$/.test(from))) return '.js';
  return relatives.some((from) => !/\.\w+$/.test(from)) ? '' : undefined;
}

/**
 * Flue's own guide uses `.ts`, which TypeScript allows only by an option.
 *
 * @param {string | undefined} tsconfig
 */
function usualEnding(tsconfig) {
  if (
    tsconfig === undefined ||
    /"extends"|allowImportingTsExtensions|rewriteRelative/.test(tsconfig)
  ) {
    return '.ts';
  }
  return /"module(Resolution)?"\s*:\s*"node/i.test(tsconfig) ? '.js' : '';
}

/**
 * The app with an import of the tracing module before its others, so that tracing starts first.
 *
 * @param {string} text
 * @param {string} specifier
 * @returns {string}
 */
function withImport(text, specifier) {
  const imports = importsOf(text);
  const { quote, end, newline } = styleOf(text, imports[0]?.fromStart);
  const line = `import ${quote}${specifier}${quote}${end}${newline}`;
  const at = imports[0]?.start ?? text.length - withoutComments(text).length;
  return text.slice(0, at) + line + text.slice(at);
}

/**
 * @param {string} text
 * @param {number | undefined} fromStart where its first import names a module
 * @returns {Style}
 */
function styleOf(text, fromStart) {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  if (fromStart === undefined) return { ...USUAL, newline };
  const quote = text.charAt(fromStart - 1);
  const after = text.charAt(text.indexOf(quote, fromStart) + 1);
  return { quote, end: after === ';' ? ';' : '', newline };
}

/**
 * @param {SourceFile} file
 * @param {string} module relative to the project
 * @returns {boolean} whether it imports that module, by whatever ending
 */
function importsModule({ path: name, text }, module) {
  const stem = (/** @type {string} */ file) => path.normalize(file).replace(/\.m?[jt]s$/, '');
  const relatives = importsOf(text).filter(({ from }) => from.startsWith('.'));
  return relatives.some(({ from }) => stem(path.join(path.dirname(name), from)) === stem(module));
}

module.exports = { appModule, importsModule, specifierOf, tracingModule, withImport };
