/**
 * Runs a project that `build.mjs` has built, on 127.0.0.1: for Cloudflare in the real `workerd`, with its
 * agents in Durable Objects. Writes its address to stdout. The variables of Braintrust are taken from the
 * environment. Ends with its standard input.
 *
 *     node __test__/lines/cloudflare/serve.mjs DIRECTORY [--target node|cloudflare] [--persist DIRECTORY]
 *
 * --persist  where the storages of the Durable Objects are
 */
import { globSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: { target: { type: 'string', default: 'cloudflare' }, persist: { type: 'string' } },
});
const dist = resolve(positionals[0], 'dist');

const { url, stop } = options.target === 'node' ? await onNode() : await onWorkerd();
console.log(`${url}`);
process.stdin.on('close', stop).resume();

/** Flue's own server. */
async function onNode() {
  const { startFlueNodeServer } = await import(pathToFileURL(join(dist, 'app.mjs')).href);
  const port = await freePort();
  const server = await startFlueNodeServer({ hostname: HOST, port, quiet: true });
  const stop = async () => {
    await server.stop();
    process.exit();
  };
  return { url: `http://${HOST}:${port}`, stop };
}

async function onWorkerd() {
  const { convertV4MiniflareOptions, Miniflare } = await import('miniflare');
  const { unstable_getMiniflareWorkerOptions: optionsOf } = await import('wrangler');
  const worker = join(dist, 'greenhouse');
  const { compatibilityDate, compatibilityFlags, durableObjects } = optionsOf(
    join(worker, 'wrangler.json'),
  ).workerOptions;
  const scripts = globSync('**/*.js', { cwd: worker }).filter((name) => name !== 'index.js');
  const wasm = globSync('**/*.wasm', { cwd: worker });
  const variables = Object.entries(process.env).filter(([name]) => /BRAINTRUST_/.test(name));

  const miniflare = new Miniflare({
    ...convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      handleStructuredLogs: ({ message }) => console.error(message),
      workers: [
        {
          name: 'greenhouse',
          compatibilityDate,
          compatibilityFlags,
          durableObjects,
          modulesRoot: worker,
          modules: [
            ...['index.js', ...scripts].map((name) => ({ type: 'ESModule', name })),
            ...wasm.map((name) => ({ type: 'CompiledWasm', name })),
          ].map(({ type, name }) => ({ type, path: join(worker, name) })),
          bindings: Object.fromEntries(variables),
        },
      ],
    }),
    ...(options.persist && { resourcePersistencePath: resolve(options.persist) }),
  });
  return { url: (await miniflare.ready).origin, stop: () => miniflare.dispose() };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, HOST, () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => done(port));
    });
  });
}
