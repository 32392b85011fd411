import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { recordEvents } from '../../fixtures/record-events.mjs';

/**
 * Sets the tracing up as the environment says; see `program.mjs`.
 *
 * @param {{ observe: Function, instrument?: Function }} line
 * @returns {Promise<{ flush: () => Promise<unknown> }>} delivers all that was traced so far
 */
export async function trace({ observe, instrument }) {
  const { BRAINTRUST_API_KEY, BRAINTRUST_PROJECT_NAME, EXPECT_FILE, OWN_SPANS, REGISTER } =
    process.env;

  if (EXPECT_FILE) recordEvents(observe, EXPECT_FILE);
  if (!BRAINTRUST_API_KEY) return { flush: async () => {} };

  // A program that cannot trace must not look like one that had nothing to trace.
  process.env.FLUE_BRAINTRUST_STRICT ??= '1';
  const tracer = await import(tracerModule());
  tracer.initLogger({
    projectName: BRAINTRUST_PROJECT_NAME ?? 'Flue',
    apiKey: BRAINTRUST_API_KEY,
  });
  if (REGISTER === 'again') return instrumentAgain(instrument, tracer);
  if (REGISTER === 'instrument') {
    if (!instrument) throw new Error('This line of Flue has no instrument().');
    instrument({ ...tracer.braintrustFlueInstrumentation() });
    if (OWN_SPANS) instrument(ownInterceptor());
  } else {
    observe((event, context) => {
      tracer.braintrustFlueObserver(event, context);
    });
  }
  return { flush: () => tracer.flush() };
}

/** An interceptor of the application's own, which opens a span before and behind the turns of each operation. */
function ownInterceptor() {
  return {
    key: Symbol('own'),
    observe: () => {},
    interceptor: async (operation, { operationId }, next) => {
      const isOperation = operation.type === 'agent' && operationId !== undefined;
      const open = () =>
        isOperation ? inOwnSpan({ kind: 'operation' }, async () => {}) : undefined;
      await open();
      try {
        return await next();
      } finally {
        await open();
      }
    },
    dispose: async () => {},
  };
}

/**
 * Registers, registers again in every way there is, disposes, and registers for good. In the end it disposes of
 * that and prints what came of it.
 */
async function instrumentAgain(instrument, tracer) {
  const instrumentation = tracer.braintrustFlueInstrumentation();
  const dispose = instrument(instrumentation);
  const isSame = instrument(instrumentation) === dispose;
  let refusal;
  try {
    instrument(tracer.braintrustFlueInstrumentation());
  } catch ({ name }) {
    refusal = name;
  }
  await dispose();
  const disposeAgain = instrument(tracer.braintrustFlueObserver);
  const flush = async () => {
    await disposeAgain();
    const { accepted, sent, pending } = tracer.stats();
    console.log(JSON.stringify({ isSame, refusal, accepted, sent, pending }));
  };
  return { flush };
}

/**
 * Runs work of the application in a span of its own, as people do in tools, hooks and workflows, if OWN_SPANS names
 * a file: each line of it has the ids that were seen there.
 *
 * @template T
 * @param {{ kind: 'tool' | 'hook' | 'workflow' | 'operation' | 'provider', name?: string, input?: unknown }} place
 * @param {() => Promise<T>} work
 */
export async function inOwnSpan(place, work) {
  const { OWN_SPANS } = process.env;
  if (!OWN_SPANS) return work();
  const { currentSpan, startSpan, traced } = await import(tracerModule());
  const around = idsOf(currentSpan());
  return traced(
    async (span) => {
      await sleep(5);
      const current = idsOf(currentSpan());
      const below = startSpan({ name: 'own:below' });
      currentSpan().log({ metadata: { place: place.kind } });
      below.end();
      const ids = { around, own: idsOf(span), current, below: idsOf(below) };
      appendFileSync(OWN_SPANS, `${JSON.stringify({ ...place, ...ids })}\n`);
      return work();
    },
    { name: `own:${place.kind}`, event: { input: place.input } },
  );
}

const idsOf = ({ id, spanId, rootSpanId, spanParents }) => ({
  id,
  spanId,
  rootSpanId,
  spanParents,
});

/** Ours, or the `braintrust` package, which has the same names. */
function tracerModule() {
  const { BRAINTRUST_PACKAGE, BRAINTRUST_OFFICIAL_PATH } = process.env;
  return BRAINTRUST_PACKAGE === 'official'
    ? pathToFileURL(BRAINTRUST_OFFICIAL_PATH).href
    : new URL('../../../index.js', import.meta.url).href;
}
