/**
 * An agent behind HTTP whose users give thumbs up or down:
 *
 *     POST /ask       { "text": "…" }                                            → { "text", "submissionId" }
 *     POST /feedback  { "submissionId": "…", "thumb": "up" | "down", "comment" }  → 204
 *
 * Prints its address, and ends with its standard input.
 */
import './braintrust.ts';

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { init, useModel } from '@flue/runtime';
import { start } from '@flue/runtime/node';
import { fauxAssistantMessage } from '@earendil-works/pi-ai/providers/faux';
import { logFeedback } from 'flue-braintrust';
import { fauxModel } from './faux.mts';

const { provider, model } = fauxModel({ reply: () => fauxAssistantMessage('Close the vents.') });

function Keeper() {
  useModel(model);
  return 'You keep a small greenhouse.';
}

async function ask({ text }: { text: string }) {
  const keeper = init(Keeper, { id: 'greenhouse' });
  const { submissionId } = await keeper.dispatch(text);
  const reply = await keeper.read(submissionId);
  // Give the id to the page that shows the reply.
  return { text: reply.text, submissionId };
}

interface Thumb {
  submissionId: string;
  thumb: 'up' | 'down';
  comment?: string;
}

// In any process that has called `initLogger`, at any later time.
function feedback({ submissionId, thumb, comment }: Thumb) {
  logFeedback({
    submissionId,
    scores: { thumb: thumb === 'up' ? 1 : 0 },
    comment,
    metadata: { user: 'the id of your user' },
    source: 'app',
  });
}

const routes: Record<string, (body: any) => unknown> = { '/ask': ask, '/feedback': feedback };

const flue = await start({ agents: [Keeper], providers: [provider] });
const server = createServer(async (request: IncomingMessage, response) => {
  const answer = await routes[request.url ?? '']?.(JSON.parse(await text(request)));
  response.writeHead(answer === undefined ? 204 : 200, { 'content-type': 'application/json' });
  response.end(answer === undefined ? undefined : JSON.stringify(answer));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

await once(process.stdin.resume(), 'close');
server.close();
server.closeAllConnections();
await flue.stop();
