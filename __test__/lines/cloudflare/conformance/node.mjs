/** Replays events on Node: reads one job a line, writes one report a line. */
import { createInterface } from 'node:readline';
import * as entry from '../../../../index.js';
import { replay } from './replay.mjs';

for await (const line of createInterface(process.stdin)) {
  console.log(JSON.stringify(await replay(entry, JSON.parse(line))));
}
