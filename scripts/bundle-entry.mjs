/**
 * Bundles what a running application loads on Node into the module that `index.js` loads, as it is published: Node finds,
 * reads and compiles one file in half the time of the hundred modules in it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The module, in the package. */
export const ENTRY = 'js/entry/node.js';

/**
 * Stay files of their own: the generated loader, which looks beside itself for the binary; the manifest; and the warnings,
 * whose state `flue-braintrust/register` shares.
 */
const APART = ['./native.js', './package.json', './js/warn.js'];

/** The longest line, in characters: positions in stack traces name lines. */
const LINE_LIMIT = 200;

/** How esbuild begins and ends the function of a module. */
const BEGINNING = /^ {2}("[^"\n]+")(\(.*\) \{)$/gm;
const END = /^ {2}\}\n\}\);$/gm;
/** A module's function in parentheses, behind its name, within which esbuild may break the line. */
const IN_PARENTHESES = /":\s*\(\s*function\s*\(/g;

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
  const text = compiledAtOnce(bundle.text);
  const { code } = await transform(text, { minifyWhitespace: true, lineLimit: LINE_LIMIT });
  const [before, after] = [text, code].map((one) => one.match(IN_PARENTHESES)?.length);
  if (before !== after) throw new Error(`Of ${before} parentheses, esbuild has left ${after}.`);
  writeFileSync(file, code);
}

/**
 * The bundle, with the function of each module in parentheses: V8 compiles such a function with the file, and any other
 * only when it is called, after it has parsed it twice.
 * @param {string} text
 */
function compiledAtOnce(text) {
  const [begun, ended] = [BEGINNING, END].map((pattern) => text.match(pattern)?.length);
  if (!begun || begun !== ended) throw new Error(`${begun} modules begin, ${ended} end.`);
  return text.replace(BEGINNING, '  $1: (function$2').replace(END, '  })\n});');
}
