// The most important facts of a span, in one strip.

import { formatPause } from '../../support/attempt-story.js';
import { formatCost, formatCount, formatDuration, formatTime } from '../../support/format.js';
import { isObject } from '../../support/json.js';
import { tookOf, useNow } from './clock.mjs';
import { html } from './html.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */
/** @typedef {import('../types').TurnView} TurnView */

/** Kinds of tokens within the input and the output. */
const KINDS = {
  prompt_cached_tokens: 'From the cache',
  prompt_cache_creation_tokens: 'Into the cache',
  prompt_cache_creation_5m_tokens: 'Into the cache, 5 min',
  prompt_cache_creation_1h_tokens: 'Into the cache, 1 h',
  prompt_audio_tokens: 'Audio in',
  completion_reasoning_tokens: 'Reasoning',
  completion_audio_tokens: 'Audio out',
  completion_image_tokens: 'Images out',
};

/**
 * @param {object} props
 * @param {{ [field: string]: unknown }} props.row
 * @param {SpanSummary} props.span
 * @param {boolean} props.isLost
 * @param {TurnView | null} props.turn
 */
export function Facts({ row, span, isLost, turn }) {
  const now = useNow(span.end === null && !isLost);
  const facts = [
    ...(turn === null ? [{ name: 'Type', text: span.type }] : modelFacts(row, turn)),
    { name: 'Began', text: span.start === null ? '' : formatTime(span.start) },
    { name: 'Duration', text: tookOf(span, isLost, now) },
    ...tokenFacts(row),
    ...costFacts(row, span, turn),
    ...resultFacts(row),
  ];
  return html`
    <dl class="strip">
      ${facts.map(
        ({ name, text, about }) =>
          text !== '' &&
          html`<div key=${name} title=${about}>
            <dt>${name}</dt>
            <dd dir="auto">${text}</dd>
          </div>`,
      )}
    </dl>
  `;
}

/** @typedef {{ name: string, text: string, about?: string }} Fact `about`: how it is known */

/** @param {{ [field: string]: unknown }} row @param {TurnView} turn @returns {Fact[]} */
function modelFacts(row, { number, of }) {
  const { model, provider, reasoning_effort: effort } = membersOf(row.metadata);
  const first = numbersOf(row.metrics).time_to_first_token;
  return [
    { name: 'Model', text: wordOf(model) },
    { name: 'Provider', text: wordOf(provider) },
    { name: 'Turn', text: of > 1 ? `${number} of ${of}` : '' },
    { name: 'Effort', text: wordOf(effort) },
    { name: 'First token after', text: first === undefined ? '' : formatPause(first) },
  ];
}

/** @param {{ [field: string]: unknown }} row @returns {Fact[]} */
function tokenFacts(row) {
  const metrics = numbersOf(row.metrics);
  const { prompt_tokens: prompt, completion_tokens: completion, tokens } = metrics;
  const cached = metrics.prompt_cached_tokens;
  const share = prompt && cached !== undefined ? `${formatShare(cached / prompt)} cached` : '';
  const kinds = Object.entries(KINDS).flatMap(([metric, name]) => {
    const count = metrics[metric];
    return count === undefined ? [] : { name, text: formatCount(count) };
  });
  const isSplit = prompt !== undefined || completion !== undefined;
  return [
    { name: 'Tokens in', text: countText(prompt, share) },
    ...kinds,
    { name: 'Tokens out', text: countText(completion, '') },
    { name: 'All tokens', text: isSplit ? '' : countText(tokens, '') },
  ];
}

/** Kinds of costs, as they are shown. */
const COSTS = /** @type {const} */ ({
  input: 'Cost: input',
  cached: 'Cost: from the cache',
  written: 'Cost: into the cache',
  output: 'Cost: output',
});

/**
 * The cost, and its parts: as the row states them, else as they follow from the turns of the model.
 *
 * @param {{ [field: string]: unknown }} row
 * @param {SpanSummary} span
 * @param {TurnView | null} turn
 * @returns {Fact[]}
 */
function costFacts(row, { cost }, turn) {
  const stated = Object.entries(numbersOf(row.metrics)).filter(
    ([name]) => name.endsWith('_cost') && name !== 'estimated_cost',
  );
  const costs = turn?.costs ?? null;
  const computed =
    costs === null
      ? []
      : Object.entries(COSTS).map(([kind, name]) => {
          const dollars = costs[/** @type {keyof typeof COSTS} */ (kind)];
          return {
            name,
            text: dollars === 0 ? '' : formatCost(dollars),
            about: `By the prices that ${costs.turns} turns of the model have in common`,
          };
        });
  const parts = stated.map(([name, dollars]) => ({
    name: nameOfCost(name),
    text: formatCost(dollars),
  }));
  return [
    { name: 'Cost', text: cost === null ? '' : formatCost(cost) },
    ...(parts.length > 0 ? parts : computed),
  ];
}

/** @param {string} name such as `prompt_cached_cost` */
function nameOfCost(name) {
  return `Cost: ${name.replace(/_cost$/, '').replaceAll('_', ' ')}`;
}

/** @param {{ [field: string]: unknown }} row @returns {Fact[]} */
function resultFacts({ metadata }) {
  const members = membersOf(metadata);
  return [
    {
      name: 'Stop reason',
      text: wordOf(members['flue.stop_reason'] ?? members.stop_reason ?? members.finish_reason),
    },
    { name: 'Outcome', text: wordOf(members['flue.submission_outcome']) },
    { name: 'Exit code', text: wordOf(members['flue.exit_code']) },
    { name: 'Waited', text: durationOf(members['flue.queue_ms']) },
  ];
}

/** @param {number | undefined} count @param {string} more */
function countText(count, more) {
  if (count === undefined) return '';
  return more === '' ? formatCount(count) : `${formatCount(count)}, ${more}`;
}

/** @param {number} share 0 to 1 @returns {string} such as `93 %`; never 0 or 100 for what is neither */
function formatShare(share) {
  const percent = share * 100;
  if (percent > 0 && percent < 1) return '<1 %';
  if (percent < 100 && percent > 99) return '>99 %';
  return `${Math.round(percent)} %`;
}

/** @param {unknown} ms */
function durationOf(ms) {
  return typeof ms === 'number' && Number.isFinite(ms)
    ? formatDuration(Math.max(ms, 0) / 1000)
    : '';
}

/** @param {unknown} value */
function wordOf(value) {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** @param {unknown} value @returns {{ [name: string]: unknown }} */
function membersOf(value) {
  return isObject(value) ? value : {};
}

/** @param {unknown} value @returns {{ [name: string]: number }} its members that are finite numbers */
function numbersOf(value) {
  const numbers = Object.entries(membersOf(value)).filter(([, n]) => Number.isFinite(n));
  return /** @type {{ [name: string]: number }} */ (Object.fromEntries(numbers));
}
