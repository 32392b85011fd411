import { pathToFileURL } from 'node:url';
import { recordEvents } from '../../fixtures/record-events.mjs';

/**
 * Sets the tracing up as the environment says; see `program.mjs`.
 *
 * @param {{ observe: Function, instrument?: Function }} line
 * @returns {Promise<{ flush: () => Promise<unknown> }>} delivers all that was traced so far
 */
export async function trace({ observe, instrument }) {
  const { BRAINTRUST_API_KEY, BRAINTRUST_PROJECT_NAME, EXPECT_FILE, REGISTER } = process.env;

  if (EXPECT_FILE) recordEvents(observe, EXPECT_FILE);
  if (!BRAINTRUST_API_KEY) return { flush: async () => {} };

  // A program that cannot trace must not look like one that had nothing to trace.
  process.env.FLUE_BRAINTRUST_STRICT ??= '1';
  const tracer = await import(tracerModule());
  tracer.initLogger({
    projectName: BRAINTRUST_PROJECT_NAME ?? 'Flue',
    apiKey: BRAINTRUST_API_KEY,
  });
  if (REGISTER === 'instrument') {
    if (!instrument) throw new Error('This line of Flue has no instrument().');
    instrument({ ...tracer.braintrustFlueInstrumentation() });
  } else {
    observe((event, context) => {
      tracer.braintrustFlueObserver(event, context);
    });
  }
  return { flush: () => tracer.flush() };
}

/** Ours, or the `braintrust` package, which has the same names. */
function tracerModule() {
  const { BRAINTRUST_PACKAGE, BRAINTRUST_OFFICIAL_PATH } = process.env;
  return BRAINTRUST_PACKAGE === 'official'
    ? pathToFileURL(BRAINTRUST_OFFICIAL_PATH).href
    : new URL('../../../index.js', import.meta.url).href;
}
