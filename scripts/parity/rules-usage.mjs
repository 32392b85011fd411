/** Tokens and cost. */

const usageMetrics = new Set([
  'prompt_tokens',
  'completion_tokens',
  'tokens',
  'prompt_cached_tokens',
  'prompt_cache_creation_tokens',
  'estimated_cost',
]);

/** Sums of floating point numbers, made in another order. */
const equal = (a, b) => Math.abs(a - b) < 1e-9;

/** @param {object} usage as Flue has it */
function promptTokens({ input, cacheRead, cacheWrite }) {
  return input + cacheRead + cacheWrite;
}

/** @type {import('./rules.mjs').Rule[]} */
export const usageRules = [
  {
    id: 'prompt-tokens',
    sort: 'corrected',
    reason: 'cache reads and writes are prompt tokens',
    explains: ({ field, key, official, ours, spans }) => {
      if (field !== 'metrics' || key !== 'prompt_tokens' || official === undefined) return false;
      const { prompt_cached_tokens: read = 0, prompt_cache_creation_tokens: written = 0 } =
        spans.official.row.metrics;
      return ours === official + read + written;
    },
  },
  {
    id: 'summed-usage',
    sort: 'added',
    reason: 'prompts and compactions carry the usage of their turns',
    explains: ({ kind, field, key, official, ours }) =>
      (kind === 'operation' || kind === 'compaction') &&
      field === 'metrics' &&
      usageMetrics.has(key) &&
      official === undefined &&
      ours >= 0,
  },
  {
    id: 'usage-metadata',
    sort: 'form',
    reason: 'usage is in the metrics, where Braintrust sums it',
    explains: ({ kind, field, key, official, ours, spans }) => {
      if (field !== 'metadata' || key !== 'flue.usage' || ours !== undefined) return false;
      const { metrics } = spans.ours.row;
      const cost = metrics.estimated_cost ?? 0;
      // With the turns of a compaction that fails, which Flue leaves out.
      const isLarger =
        kind === 'operation' &&
        metrics.tokens > official.totalTokens &&
        metrics.prompt_tokens >= promptTokens(official) &&
        metrics.completion_tokens >= official.output &&
        cost > official.cost.total;
      const isSame =
        metrics.prompt_tokens === promptTokens(official) &&
        metrics.completion_tokens === official.output &&
        equal(cost, official.cost.total);
      return isSame || isLarger;
    },
  },
  {
    id: 'time-to-first-token',
    sort: 'added',
    reason: 'streamed turns say when their first token came',
    explains: ({ kind, field, key, official }) =>
      kind === 'turn' &&
      field === 'metrics' &&
      key === 'time_to_first_token' &&
      official === undefined,
  },
  {
    id: 'compaction-messages',
    sort: 'form',
    reason: 'the numbers of messages are in the output alone',
    explains: ({ kind, field, key, official, ours, spans }) =>
      kind === 'compaction' &&
      field === 'metrics' &&
      ours === undefined &&
      ((key === 'messages_before' && spans.ours.row.output?.messagesBefore === official) ||
        (key === 'messages_after' && spans.ours.row.output?.messagesAfter === official)),
  },
];
