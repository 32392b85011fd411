/** Bundles a Worker by esbuild's defaults, and runs it in the real `workerd`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';

/**
 * @param {string} entry
 * @param {Record<string, unknown>} [options] of the Worker
 * @param {string} [persist] the directory of its Durable Objects
 */
export async function startWorker(entry, options = {}, persist = undefined) {
  const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-'));
  await build({
    entryPoints: [entry],
    outfile: join(directory, 'app.js'),
    bundle: true,
    format: 'esm',
    conditions: ['workerd'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
  });
  /** @type {string[]} */
  const lines = [];
  const worker = new Miniflare({
    ...convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      handleStructuredLogs: ({ message }) => lines.push(message),
      workers: [
        {
          name: 'worker',
          compatibilityDate: '2026-06-01',
          compatibilityFlags: ['nodejs_compat'],
          modulesRoot: directory,
          modules: [
            { type: 'ESModule', path: join(directory, 'app.js') },
            { type: 'CompiledWasm', path: join(directory, 'core.wasm') },
          ],
          ...options,
        },
      ],
    }),
    ...(persist && { resourcePersistencePath: persist }),
  });
  const stop = async () => {
    await worker.dispose();
    rmSync(directory, { recursive: true, force: true });
  };
  const { origin } = await worker.ready.catch(async (error) => {
    await stop();
    throw error;
  });
  return { origin, lines, stop };
}
