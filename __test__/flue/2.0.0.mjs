/** Flue 2.0.0, the first of its line; see `shared/program.mjs`. */
import * as line from '../lines/2.0.0/line.mjs';
import { runFlue2 } from './shared/flue-2.mjs';

await runFlue2(line);
