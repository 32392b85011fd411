'use strict';

// Modules that `init` writes, in the style of the project.

const path = require('node:path');

const { agentsOf } = require('./agents');
const { withoutTexts } = require('./lexer');
const { isLoader } = require('./loaders');
const { isOfTypes } = require('./module-graph');
const {
  assignedImportsOf,
  directivesOf,
  importsOf,
  modulesCalled,
  outermost,
  afterComments,
} = require('./source');
const { endOfVariables } = require('./variables');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/**
 * How a module is written: its quotes, ends of statements and of lines.
 *
 * @typedef {{ quote: string, end: string, newline: string }} Style
 */

/** @type {Style} */
const USUAL = { quote: "'", end: ';', newline: '\n' };

/** @param {Project['line']} line @returns {boolean} whether it has `instrument`, which follows async calls */
const hasInstrument = (line) => line === 'beta' || line === '2.x';

/**
 * The module that connects Flue with Braintrust.
 *
 * @param {Project['line']} line
 * @param {boolean} [isCommonJs]
 * @param {boolean} [hasKeyFile] whether `initLogger` finds the key in a file, so that the environment needs none
 * @returns {string}
 */
function tracingModule(line, isCommonJs = false, hasKeyFile = false) {
  const [flue, ours, registration] = hasInstrument(line)
    ? [
        'instrument',
        'braintrustFlueInstrumentation',
        '  instrument(braintrustFlueInstrumentation());\n',
      ]
    : [
        'observe',
        'braintrustFlueObserver',
        '  observe((event, ctx) => {\n    braintrustFlueObserver(event, ctx);\n  });\n',
      ];
  const runtime = line === '0.8' ? '@flue/runtime/app' : '@flue/runtime';
  const load = (/** @type {string} */ names, /** @type {string} */ from) =>
    isCommonJs ? `const { ${names} } = require('${from}');` : `import { ${names} } from '${from}';`;
  const start = `  initLogger(); // project: BRAINTRUST_PROJECT_NAME, else "Flue"\n${registration}`;
  return `${load(flue, runtime)}
${load(`${ours}, initLogger`, 'flue-braintrust')}

${hasKeyFile ? start.replaceAll(/^ {2}/gm, '') : `if (process.env.BRAINTRUST_API_KEY) {\n${start}}\n`}`;
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
 * The specifier by which `app` imports its neighbour, with the ending that its other imports have; as it is written
 * between quotes.
 *
 * @param {SourceFile | undefined} app
 * @param {string} neighbour its path, relative to the project
 * @param {string} folder of the app, relative to the project
 * @param {Project['tsconfig']} tsconfig
 * @returns {string}
 */
function specifierOf(app, neighbour, folder, tsconfig) {
  const relative = path.relative(folder, neighbour).replaceAll(path.sep, '/');
  // A folder may be named `.flue`.
  const whole = relative.startsWith('../') ? relative : `./${relative}`;
  const name = whole.replaceAll(/[\\'"]/g, String.raw`\$&`);
  if (!name.endsWith('ts')) return name;
  if (name.endsWith('.cts')) return name.replace(/cts$/, 'cjs');
  const text = app?.text ?? '';
  const others = [...importsOf(text).map(({ from }) => from), ...modulesCalled(text)];
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
 * @param {Project['tsconfig']} tsconfig
 */
function usualEnding(tsconfig) {
  if (!tsconfig?.isWhole) return '.ts';
  const { module, moduleResolution, ...others } = tsconfig.options;
  if (others.allowImportingTsExtensions || others.rewriteRelativeImportExtensions) return '.ts';
  return [module, moduleResolution].some((one) => /^node/i.test(String(one))) ? '.js' : '';
}

/**
 * The app with an import of the tracing module before its others, so that tracing starts first, but behind those that set
 * variables.
 *
 * @param {SourceFile} file
 * @param {string} specifier
 * @param {import('./variables').Setters} [setters] what sets variables in it
 * @returns {string}
 */
function withImport(file, specifier, setters = { loads: isLoader, calls: [] }) {
  const { text } = file;
  const isRequired = isCommonJs(file);
  const flat = outermost(text);
  // What stands in brackets is not loaded with the module, or declares another one.
  const imports = (isRequired ? assignedImportsOf(text) : importsOf(text)).filter(
    ({ start }) => flat.charAt(start) === text.charAt(start),
  );
  const { quote, end, newline } = styleOf(text, imports[0]?.fromStart);
  const named = quote + specifier + quote;
  // What sets variables stays before the module that reads the key.
  const last = imports.findLast(({ from, clause }) => !isOfTypes(clause) && setters.loads(from));
  const loaded = isRequired ? endOfVariables(text, setters) : (last?.fromStart ?? 0);
  const next = imports.find(({ start }) => start >= loaded);
  const first = next && startOf(text, next.start);
  const at = first ?? Math.max(loaded, endOfFirstLines(text, flat, imports.at(-1)?.fromStart));
  const before = text.slice(0, at);
  const gap = at === 0 || before.endsWith('\n') || first !== undefined ? '' : newline;
  // Without it, a bracket would go on with this line.
  const ending = /^\s*[([`/+-]/.test(text.slice(at)) ? ';' : end;
  const line = `${isRequired ? `require(${named})` : `import ${named}`}${ending}${newline}`;
  return before + gap + line + text.slice(at);
}

/** Where an import begins, with the comments above it that are for the next line. @param {string} text @param {number} at */
function startOf(text, at) {
  const [above = ''] =
    /(?:^[^\S\n]*(?:\/\/|\/\*).*(?:@ts-(?:ignore|expect-error)|disable-next-line|-ignore(?!-)).*\n)+[^\S\n]*(?![^])/m.exec(
      text.slice(0, at),
    ) ?? [];
  return at - above.length;
}

/**
 * Where the code of a module begins: behind its last import, if it has one, else behind its directives.
 *
 * @param {string} text
 * @param {string} flat its code without what is in brackets
 * @param {number} [fromStart] where the last import names its module
 */
function endOfFirstLines(text, flat, fromStart) {
  if (fromStart !== undefined) {
    const end = flat.indexOf('\n', fromStart);
    return end < 0 ? text.length : end + 1;
  }
  const end = directivesOf(text).at(-1)?.end;
  if (end === undefined) return startOf(text, text.length - afterComments(text).length);
  const [rest = ''] =
    /^[^\S\n]*(?:(?:\/\/.*|\/\*.*?\*\/[^\S\n]*)?\r?\n)?/.exec(text.slice(end)) ?? [];
  return end + rest.length;
}

/**
 * @param {SourceFile} file
 * @returns {boolean} whether it is a CommonJS module, as far as its name and its text show
 */
function isCommonJs({ path: name, text }) {
  if (/\.c[jt]s$/.test(name)) return true;
  if (/\.m[jt]s$/.test(name) || importsOf(text).length > 0) return false;
  const code = withoutTexts(text);
  return (
    !/^export\b/m.test(code) &&
    /(?<![\w$.])(?:require\s*\(|(?:module\.)?exports\s*[.=[])/.test(code)
  );
}

/**
 * A module that `init` has made, in the style of the app, or else of a module with imports.
 *
 * @param {Project} project
 * @param {string} module in the usual style
 * @returns {string}
 */
function inStyleOf({ app, sources }, module) {
  const importsIn = ({ text = '' }) => importsOf(text)[0] ?? assignedImportsOf(text)[0];
  const file = app ?? sources.find(importsIn);
  if (file === undefined) return module;
  const { quote, end, newline } = styleOf(file.text, importsIn(file)?.fromStart);
  const step = /^\t/m.test(file.text) ? '\t' : '  ';
  return module
    .replaceAll(/(?<!\\)'/g, quote)
    .replaceAll(/;(?=$| \/\/)/gm, end)
    .replaceAll(/^(?: {2})+/gm, (indent) => step.repeat(indent.length / 2))
    .replaceAll('\n', newline);
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
  const after = text.slice(text.indexOf(quote, fromStart) + 1);
  const [, next] = /^\)*(?:\s*with\s*\{[^}]*\})?[^\S\n]*(.)/s.exec(after) ?? [];
  // Behind another character the statement goes on.
  const isEnded = next === undefined || /[\n;]/.test(next);
  const hasEnd = isEnded ? next === ';' : /;[^\S\n]*$/m.test(withoutTexts(text));
  return { quote, end: hasEnd ? ';' : '', newline };
}

module.exports = {
  appModule,
  hasInstrument,
  inStyleOf,
  isCommonJs,
  specifierOf,
  tracingModule,
  withImport,
};
