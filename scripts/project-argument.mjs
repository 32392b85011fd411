/** The project in which a clone is installed. Uses core modules only, since it is read before anything is installed. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const USAGE = 'Usage: npm run package [-- <project>]';

/**
 * Ends the process when there is no such project.
 * @param {string[]} args
 * @returns {string | undefined} its directory, if one is named
 */
export function projectArgument(args) {
  const [project, ...more] = args;
  if (project === '--help' || project === '-h') {
    console.log(USAGE);
    process.exit();
  }
  if (more.length > 0 || project?.startsWith('-')) {
    console.error(USAGE);
    process.exit(2);
  }
  if (project === undefined) return undefined;
  // npm starts this in the clone: a relative path is one from where the user is.
  const directory = resolve(process.env.INIT_CWD ?? '.', project);
  if (existsSync(join(directory, 'package.json'))) return directory;
  console.error(`There is no package.json in ${directory}.`);
  process.exit(1);
}
