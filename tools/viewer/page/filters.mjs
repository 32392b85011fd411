// Which traces the list has.

import { useState } from 'preact/hooks';

import { html } from './html.mjs';

const STATUSES = [
  ['', 'All'],
  ['running', 'Running'],
  ['failed', 'With errors'],
  ['succeeded', 'Succeeded'],
  ['interrupted', 'Interrupted'],
  ['retried', 'Retried'],
  ['cancelled', 'Cancelled'],
];

/** Seconds until now. */
const TIMES = [
  ['', 'Any time'],
  ['300', 'Last 5 minutes'],
  ['3600', 'Last hour'],
  ['86400', 'Last day'],
  ['604800', 'Last week'],
];

/** Filters with a field of their own behind "More". */
const FIELDS = [
  ['from', 'Began after', 'datetime-local'],
  ['to', 'Began before', 'datetime-local'],
  ['minDuration', 'Took at least (s)', 'number'],
  ['maxDuration', 'Took at most (s)', 'number'],
  ['minCost', 'Costs at least ($)', 'number'],
  ['maxCost', 'Costs at most ($)', 'number'],
];

const FILTERS = [
  'status',
  'agent',
  'model',
  'type',
  'within',
  'conversation',
  'group',
  ...FIELDS.map(([name = '']) => name),
];
/** What the server takes as it is in the address. */
const SENT = FILTERS.filter((name) => !['within', 'from', 'to'].includes(name));

/**
 * What the server is asked for.
 *
 * @param {URLSearchParams} params of the address
 * @param {string} query
 * @param {number} now seconds since the epoch
 */
export function requestParams(params, query, now) {
  const request = new URLSearchParams({ q: query });
  for (const name of [...SENT, 'sort', 'dir']) {
    const value = params.get(name);
    if (value) request.set(name, value);
  }
  const [from, to] = ['from', 'to'].map((name) => Date.parse(params.get(name) ?? '') / 1000);
  const within = Number(params.get('within')) || NaN;
  // To the minute, so that the list is not another one with each second.
  const since = Math.max(from || -Infinity, Math.floor((now - within) / 60) * 60 || -Infinity);
  if (Number.isFinite(since)) request.set('from', `${since}`);
  if (to) request.set('to', `${to}`);
  return request;
}

/**
 * @param {object} props
 * @param {URLSearchParams} props.params
 * @param {import('../types').Choices} props.choices
 * @param {(changes: { [name: string]: string | null }) => void} props.onChange
 */
export function Filters({ params, choices, onChange }) {
  const active = FILTERS.filter((name) => name !== 'group' && params.get(name));
  const hasFields = FIELDS.some(([name = '']) => params.get(name));
  const [isOpen, setOpen] = useState(hasFields);
  const conversation = params.get('conversation');
  const isGrouped = params.get('group') === 'conversation';
  const select = { params, onChange };
  return html`
    <section class="bar filters" aria-label="Filters">
      <${Choice} name="status" label="Which traces" options=${STATUSES} ...${select} />
      <${Choice}
        name="agent"
        label="Agent"
        options=${optionsOf('Any agent', choices.agents)}
        ...${select}
      />
      <${Choice}
        name="model"
        label="Model"
        options=${optionsOf('Any model', choices.models)}
        ...${select}
      />
      <${Choice}
        name="type"
        label="Type"
        options=${optionsOf('Any type', choices.types)}
        ...${select}
      />
      <${Choice} name="within" label="When" options=${TIMES} ...${select} />
      <button class="button" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>More</button>
      ${
        isOpen &&
        FIELDS.map(
          ([name = '', label = '', type = '']) => html`
            <label class="field" key=${name}>
              ${label}
              <input
                type=${type}
                min=${type === 'number' ? 0 : undefined}
                step=${type === 'number' ? 'any' : undefined}
                value=${params.get(name) ?? ''}
                onChange=${(/** @type {any} */ { target }) => onChange({ [name]: target.value })}
              />
            </label>
          `,
        )
      }
      ${
        conversation &&
        html`<button class="button" onClick=${() => onChange({ conversation: null })}>
          One conversation ✕
        </button>`
      }
      ${
        active.length > 0 &&
        html`<button
          class="link"
          onClick=${() => onChange(Object.fromEntries(active.map((name) => [name, null])))}
        >
          Reset filters
        </button>`
      }
      <span class="fill" />
      <button
        class="button toggle"
        aria-pressed=${isGrouped}
        onClick=${() => onChange({ group: isGrouped ? null : 'conversation' })}
      >
        Group by conversation
      </button>
    </section>
  `;
}

/**
 * @param {object} props
 * @param {string} props.name of the parameter
 * @param {string} props.label
 * @param {string[][]} props.options value and text
 * @param {URLSearchParams} props.params
 * @param {(changes: { [name: string]: string }) => void} props.onChange
 */
function Choice({ name, label, options, params, onChange }) {
  const value = params.get(name) ?? '';
  const isOffered = options.some(([offered]) => offered === value);
  const shown = isOffered ? options : [...options, [value, value]];
  return html`
    <select
      aria-label=${label}
      class=${value === '' ? '' : 'chosen'}
      value=${value}
      onChange=${(/** @type {any} */ { target }) => onChange({ [name]: target.value })}
    >
      ${shown.map(([one = '', text]) => html`<option key=${one} value=${one}>${text}</option>`)}
    </select>
  `;
}

/** @param {string} any @param {[string, number][]} choices @returns {string[][]} */
function optionsOf(any, choices) {
  return [['', any], ...choices.map(([value, count]) => [value, `${value} (${count})`])];
}
