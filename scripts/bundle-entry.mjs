/**
 * Bundles what a running application loads on Node into the module that `index.js` loads, as it is published: Node finds,
 * reads and compiles one file in half the time of the hundred modules in it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The module, in the package. */
export const ENTRY = 'js/entry/node.js';

/**
 * Stay files of their own: the generated loader, which looks beside itself for the binary; the manifest; and the warnings,
 * whose state `flue-braintrust/register` shares.
 */
const APART = ['./native.js', './package.json', './js/warn.js'];

/** Writes the bundle. @param {string} file */
export async function bundleEntry(file) {
  const {
    outputFiles: [bundle],
  } = await build({
    entryPoints: [join(root, ENTRY)],
    outfile: join(root, ENTRY),
    absWorkingDir: root,
    external: APART,
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    logLevel: 'warning',
  });
  writeFileSync(file, bundle.contents);
}
