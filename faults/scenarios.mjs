/**
 * What is played, as data.
 *
 * @typedef {object} Scenario
 * @property {string} id
 * @property {'endings' | 'faults'} group
 * @property {string} title
 * @property {Promised} promise what holds for this package
 * @property {import('./program.mjs').Workload} workload
 * @property {import('./endings.mjs').Ending} ending
 * @property {import('./program.mjs').Plan['place']} [place]
 * @property {NodeJS.Signals | 'exit'} [killBy]
 * @property {import('./program.mjs').Plan['listener']} [listener]
 * @property {number} [maskMs] see `program.mjs`
 * @property {boolean} [exhausts]
 * @property {object} [options] of `initLogger`, for this package
 * @property {Record<string, string>} [env]
 * @property {string[]} [flags] of Node
 * @property {boolean} [spool] whether the package's spool is on, and another process follows on it
 * @property {import('./server.mjs').ServerPlan} [server] default: a server without faults
 * @property {boolean} [uncertain] whether an answer may get lost on its way: what the server confirmed
 *   the exporter need not know
 * @property {string[]} [exporters] default: all
 * @property {(rows: any[]) => string | undefined} [check] what else is wrong with the rows
 * @property {number} [limitMs] when the process is killed
 * @property {boolean} [short] whether it is part of `npm test`
 *
 * `all`      every span arrives, with its end
 * `counted`  what does not arrive is reported
 * `rejected` what the server has rejected for good is reported, and all else arrives
 * `due`      what was recorded more than 250 ms before a sudden death arrives
 * `nothing`  a sudden death without a spool
 *
 * @typedef {'all' | 'counted' | 'rejected' | 'due' | 'nothing'} Promised
 */
import { endings } from './scenarios-endings.mjs';
import { faults } from './scenarios-faults.mjs';

/** @type {Scenario[]} */
export const scenarios = [...endings, ...faults];
