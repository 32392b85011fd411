/** Everything a server may do, to processes that end well. See `scenarios.mjs`. */
import {
  LOGIN,
  REGISTER,
  UPLOAD,
  VERSION,
  always,
  badRow,
  echo,
  first,
  inTurn,
  lasting,
  refuseLarge,
} from './troubles.mjs';

/** 45 spans in about three seconds. */
const rounds = { kind: 'agent', script: 'short', rounds: 9, pauseMs: 100 };

/** 47 spans, one of which has a result of a million characters. */
const giant = { kind: 'burst', rounds: 9, calls: 5, pauseMs: 200, giant: 1_000_000 };

const html = '<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>';
const oursOnly = { exporters: ['ours'] };

/** The application waits for its traces, but not forever. */
const patient = { act: 'flush', flushMs: 12_000 };
const impatient = { act: 'flush', flushMs: 3000 };

/** @param {string} id @param {string} title @param {object} more */
const fault = (id, title, more) => ({
  id,
  group: 'faults',
  title,
  promise: 'all',
  workload: rounds,
  ending: patient,
  limitMs: 25_000,
  ...more,
});

const failures = {
  500: { status: 500 },
  429: { status: 429 },
  401: { status: 401 },
  reset: { reset: true },
  html: { status: 200, body: html, headers: { 'content-type': 'text/html' } },
};
const steps = { login: LOGIN, registration: REGISTER, version: VERSION };

/** Each step of the way to the first upload fails once in each way. */
const onces = Object.entries(steps).flatMap(([step, path]) =>
  Object.entries(failures).map(([name, answer]) =>
    fault(`${step}-${name}`, `${step} answers ${name} once, then healthy`, {
      server: { faults: first(1, path, answer) },
      short: step === 'registration' && name === 'reset',
    }),
  ),
);

/** What stands before the server and lets through. */
const reached = {
  proxy: 'through a proxy with credentials, spaces around its URL',
  'version-1': 'a certificate of version 1 below a configured authority',
  'common-name': 'a certificate with a common name only',
  'self-signed': 'a certificate that is its own authority',
};
/** What does not. */
const unreached = {
  'proxy-407': 'the proxy refuses its credentials',
  'proxy-invalid': 'the variable of the proxy is invalid',
  untrusted: 'the authority of the certificate is not trusted',
};

const retryAfter = (status, value) => () => ({ status, headers: { 'retry-after': value() } });
const soon = () => new Date(Date.now() + 2000).toUTCString();

/** @type {import('./scenarios.mjs').Scenario[]} */
export const faults = [
  ...onces,
  fault('late', 'nothing listening for the first 2 s', {
    server: {
      timeline: [
        { at: 0, proxy: 'refuse' },
        { at: 2000, proxy: 'open' },
      ],
    },
    short: true,
  }),
  fault('retry-after', 'uploads answer 503 with Retry-After: 2 for 6 s', {
    server: {
      faults: lasting(
        6000,
        UPLOAD,
        retryAfter(503, () => '2'),
      ),
    },
  }),
  fault('retry-after-date', 'uploads answer 429 with Retry-After as a date for 6 s', {
    server: { faults: lasting(6000, UPLOAD, retryAfter(429, soon)) },
  }),
  fault('outage', 'server down for 20 s of a 30 s run', {
    workload: { ...rounds, rounds: 60, pauseMs: 250 },
    server: {
      timeline: [
        { at: 0, proxy: 'open' },
        { at: 5000, proxy: 'refuse' },
        { at: 25_000, proxy: 'open' },
      ],
    },
    uncertain: true,
    limitMs: 60_000,
  }),
  fault('outage-short', 'server down for 2 s of a 5 s run', {
    workload: { ...rounds, rounds: 15 },
    server: {
      timeline: [
        { at: 0, proxy: 'open' },
        { at: 1000, proxy: 'refuse' },
        { at: 3000, proxy: 'open' },
      ],
    },
    uncertain: true,
    short: true,
    ...oursOnly,
  }),
  fault('flapping', 'every second upload fails, each time in another way', {
    workload: { ...rounds, rounds: 20 },
    server: {
      faults: inTurn([{ status: 500 }, { reset: true }, { status: 429 }, { status: 503 }]),
    },
    limitMs: 40_000,
  }),
  fault('lost-answers', 'rows are taken, and the answers of two uploads get lost', {
    short: true,
    server: { faults: first(2, UPLOAD, { processFirst: true, reset: true }) },
    uncertain: true,
  }),
  fault('limit', '413 above 16 KiB, an unannounced limit', {
    server: { limit: null, faults: refuseLarge(16 * 1024) },
  }),
  fault('giant-overflow', 'one span of 1 MB above the limit of 256 KiB', {
    workload: giant,
    server: { limit: 256 * 1024 },
    check: (rows) => (isWhole(rows) ? undefined : 'the large result is not there in full'),
  }),
  fault('giant-cut', 'the same, the server takes no uploads apart', {
    short: true,
    workload: giant,
    server: { limit: null, faults: refuseLarge(256 * 1024) },
    check: (rows) => (isMarked(rows) ? undefined : 'nothing says that the large result was cut'),
  }),
  fault('rejected', 'the first upload is rejected (400)', {
    server: { faults: first(1, UPLOAD, { status: 400 }) },
    short: true,
  }),
  ...[400, 500].map((status) =>
    fault(`bad-row-${status}`, `uploads with one certain row answer ${status}`, {
      promise: status === 400 ? 'rejected' : 'counted',
      ending: { act: 'flush', flushMs: 25_000 },
      server: { faults: badRow({ status }) },
      limitMs: 50_000,
      short: status === 400,
    }),
  ),
  fault('hung-first', 'the first upload is never answered, default timeouts', {
    ending: { act: 'flush', flushMs: 5_000 },
    server: { faults: first(1, UPLOAD, { hang: true }) },
    short: true,
  }),
  fault('hung-exit', 'the first upload is never answered; process.exit(0)', {
    ending: { act: 'exit' },
    server: { faults: first(1, UPLOAD, { hang: true }) },
  }),
  fault('slow-spool', 'every upload takes 5 s, spool', {
    ending: { act: 'flush', flushMs: 20_000 },
    server: { faults: always(UPLOAD, { delayMs: 5000 }) },
    spool: true,
    limitMs: 50_000,
    ...oursOnly,
  }),
  fault('unanswered', 'the first upload is never answered', {
    env: { FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS: '2000' },
    server: { faults: first(1, UPLOAD, { hang: true }) },
  }),
  fault('unanswered-login', 'the first login is never answered', {
    env: { FLUE_BRAINTRUST_REQUEST_TIMEOUT_MS: '2000' },
    server: { faults: first(1, LOGIN, { hang: true }) },
  }),
  fault('empty', 'two uploads answer 200 with an empty body, the rows are stored', {
    server: { faults: first(2, UPLOAD, { processFirst: true, status: 200, body: '' }) },
    short: true,
  }),
  fault('html', 'two uploads answer 200 with HTML, the rows are stored', {
    server: { faults: first(2, UPLOAD, { processFirst: true, ...failures.html }) },
  }),
  fault('html-lost', 'uploads answer 200 with HTML, the rows are not stored', {
    promise: 'counted',
    ending: impatient,
    server: { faults: always(UPLOAD, failures.html) },
    short: true,
  }),
  fault('half', 'two uploads answer 200, and break off half way', {
    short: true,
    server: { faults: first(2, UPLOAD, { processFirst: true, half: true }) },
  }),
  fault('drip', 'two uploads answer 200, byte by byte, for 9 s', {
    server: { faults: first(2, UPLOAD, { processFirst: true, dripMs: 800 }) },
  }),
  ...[401, 403].map((status) =>
    fault(`upload-${status}`, `uploads answer ${status}`, {
      promise: 'counted',
      ending: impatient,
      server: { faults: always(UPLOAD, { status }) },
    }),
  ),
  fault('down', 'no server at all', {
    promise: 'counted',
    ending: impatient,
    server: { timeline: [{ at: 0, proxy: 'refuse' }] },
    short: true,
  }),
  fault('hole', 'nothing is ever answered', {
    promise: 'counted',
    ending: impatient,
    server: { timeline: [{ at: 0, proxy: 'hole' }] },
  }),
  fault('hole-exit', 'nothing is ever answered; process.exit(0)', {
    promise: 'counted',
    ending: { act: 'exit' },
    server: { timeline: [{ at: 0, proxy: 'hole' }] },
  }),
  fault('down-spool', 'no server, process.exit(0), spool; healthy for the next process', {
    short: true,
    ending: { act: 'exit' },
    server: { timeline: [{ at: 0, proxy: 'refuse' }] },
    spool: true,
    ...oursOnly,
  }),
  fault('hole-spool', 'nothing answered, process.exit(0), spool; then the same', {
    ending: { act: 'exit' },
    server: { timeline: [{ at: 0, proxy: 'hole' }] },
    spool: true,
    ...oursOnly,
  }),
  ...Object.entries(reached).map(([front, title]) =>
    fault(front, title, { server: { front }, short: front === 'version-1' || front === 'proxy' }),
  ),
  ...Object.entries(unreached).map(([front, title]) =>
    fault(front, title, {
      promise: 'counted',
      ending: impatient,
      server: { front },
      short: front === 'proxy-407',
    }),
  ),
  fault('echo', 'errors that echo the request, every log on', {
    env: {
      BRAINTRUST_DEBUG_LOG_LEVEL: 'debug',
      NODE_DEBUG: '*',
      DEBUG: '*',
      RUST_LOG: 'trace',
      RUST_BACKTRACE: 'full',
    },
    server: { faults: echo(2) },
    spool: true,
    short: true,
  }),
];

/** @param {any[]} rows */
const isWhole = (rows) => rows.some(({ output }) => JSON.stringify(output)?.length >= 1_000_000);

/** @param {any[]} rows */
const isMarked = (rows) =>
  rows.some(({ output }) => /flue-braintrust/.test(JSON.stringify(output)));
