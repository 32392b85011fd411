/**
 * Loads what the shared modules use of the host in the real `workerd` without a bundler, as vitest with Cloudflare's plugin
 * does: a CommonJS module then requires an ES module. Prints the names that it has as JSON in one line.
 */
import { readFileSync } from 'node:fs';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';

const contentsOf = (name) =>
  readFileSync(new URL(`../../../../js/builtins/${name}`, import.meta.url), 'utf8');

const worker = new Miniflare(
  convertV4MiniflareOptions({
    host: '127.0.0.1',
    port: 0,
    workers: [
      {
        name: 'worker',
        compatibilityDate: '2026-06-01',
        compatibilityFlags: ['nodejs_compat'],
        modulesRoot: '/',
        modules: [
          {
            type: 'ESModule',
            path: '/app.js',
            contents: `import builtins from './index.js';
              export default { fetch: () => Response.json(Object.keys(builtins).toSorted()) };`,
          },
          // Vite finds the module by the condition.
          {
            type: 'CommonJS',
            path: '/index.js',
            contents: contentsOf('index.js').replace("'#builtins'", "'./workerd.mjs'"),
          },
          ...['workerd.mjs', 'isolate.mjs'].map((name) => ({
            type: 'ESModule',
            path: `/${name}`,
            contents: contentsOf(name),
          })),
        ],
      },
    ],
  }),
);
try {
  const { origin } = await worker.ready;
  console.log(await (await fetch(origin)).text());
} finally {
  await worker.dispose();
}
