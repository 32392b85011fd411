/** Every way in which a process may end, on a server that answers. See `scenarios.mjs`. */

/** @type {Record<string, import('./program.mjs').Workload>} */
const workloads = {
  agent: { kind: 'agent', script: 'full' },
  /** 300 spans in 300 ms, and the process is over. */
  burst: { kind: 'burst', rounds: 15, pauseMs: 20, calls: 20 },
};

/** An agent that ends while its model talks, or inside a tool: it never comes to its reply. */
const talking = { kind: 'agent', script: 'short', tokensPerSecond: 60 };

/** Long enough after the first word for the exporter to have sent the turn. */
const MID_TURN_MS = 500;

/** How long a process with a spool has lived at least since its last event when it dies. */
const SPOOLED_MS = 350;

const anywhere = ['agent', 'burst'];
const signals = /** @type {const} */ (['SIGTERM', 'SIGINT']);
const oursOnly = { exporters: ['ours'] };

/** @param {string} id @param {string} title @param {object} more */
const ending = (id, title, more) => ({ id, title, promise: 'all', on: anywhere, ...more });

/** A signal in all its circumstances. @param {NodeJS.Signals} signal */
const bySignal = (signal) => {
  const act = { act: 'signal', signal };
  const midTurn = { ...act, at: 'turn', waitMs: MID_TURN_MS };
  const name = signal.toLowerCase();
  const handled = { options: { handleSignals: true }, ...oursOnly };
  return [
    ending(`${name}-exit`, `${signal}, the application's handler calls process.exit`, {
      ending: { ...act, handler: 'exit' },
    }),
    ending(`${name}-exit-turn`, `${signal} mid turn, the same handler`, {
      on: ['talking'],
      ending: { ...midTurn, handler: 'exit' },
    }),
    ending(`${name}-server`, `${signal}, handled as by Flue's own server`, {
      on: ['agent'],
      ending: { ...act, handler: 'server' },
    }),
    ending(`${name}-server-turn`, `${signal} mid turn, handled as by Flue's own server`, {
      short: signal === 'SIGTERM',
      on: ['talking'],
      ending: { ...midTurn, handler: 'server' },
    }),
    ending(`${name}-handled`, `${signal}, handleSignals: true`, {
      short: signal === 'SIGTERM' && 'agent',
      ending: act,
      ...handled,
    }),
    ending(`${name}-handled-turn`, `${signal} mid turn, handleSignals: true`, {
      on: ['talking'],
      ending: midTurn,
      ...handled,
    }),
  ];
};

const list = [
  ending('natural', 'natural end', { ending: { act: 'leave' }, short: true }),
  ending('flush', 'awaited flush(), natural end', { ending: { act: 'flush' } }),
  ending('exit', 'process.exit(0) right after the reply', {
    ending: { act: 'exit' },
    short: true,
  }),
  ending('exit-tool', 'process.exit(0) inside a tool', {
    on: ['talking'],
    ending: { act: 'exit', at: 'tool' },
    short: true,
  }),
  ending('throw', 'uncaught exception', { ending: { act: 'throw' }, short: 'agent' }),
  ending('reject', 'unhandled rejection', { ending: { act: 'reject' } }),
  ending('exit-listener-exit', 'process.exit(0); an earlier exit listener calls process.exit', {
    ending: { act: 'exit' },
    listener: 'exit',
    short: 'burst',
  }),
  ending('exit-listener-throw', 'process.exit(0); an earlier exit listener throws', {
    ending: { act: 'exit' },
    listener: 'throw',
  }),
  ending('slow-mask', 'process.exit(0); masking takes 5 ms for a field', {
    promise: 'counted',
    on: ['burst'],
    ending: { act: 'exit' },
    // What is not masked is sent in the last quarter of the exit timeout: an answer may come too late.
    uncertain: true,
    maskMs: 5,
    short: true,
    ...oursOnly,
  }),
  ending('descriptors', 'process.exit(0); no file descriptor since initLogger', {
    promise: 'counted',
    on: ['burst'],
    ending: { act: 'exit' },
    exhausts: true,
    ...oursOnly,
  }),
  ...signals.flatMap(bySignal),
  ending('sigterm-turn', 'SIGTERM mid turn, no handler', {
    promise: 'nothing',
    on: ['talking'],
    ending: { act: 'signal', signal: 'SIGTERM', at: 'turn', waitMs: MID_TURN_MS },
  }),
  ending('worker', 'worker thread, natural end', { ending: { act: 'leave' }, place: 'worker' }),
  ending('worker-exit', 'worker thread, process.exit() in it', {
    ending: { act: 'exit' },
    place: 'worker',
  }),
  ending('worker-terminate', 'worker.terminate()', {
    short: 'burst',
    ending: { act: 'surrender' },
    place: 'worker',
  }),
  ending('worker-main-exit', 'process.exit(0) of the main thread while a worker is alive', {
    ending: { act: 'surrender' },
    place: 'worker',
    killBy: 'exit',
  }),
  ending('fork', 'child_process.fork, natural end', { ending: { act: 'leave' }, place: 'fork' }),
  ending('fork-exit', 'child_process.fork, process.exit() in it', {
    ending: { act: 'exit' },
    place: 'fork',
  }),
  ending('cluster', 'cluster worker, disconnected', {
    ending: { act: 'disconnect' },
    place: 'cluster',
  }),
  ending('cluster-exit', 'cluster worker, process.exit() in it', {
    ending: { act: 'exit' },
    place: 'cluster',
  }),
  ending('cluster-term', 'cluster worker killed (SIGTERM), handleSignals: true', {
    ending: { act: 'surrender' },
    place: 'cluster',
    options: { handleSignals: true },
    ...oursOnly,
  }),
  ending('cluster-kill', 'cluster worker killed (SIGKILL)', {
    promise: 'nothing',
    ending: { act: 'surrender' },
    place: 'cluster',
    killBy: 'SIGKILL',
  }),
  ending('cluster-kill-spool', 'cluster worker killed (SIGKILL) 350 ms later, spool', {
    promise: 'due',
    ending: { act: 'surrender', waitMs: SPOOLED_MS },
    place: 'cluster',
    killBy: 'SIGKILL',
    spool: true,
    ...oursOnly,
  }),
  ending('kill', 'SIGKILL 50 ms after the reply', {
    promise: 'nothing',
    ending: { act: 'signal', signal: 'SIGKILL', waitMs: 50 },
  }),
  ending('kill-spool', 'SIGKILL 350 ms after the reply, spool', {
    short: 'agent',
    promise: 'due',
    ending: { act: 'signal', signal: 'SIGKILL', waitMs: SPOOLED_MS },
    spool: true,
    ...oursOnly,
  }),
  ending('kill-spool-down', 'the same, and no server until the next process', {
    promise: 'due',
    ending: { act: 'signal', signal: 'SIGKILL', waitMs: SPOOLED_MS },
    server: { timeline: [{ at: 0, proxy: 'refuse' }] },
    spool: true,
    short: 'burst',
    ...oursOnly,
  }),
  ending('kill-spool-now', 'SIGKILL right after the reply, spool', {
    promise: 'due',
    ending: { act: 'signal', signal: 'SIGKILL' },
    spool: true,
    ...oursOnly,
  }),
  ending('kill-spool-turn', 'SIGKILL mid turn, spool', {
    promise: 'due',
    on: ['talking'],
    ending: { act: 'signal', signal: 'SIGKILL', at: 'turn', waitMs: MID_TURN_MS },
    spool: true,
    ...oursOnly,
  }),
  ending('starve', 'out of memory', {
    promise: 'nothing',
    ending: { act: 'starve' },
    flags: ['--max-old-space-size=80'],
  }),
  ending('starve-spool', 'out of memory 350 ms after the reply, spool', {
    promise: 'due',
    ending: { act: 'starve', waitMs: SPOOLED_MS },
    flags: ['--max-old-space-size=80'],
    spool: true,
    ...oursOnly,
  }),
];

/** @type {import('./scenarios.mjs').Scenario[]} */
export const endings = list.flatMap(({ on, ...rest }) =>
  on.map((name) => ({
    ...rest,
    id: name === 'talking' ? rest.id : `${rest.id}/${name}`,
    group: 'endings',
    title: name === 'burst' ? `${rest.title}; burst` : rest.title,
    workload: workloads[name] ?? talking,
    short: rest.short === true || rest.short === name,
  })),
);
