// The application's own entry, which init must leave as it is but for one line.
import { createAgentRouter } from '@flue/runtime/routing';
import { Hono } from 'hono';
import { Gardener } from './agents/gardener.ts';

const app = new Hono();
app.get('/health', (c) => c.json({ ok: true }));
app.route('/agents/gardener', createAgentRouter(Gardener));

export default app;
