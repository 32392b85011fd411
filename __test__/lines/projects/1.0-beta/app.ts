// The application's own entry, which init must leave as it is but for one line.
import { flue } from '@flue/runtime/routing';
import { Hono } from 'hono';

const app = new Hono();
app.get('/health', (c) => c.json({ ok: true }));
app.route('/', flue());

export default app;
