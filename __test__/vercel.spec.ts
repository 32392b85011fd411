import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { startCollector } from '../tools/collector';
import { HANGS_MS, ROOT, destination, environment } from './support/run';

/** What a function on Vercel delivers before the platform suspends it: it is killed then. */
test('what a request on Vercel records is delivered before its waitUntil ends, whatever the context is', async () => {
  const collector = await startCollector();
  const child = spawn(process.execPath, ['__test__/fixtures/vercel-function.mjs'], {
    cwd: ROOT,
    env: environment(destination(collector)),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HANGS_MS,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => (await lines.next()).value as string;
    const [url, odd] = (await next()).split(' ') as [string, string];
    const statuses = [];
    for (let n = 0; n < Number(odd); n++) statuses.push((await fetch(`${url}/odd/${n}`)).status);
    expect(statuses).toEqual(Array(Number(odd)).fill(200));

    // Two requests at the same time: each is kept alive.
    const replies = await Promise.all(['/one', '/two'].map((path) => fetch(url + path)));
    expect(await Promise.all(replies.map((reply) => reply.text()))).toEqual(['warm', 'warm']);
    expect([await next(), await next()]).toEqual(Array(2).fill('settled ["fulfilled"]'));
    child.kill('SIGKILL');
    await once(child, 'close');

    const named = (name: string) =>
      (collector.rows() as any[]).find((row) => row.span_attributes.name === name);
    for (const name of ['/one', '/two']) {
      expect(named(name)).toMatchObject({ output: 'warm', metrics: { end: expect.any(Number) } });
    }
    expect(stderr).toBe('');
  } finally {
    child.kill('SIGKILL');
    await collector.close();
  }
});

test('a request on Vercel waits for the decision about a trace, and no delivery ends that', async () => {
  const collector = await startCollector();
  const child = spawn(process.execPath, ['__test__/fixtures/vercel-function.mjs'], {
    cwd: ROOT,
    env: environment({ ...destination(collector), HELD: '1' }),
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: HANGS_MS,
  });
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const [url] = (await lines.next()).value.split(' ');
    expect(await (await fetch(`${url}/held`)).text()).toBe('held');
    expect((await lines.next()).value).toBe('settled ["fulfilled"]');
    expect(await (await fetch(`${url}/below`)).text()).toBe('held');
    expect((await lines.next()).value).toBe('settled ["fulfilled"]');
    child.kill('SIGKILL');
    await once(child, 'close');
    const rows = collector.rows() as any[];
    expect(rows.map((row) => row.span_attributes.name).toSorted()).toEqual([
      '/below',
      '/held',
      'flue.prompt',
      'flue.prompt',
    ]);
    const named = (name: string) => rows.find((row) => row.span_attributes.name === name);
    expect([named('/held').output, named('/below').output]).toEqual(['held', 'held']);
    expect(named('/below').project_id).toBe('7f3c2b1a-9d8e-4f6a-8b2c-0a1b2c3d4e5f');
  } finally {
    child.kill('SIGKILL');
    await collector.close();
  }
});

test('a request in which nothing begins that is recorded is kept alive, as its logger starts late', async () => {
  const waitUntil = jest.fn();
  const context = Symbol.for('@vercel/request-context');
  Object.assign(globalThis, { [context]: { get: () => ({ waitUntil }) } });
  try {
    await jest.isolateModulesAsync(async () => {
      const { deliverWithin } = await import('../js/vercel.js');
      deliverWithin(() => Promise.resolve(), false);
    });
    expect(waitUntil).toHaveBeenCalledTimes(1);
  } finally {
    Reflect.deleteProperty(globalThis, context);
  }
});
