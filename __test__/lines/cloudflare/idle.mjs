/**
 * How much arrives of 20 requests to a Worker whose isolate goes idle right after each reply: with this package, and
 * with the `braintrust` package. Prints a table.
 *
 *     node __test__/lines/cloudflare/idle.mjs
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { copyOf, recordedRun, spansOf } from './recorded.mjs';

const { startCollector } = createRequire(import.meta.url)('../../../tools/collector');

const here = fileURLToPath(new URL('.', import.meta.url));
const REQUESTS = 20;
/** How long the server takes for each answer, and how long we wait for what may still come. */
const LATENCY_MS = 50;
const PATIENCE_MS = 10_000;

const TRACERS = {
  'flue-braintrust': [],
  braintrust: ['--tracer', 'official'],
};
const run = recordedRun();
const isEnded = (span) => span.end !== null;
const WORK = {
  "Flue's events of a run": { path: 'observed', spans: spansOf(run), body: (n) => copyOf(run, n) },
  'a span of its own, `traced`': { path: 'traced', spans: 1, body: (n) => n },
};

console.log('| In the Worker | By | Spans recorded | Spans delivered |\n| --- | --- | --- | --- |');
for (const [by, args] of Object.entries(TRACERS)) {
  const directory = mkdtempSync(join(tmpdir(), 'flue-braintrust-'));
  try {
    const build = [join(here, 'build.mjs'), directory, ...args];
    const { status, stderr } = spawnSync(process.execPath, build, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    for (const [what, work] of Object.entries(WORK)) {
      const delivered = await measure(directory, work);
      console.log(`| ${what} | ${by} | ${REQUESTS * work.spans} | ${delivered} |`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measure(directory, { path, spans, body }) {
  const collector = await startCollector({ intercept: () => ({ delayMs: LATENCY_MS }) });
  const server = spawn(process.execPath, [join(here, 'serve.mjs'), directory], {
    env: {
      ...process.env,
      BRAINTRUST_API_KEY: 'test-key',
      BRAINTRUST_APP_URL: collector.url,
      BRAINTRUST_API_URL: collector.url,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [url] = await once(createInterface(server.stdout), 'line');
    for (let n = 0; n < REQUESTS; n++) {
      const response = await fetch(`${url}/${path}`, {
        method: 'POST',
        body: JSON.stringify(body(n)),
      });
      if (!response.ok) throw new Error(await response.text());
    }
    const all = REQUESTS * spans;
    const ended = () => collector.traces().flatMap((trace) => trace.spans.filter(isEnded)).length;
    await collector.waitFor(() => ended() === all, PATIENCE_MS).catch(() => {});
    return ended();
  } finally {
    server.stdin.end();
    await once(server, 'exit');
    await collector.close();
  }
}
