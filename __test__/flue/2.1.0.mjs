/** Flue 2.1.0; see `shared/program.mjs`. */
import * as line from './2.1.0/line.mjs';
import { runFlue2 } from './shared/flue-2.mjs';

await runFlue2(line);
