/**
 * With `node --import` of this, a program that imports Flue, pi-ai or valibot gets it from the bundle that
 * `bundle-flue.mjs` has made: the same code in few files. Without a bundle all is loaded as it is.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const root = new URL('../../', import.meta.url);
const bundle = new URL('node_modules/.cache/flue/', root);
const list = new URL('files.json', bundle);

if (existsSync(list)) {
  const files = JSON.parse(readFileSync(list, 'utf8'));
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (!resolved.url.startsWith(root.href)) return resolved;
      const file = files[resolved.url.slice(root.href.length)];
      if (file === undefined) return resolved;
      // The bundle has a copy of it: with two of them, neither knows of the other's state.
      if (file === null) throw new Error(`add ${resolved.url} to the entries of the bundle`);
      return { ...resolved, url: new URL(file, bundle).href };
    },
  });
}
