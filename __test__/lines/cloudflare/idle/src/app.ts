import './braintrust.ts';
import { Hono } from 'hono';
import { braintrustFlueObserver, traced } from 'flue-braintrust';

/**
 * Work of the Worker itself: its isolate goes idle right after each reply, while nothing that was recorded
 * is delivered yet.
 */
const app = new Hono();

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
