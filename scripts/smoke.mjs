/**
 * Whether what is published delivers on this machine: installs the main package and the one with this machine's
 * binary into an empty directory, records a run, and finds it at a local collector.
 *
 *     node scripts/pack.mjs packages
 *     node scripts/smoke.mjs packages <empty directory>
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { npm } from './npm.mjs';
import { platformOf } from './platform.mjs';

const [packages = '', directory = ''] = process.argv.slice(2).map((path) => resolve(path));
const platform = platformOf();
const mine = `flue-braintrust-${platform}`;
const tarballs = readdirSync(packages)
  .filter((name) => /^flue-braintrust-\d/.test(name) || name.startsWith(mine))
  .map((name) => join(packages, name));
assert.equal(tarballs.length, 2, `the packages for ${mine}`);

mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, 'package.json'), '{}');
// The other platforms' packages need not be published for this.
const { command, args, shell } = npm(['install', '--omit=optional', '--no-audit', ...tarballs]);
execFileSync(command, args, { cwd: directory, shell, stdio: 'inherit' });

const require = createRequire(join(directory, 'package.json'));
/** @type {typeof import('../index.d.ts')} */
const tracing = require('flue-braintrust');
const installed = join(directory, 'node_modules/flue-braintrust');
/** @type {typeof import('../tools/collector/index.js')} */
const { startCollector } = require(join(installed, 'tools/collector/index.js'));

const collector = await startCollector();
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
console.log(`delivered on ${platform}, Node ${process.versions.node}`);
