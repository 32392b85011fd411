/** Where traces go: the options that the `braintrust` package knows, with our defaults and variables. */

/** @typedef {import('../../index.d.ts').InitLoggerOptions} InitLoggerOptions */

/** Options of the `braintrust` package that have a meaning here and none on Node. */
const PASSED_ON = /** @type {const} */ ([
  'asyncFlush',
  'debugLogLevel',
  'environment',
  'forceLogin',
  'setCurrent',
]);

/** Whether what goes wrong should throw instead of warn. */
export const isStrict = () => variable('FLUE_BRAINTRUST_STRICT') === '1';

/**
 * Throws when there is no API key anywhere, or content is to be kept from leaving in a way that is not known here.
 * @param {InitLoggerOptions} options
 */
export function settingsOf(options) {
  const apiKey = given(options.apiKey) ?? variable('BRAINTRUST_API_KEY');
  if (apiKey === undefined) {
    throw new Error('there is no API key: set BRAINTRUST_API_KEY or pass `apiKey` to initLogger');
  }
  if (isUnheeded(options)) {
    throw new Error(
      '`redact` and `content` have no effect where no native part runs; setMaskingFunction has',
    );
  }
  const passedOn = PASSED_ON.filter((name) => options[name] !== undefined);
  return {
    ...Object.fromEntries(passedOn.map((name) => [name, options[name]])),
    apiKey,
    projectName: given(options.projectName) ?? variable('BRAINTRUST_PROJECT_NAME') ?? 'Flue',
    projectId: given(options.projectId) ?? variable('BRAINTRUST_PROJECT_ID'),
    orgName: given(options.orgName) ?? variable('BRAINTRUST_ORG_NAME'),
    appUrl: given(options.appUrl) ?? variable('BRAINTRUST_APP_URL'),
  };
}

/**
 * Whether something is to be kept from leaving by rules that nobody applies here.
 * @param {InitLoggerOptions} options
 */
function isUnheeded({ redact, content }) {
  const kept = content ?? variable('FLUE_BRAINTRUST_CONTENT') ?? true;
  const keepsAll = kept === true || kept === 'true' || kept === '1';
  return redact != null || variable('FLUE_BRAINTRUST_REDACT') !== undefined || !keepsAll;
}

/** @param {string} name */
function variable(name) {
  return typeof process === 'undefined' ? undefined : given(process.env?.[name]);
}

/**
 * Blank counts as left out.
 * @param {unknown} value
 */
function given(value) {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
