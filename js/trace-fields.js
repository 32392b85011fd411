'use strict';

// The tags and the metadata of every trace, from the options and the variables.

const { InvalidOption, readOption } = require('./invalid-option.js');
const { JSON } = require('./json/own-json.js');
const { toJsonSafe } = require('./json/stringify.js');
const { variables } = require('./variables.js');

/** The variables by which CI and hosting services state the commit, or what they deploy; the first one counts. */
const COMMITS = [
  'GITHUB_SHA',
  'CI_COMMIT_SHA',
  'CIRCLE_SHA1',
  'BUILDKITE_COMMIT',
  'BITBUCKET_COMMIT',
  'BUILD_SOURCEVERSION',
  'TRAVIS_COMMIT',
  'VERCEL_GIT_COMMIT_SHA',
  'CF_PAGES_COMMIT_SHA',
  'WORKERS_CI_COMMIT_SHA',
  'RENDER_GIT_COMMIT',
  'RAILWAY_GIT_COMMIT_SHA',
  'HEROKU_SLUG_COMMIT',
  'SOURCE_VERSION',
  'COMMIT_REF',
  'GIT_COMMIT',
  'K_REVISION',
];

/**
 * The tags and the metadata of every trace; undefined if there are none. Throws on values that are not usable.
 * @param {import('../index.d.ts').InitLoggerOptions} options
 * @param {Record<string, string>} env
 * @returns {{ tags?: string[], metadata: Record<string, unknown> } | undefined}
 */
function traceFieldsOf(options, env) {
  const tags = readOption('tags', () => tagsOf(options.tags, env.FLUE_BRAINTRUST_TAGS));
  const environment =
    readOption('environment', () => environmentOf(options.environment)) ??
    filled(env.FLUE_BRAINTRUST_ENVIRONMENT) ??
    filled(env.BRAINTRUST_ENVIRONMENT_NAME) ??
    filled(env.BRAINTRUST_ENVIRONMENT_TYPE);
  const release =
    readOption('release', () => releaseOf(options.release)) ??
    releaseOf(env.FLUE_BRAINTRUST_RELEASE);
  const metadata = {
    ...(environment !== undefined && { environment }),
    ...(release !== undefined && { release }),
    ...readOption('metadata', () => metadataOf(options.metadata, env.FLUE_BRAINTRUST_METADATA)),
  };
  if (tags.length === 0 && Object.keys(metadata).length === 0) return undefined;
  return { ...(tags.length > 0 && { tags }), metadata };
}

/**
 * @param {unknown} option
 * @param {string | undefined} variable
 */
function tagsOf(option, variable) {
  const tags = option ?? variable?.split(',');
  if (tags === undefined) return [];
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) {
    throw new InvalidOption('tags is not a list of strings');
  }
  return [...new Set(tags.flatMap((tag) => filled(tag) ?? []))];
}

/**
 * @param {unknown} option
 * @param {string | undefined} variable JSON, or pairs such as `team=a,tier=b`
 * @returns {Record<string, unknown> | undefined}
 */
function metadataOf(option, variable) {
  const text = filled(variable);
  const given = option ?? (text?.startsWith('{') ? parsed(text) : text && pairsOf(text));
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOption(
      'metadata (FLUE_BRAINTRUST_METADATA) is neither an object nor a list such as team=a,tier=b',
    );
  }
  return toJsonSafe(/** @type {Record<string, unknown>} */ (given));
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The pairs of a list; null if an item is none. @param {string} text */
function pairsOf(text) {
  const pairs = text.split(',').flatMap((item) => filled(item) ?? []);
  const split = pairs.map((pair) => /^\s*([^=\s][^=]*?)\s*=\s*(.*)$/.exec(pair));
  if (split.includes(null)) return null;
  return Object.fromEntries(split.map((pair) => [pair?.[1], pair?.[2]]));
}

/** A name, or an object as in the `braintrust` package. @param {any} option */
function environmentOf(option) {
  if (option === undefined || option === null) return undefined;
  return filled(typeof option === 'object' ? (option.name ?? option.type) : option);
}

/** @param {unknown} given `true` asks for what the service states */
function releaseOf(given) {
  if (given === false) return undefined;
  const release = filled(given === true ? 'true' : given);
  if (release !== 'true' && release !== '1') return release;
  const all = variables();
  return COMMITS.map((name) => filled(all[name])).find((value) => value !== undefined);
}

/** The text without white space around it; undefined if nothing is left. @param {unknown} text */
function filled(text) {
  if (text === undefined || text === null) return undefined;
  return String(text).trim() || undefined;
}

module.exports = { traceFieldsOf };
