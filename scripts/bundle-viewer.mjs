/**
 * Bundles the viewer's page with the packages that it uses into `tools/viewer/bundle`, from where `dev` serves it: so
 * the published package depends on nothing. Takes some 50 ms.
 *
 *     node scripts/bundle-viewer.mjs
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const viewer = fileURLToPath(new URL('../tools/viewer', import.meta.url));

export default async function bundleViewer() {
  const [page, bundle] = [join(viewer, 'page'), join(viewer, 'bundle')];
  mkdirSync(bundle, { recursive: true });
  await build({
    entryPoints: [join(page, 'app.mjs')],
    outfile: join(bundle, 'app.mjs'),
    bundle: true,
    format: 'esm',
    minify: true,
    target: 'es2022',
    legalComments: 'inline',
    logLevel: 'warning',
  });
  for (const name of ['style.css', 'icon.svg']) copyFileSync(join(page, name), join(bundle, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleViewer();
