/** Licence expressions, and which licences the project accepts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the rules of `deny.toml` state, as far as `scripts/check-dependencies.mjs` applies them. */
export function rules() {
  const text = readFileSync(join(root, 'deny.toml'), 'utf8');
  const list = (/** @type {RegExp} */ pattern) => pattern.exec(text)?.[1] ?? '';
  const quoted = (/** @type {string} */ part) =>
    Array.from(part.matchAll(/^\s*"([^"]+)"/gm), ([, name = '']) => name);
  const named = (/** @type {string} */ part) =>
    Array.from(part.matchAll(/name = "([^"]+)"/g), ([, name = '']) => name);
  return {
    /** SPDX ids that may be used; preferred ones first. */
    licences: quoted(list(/^\[licenses\][^[]*?^allow = \[(.*?)^\]/ms)),
    /** Crates that may not be used. */
    banned: named(list(/^deny = \[(.*)\]$/m)),
    deniesOtherSources: ['registry', 'git'].every((kind) =>
      text.includes(`unknown-${kind} = "deny"`),
    ),
  };
}

/**
 * The licences under which something may be used: of alternatives the first that is allowed.
 *
 * @param {string} expression in SPDX's syntax; an older `/` means `OR`
 * @param {string[]} allowed preferred ones first
 * @returns {string[] | undefined} undefined if it may not be used
 */
export function choose(expression, allowed) {
  const tokens = expression.replaceAll('/', ' OR ').match(/\(|\)|[^\s()]+/g) ?? [];
  let at = 0;
  const result = alternatives();
  if (at !== tokens.length) throw new Error(`no licence expression: ${expression}`);
  return result;

  /** @returns {string[] | undefined} */
  function alternatives() {
    const found = [together()];
    while (tokens[at] === 'OR') {
      at += 1;
      found.push(together());
    }
    const rank = (/** @type {string[]} */ names) =>
      Math.max(...names.map((name) => allowed.indexOf(name)));
    return found.filter((names) => names !== undefined).toSorted((a, b) => rank(a) - rank(b))[0];
  }

  /** @returns {string[] | undefined} */
  function together() {
    const found = [one()];
    while (tokens[at] === 'AND') {
      at += 1;
      found.push(one());
    }
    return found.includes(undefined) ? undefined : found.flatMap((names) => names ?? []);
  }

  /** @returns {string[] | undefined} */
  function one() {
    const token = tokens[at++];
    if (token === undefined) throw new Error(`no licence expression: ${expression}`);
    if (token === '(') {
      const inner = alternatives();
      if (tokens[at++] !== ')') throw new Error(`no licence expression: ${expression}`);
      return inner;
    }
    if (tokens[at] !== 'WITH') return allowed.includes(token) ? [token] : undefined;
    at += 2;
    const name = `${token} WITH ${tokens[at - 1]}`;
    return allowed.includes(name) ? [name] : undefined;
  }
}
