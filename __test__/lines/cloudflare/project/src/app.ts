import './braintrust.ts';
import { createAgentRouter } from '@flue/runtime/routing';
import { Hono } from 'hono';
import { Gardener } from './agents/gardener.ts';

const app = new Hono();
app.route('/agents/gardener', createAgentRouter(Gardener));

export default app;
