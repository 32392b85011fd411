/** Runs the program on Node, with the events that it reads from stdin. */
import { json } from 'node:stream/consumers';
import * as entry from '../../../../index.mjs';
import { program } from './program.mjs';

console.log(JSON.stringify(await program(entry, await json(process.stdin))));
