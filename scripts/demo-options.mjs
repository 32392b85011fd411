/** The options of the demo. Uses core modules only, since they are read before anything is installed. */
import { parseArgs } from 'node:util';

const USAGE = `Usage: npm run demo [-- --no-serve]

Runs a real Flue agent and a real workflow, and prints their traces.

Options:
      --no-serve  do not serve the traces in a browser afterwards
  -h, --help      show this help
`;

/**
 * Ends the process when there is something else to print.
 * @param {string[]} args
 * @returns {{ 'no-serve'?: boolean }}
 */
export function demoOptions(args) {
  const options = { 'no-serve': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } };
  try {
    const { values } = parseArgs({ args, options });
    if (!values.help) return values;
    process.stdout.write(USAGE);
    process.exit();
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}
