/**
 * Whether the binary for this machine loads and delivers: records a run, and finds it at a local collector.
 * Runs on what is published, without development packages.
 *
 *     node scripts/smoke.mjs
 */
import assert from 'node:assert/strict';
import collectors from '../js/collector/index.js';
import tracing from '../index.js';

const collector = await collectors.startCollector();
tracing.initLogger({ apiKey: 'local', appUrl: collector.url, apiUrl: collector.url });
const run = { runId: 'run_1', timestamp: new Date().toISOString(), v: 3 };
tracing.braintrustFlueObserver({ type: 'run_start', ...run, workflowName: 'smoke', input: 'in' });
tracing.braintrustFlueObserver({ type: 'run_end', ...run, result: 'out', durationMs: 1 });
const { complete, lost } = await tracing.close();
assert.deepEqual({ complete, lost }, { complete: true, lost: {} });
const [row] = collector.rows();
assert.equal(row?.span_attributes?.name, 'workflow:smoke');
assert.equal(row?.output, 'out');
assert.deepEqual(collector.problems, []);
await collector.close();
console.log(`delivered on ${process.platform}-${process.arch}, Node ${process.versions.node}`);
