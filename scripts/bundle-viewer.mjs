/**
 * Bundles the viewer's page with the packages that it uses into `tools/viewer/bundle`, from where `dev` serves it: so
 * the published package depends on nothing. Takes some 50 ms.
 *
 *     node scripts/bundle-viewer.mjs
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const viewer = fileURLToPath(new URL('../tools/viewer', import.meta.url));

/** Joined in this order: what all views share comes first. */
const STYLES = ['style.css', 'list.css', 'trace.css'];

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
  const styles = STYLES.map((name) => readFileSync(join(page, name), 'utf8'));
  writeFileSync(join(bundle, 'style.css'), styles.join('\n'));
  copyFileSync(join(page, 'icon.svg'), join(bundle, 'icon.svg'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleViewer();
