'use strict';

// The agents of a Flue 2 project, by the rules of Flue's own scan (`scanAgents` of `@flue/vite`).

const { withoutTexts } = require('./lexer');
const { closingOf, directivesOf, escaped, flattened } = require('./source');

/** @typedef {import('./project').Project} Project */
/** @typedef {import('./files').SourceFile} SourceFile */

/**
 * @typedef {object} Agent
 * @property {string} name by which the app knows it; no two have the same
 * @property {string} file
 * @property {string} clause of its import
 * @property {string} route
 */

/** What the app imports itself; its other names do not begin with a capital letter. */
const TAKEN = ['Hono'];
const MODULE = /\.m?[jt]s$/;

/** Where a statement begins. Within spaces, none does: that is seen first, as there may be many. */
const START = String.raw`(?=\S)(?<=(?:^|[;}\n])[^\S\n]*)`;
/** Groups: `export`, its `default`, the name. */
const FUNCTION = new RegExp(
  String.raw`${START}(export\s+(default\s+)?)?(?:async\s+)?function\s*\*?\s*([\w$]+)`,
  'g',
);
/** Up to the value of the first variable of a statement. Groups: `export`, the name. */
const VARIABLE = new RegExp(
  String.raw`${START}(export\s+)?(?:const|let|var)\s+([\w$]+)(?:\s*:(?:[^;=]|=>)*|\s*)=(?![>=])\s*`,
  'g',
);
const LIST = new RegExp(String.raw`${START}export\s*\{`, 'g');
/** The end of an expression, behind which a type may be stated. */
const END = String.raw`[^\S\n]*(?:$|[;\n!]|as\b|satisfies\b)`;
const DEFAULT = new RegExp(String.raw`${START}export\s+default\s+([\w$]+)${END}`, 'g');
const END_OF_VALUE = new RegExp(`^${END}`);
const FUNCTION_VALUE =
  /^(?:async\b\s*)?(?:function\b|(?:<[^(]*>\s*)?\(\s*\)\s*(?::(?:[^;=]|=>)*?)?=>|[\w$]+\s*=>)/;

/** @param {SourceFile} file @returns {boolean} whether it is a module of agents */
function isAgent({ path: name, text }) {
  return MODULE.test(name) && directivesOf(text).some(({ directive }) => directive === 'use agent');
}

/**
 * The agents of a project, each with a name of its own.
 *
 * @param {Project} project
 * @returns {Agent[]}
 */
function agentsOf({ sources }) {
  const taken = new Set(TAKEN);
  return sources.filter(isAgent).flatMap(({ path: file, text }) =>
    exportedAgents(text).map(({ exported, local, identity }) => {
      const name = freeName(exported === 'default' ? local : exported, taken);
      taken.add(name);
      const alias = exported === name ? name : `${exported} as ${name}`;
      const clause = exported === 'default' ? name : `{ ${alias} }`;
      return { name, file, clause, route: `/agents/${kebab(identity)}` };
    }),
  );
}

/** @param {string} name @param {Set<string>} taken */
function freeName(name, taken) {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}${number}`;
  return free;
}

/** @param {string} name */
const kebab = (name) => name.replace(/(?<=[a-z\d])(?=[A-Z])/g, '-').toLowerCase();

/**
 * The functions that a module exports under a name with a capital letter.
 *
 * @param {string} text
 * @returns {{ exported: string, local: string, identity: string }[]} in their order
 */
function exportedAgents(text) {
  const code = withoutTexts(text);
  const flat = flattened(code);
  const functions = [...flat.matchAll(FUNCTION)].map(
    ({ index, 1: isExported, 2: isDefault, 3: local = '' }) => ({
      index,
      local,
      exported: isDefault ? 'default' : isExported && local,
    }),
  );
  const variables = [...flat.matchAll(VARIABLE)]
    .filter(({ index, 0: { length } }) => isFunction(flat, code, index + length))
    .map(({ index, 1: isExported, 2: local = '' }) => ({
      index,
      local,
      exported: isExported && local,
    }));
  const declared = [...functions, ...variables];
  const locals = new Set(declared.map(({ local }) => local));
  const named = [...flat.matchAll(DEFAULT)].map(({ index, 1: local = '' }) => ({
    index,
    local,
    exported: 'default',
  }));
  return (
    [...declared, ...named, ...listed(code, flat)]
      .toSorted((a, b) => a.index - b.index)
      .flatMap(({ local, exported = '' }) => {
        const own = exported === 'default' ? local : exported;
        if (!locals.has(local) || !/^[A-Z]/.test(own)) return [];
        return [{ exported, local, identity: agentNameOf(local, text, flat) ?? own }];
      })
      // The signatures of an overloaded function are one.
      .filter((one, at, all) => all.findIndex(({ local }) => local === one.local) === at)
  );
}

/**
 * What the lists of exports name, except those of another module.
 *
 * @param {string} code
 * @param {string} flat
 */
function listed(code, flat) {
  return [...flat.matchAll(LIST)].flatMap(({ index, 0: start }) => {
    const open = index + start.length - 1;
    const end = closingOf(code, open);
    if (/^\s*from\b/.test(flat.slice(end + 1))) return [];
    return code
      .slice(open + 1, end)
      .split(',')
      .flatMap((item) => {
        const [, local, exported] = /^\s*([\w$]+)(?:\s+as\s+([\w$]+))?\s*$/.exec(item) ?? [];
        return local === undefined ? [] : [{ index, local, exported: exported ?? local }];
      });
  });
}

/**
 * The name that a module gives an agent for good.
 *
 * @param {string} local
 * @param {string} text
 * @param {string} flat
 */
function agentNameOf(local, text, flat) {
  const assigned = new RegExp(
    String.raw`${START}${escaped(local)}\s*\.\s*agentName\s*=\s*(?=["'])`,
    'g',
  );
  const last = [...flat.matchAll(assigned)].at(-1);
  if (last === undefined) return undefined;
  return /^(["'])(.*?)\1/.exec(text.slice(last.index + last[0].length))?.[2];
}

/**
 * @param {string} flat
 * @param {string} code
 * @param {number} start where a value begins
 * @returns {boolean} whether that is a function
 */
function isFunction(flat, code, start) {
  if (FUNCTION_VALUE.test(flat.slice(start))) return true;
  if (flat.charAt(start) !== '(') return false;
  const end = closingOf(flat, start);
  if (!END_OF_VALUE.test(flat.slice(end + 1))) return false;
  const inner = code.slice(start + 1, end).trimStart();
  return isFunction(flattened(inner), inner, 0);
}

module.exports = { agentsOf, exportedAgents, isAgent };
