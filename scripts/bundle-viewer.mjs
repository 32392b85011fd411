/**
 * Bundles the viewer's page with the packages that it uses into `tools/viewer/bundle`, from where `dev` serves it: so
 * the published package depends on nothing. Takes some 50 ms. A file that is current is not touched: a server may be
 * reading it.
 *
 *     node scripts/bundle-viewer.mjs
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const viewer = fileURLToPath(new URL('../tools/viewer', import.meta.url));

/** Joined in this order: what all views share comes first. */
const STYLES = ['style.css', 'list.css', 'trace.css'];

export default async function bundleViewer() {
  const [page, bundle] = [join(viewer, 'page'), join(viewer, 'bundle')];
  mkdirSync(bundle, { recursive: true });
  const {
    outputFiles: [app],
  } = await build({
    entryPoints: [join(page, 'app.mjs')],
    bundle: true,
    write: false,
    format: 'esm',
    minify: true,
    target: 'es2022',
    legalComments: 'inline',
    logLevel: 'warning',
  });
  const styles = STYLES.map((name) => readFileSync(join(page, name), 'utf8'));
  update(join(bundle, 'app.mjs'), Buffer.from(app.contents));
  update(join(bundle, 'style.css'), Buffer.from(styles.join('\n')));
  update(join(bundle, 'icon.svg'), readFileSync(join(page, 'icon.svg')));
}

/** Writes a file unless it has these contents already. @param {string} file @param {Buffer} contents */
function update(file, contents) {
  if (!existsSync(file) || !readFileSync(file).equals(contents)) writeFileSync(file, contents);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleViewer();
