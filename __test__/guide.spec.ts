import { createServer } from 'node:net';
import { join } from 'node:path';
import { startCollector } from '../tools/collector';
import { activities } from './support/activities';
import { faults } from './support/activity-faults';
import { destination, readEvents, runAgent, withDirectory } from './support/run';

// That both files type-check is part of `npm run types`.
test.each(['braintrust.ts', 'braintrust-compatible.ts'])(
  "the guide's %s traces a real agent",
  async (module) => {
    const collector = await startCollector();
    try {
      await withDirectory(async (directory) => {
        const file = join(directory, 'events');
        const env = { ...destination(collector), BRAINTRUST_MODULE: module, EXPECT_FILE: file };
        expect(await runAgent('natural', env)).toMatchObject({ code: 0, stderr: '' });
        expect(faults(activities(readEvents(file)), collector.rows())).toEqual([]);
        expect(collector.problems).toEqual([]);
      });
    } finally {
      await collector.close();
    }
  },
);

test('traces go to the project that is named, and to `Flue` when none is', async () => {
  const bodies: string[] = [];
  const collector = await startCollector({
    intercept: ({ path, bodyText }) => {
      if (path === '/api/project/register') bodies.push(JSON.parse(bodyText).project_name);
    },
  });
  try {
    await runAgent('natural', { ...destination(collector), BRAINTRUST_PROJECT_NAME: 'Greenhouse' });
    await runAgent('natural', destination(collector));
    expect(bodies).toEqual(['Greenhouse', 'Flue']);
  } finally {
    await collector.close();
  }
});

test('without a key there is no connection, no output, and nothing is subscribed to', async () => {
  let connections = 0;
  const listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  try {
    const without = await runAgent('natural', { BRAINTRUST_MODULE: 'none' });
    const keys: Record<string, string>[] = [{}, { BRAINTRUST_API_KEY: '' }];
    for (const key of keys) {
      const env = { ...key, BRAINTRUST_APP_URL: url, BRAINTRUST_API_URL: url };
      expect(await runAgent('natural', env)).toEqual(without);
    }
    expect(connections).toBe(0);
    // The listener does count: with a key there are connections.
    const env = { ...destination({ url }), FLUE_BRAINTRUST_EXIT_TIMEOUT_MS: '1000' };
    await runAgent('natural', env);
    expect(connections).toBeGreaterThan(0);
  } finally {
    listener.close();
  }
});
