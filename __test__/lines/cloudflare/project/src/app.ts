import './braintrust.ts';
import { createAgentRouter } from '@flue/runtime/routing';
import { braintrustFlueObserver, traced } from 'flue-braintrust';
import { Hono } from 'hono';
import { Gardener } from './agents/gardener.ts';

const app = new Hono();
app.route('/agents/gardener', createAgentRouter(Gardener));

/*
 * Work of the Worker itself: its isolate goes idle right after each reply, while nothing that was recorded
 * is delivered yet.
 */

/** Observes Flue's events of a whole run. */
app.post('/observed', async (context) => {
  for (const event of await context.req.json()) braintrustFlueObserver(event);
  return context.text('observed');
});

/** A span of the application's own. */
app.post('/traced', async (context) => {
  await traced(async (span) => span.log({ output: await context.req.json() }), {
    name: 'greeting',
  });
  return context.text('traced');
});

export default app;
