'use strict';

/**
 * How many tokens a model turn wrote to the provider's cache: as its metrics state, else the sum of those that state it
 * by how long they stay there.
 *
 * @param {{ [name: string]: number }} metrics
 * @returns {number | undefined} undefined when unknown
 */
function writtenTokens(metrics) {
  const { prompt_cache_creation_5m_tokens: minutes, prompt_cache_creation_1h_tokens: hour } =
    metrics;
  const split = minutes === undefined ? hour : minutes + (hour ?? 0);
  return metrics.prompt_cache_creation_tokens ?? split;
}

module.exports = { writtenTokens };
