// What is new in a model turn.

import { formatPause } from '../../support/attempt-story.js';
import { counted } from '../../support/format.js';
import { isObject } from '../../support/json.js';
import { Clamped } from './clamped.mjs';
import { Conversation, EarlierMessages } from './conversation.mjs';
import { CopyButton } from './copy.mjs';
import { html } from './html.mjs';
import { Value } from './json.mjs';
import { readMessages } from './messages.mjs';
import { traceLink } from './place.mjs';

/** @typedef {import('../types').TurnView} TurnView */
/** @typedef {import('../types').TurnChange} TurnChange */

/**
 * The input of a model turn: what the turn before it had already is folded.
 *
 * @param {object} props
 * @param {unknown} props.input
 * @param {TurnView} props.turn
 * @param {{ [field: string]: unknown }} props.row
 * @param {string} props.traceId
 */
export function NewInTurn({ input, turn, row, traceId }) {
  if (input === undefined || input === null) return null;
  const messages = readMessages(input);
  const { previous, unchanged, changes } = turn;
  const title = previous === null ? 'Input' : 'New in this turn';
  const lost = cacheLoss(turn, row, traceId);
  return html`
    <section aria-label=${title}>
      <div class="title">
        <h3>${title}</h3>
        <${CopyButton} label="Copy: input" text=${() => JSON.stringify(input, null, 2)} />
      </div>
      ${
        previous !== null &&
        changes.length > 0 &&
        html`<p class="notice warned" role="note">
          The cache of <${TurnLink} previous=${previous} traceId=${traceId} /> ends here:
          ${' '}<bdi>${changes.map(wordsOf).join('; ')}</bdi>.
        </p>`
      }
      ${lost !== null && html`<p class="notice warned" role="note">${lost}</p>`}
      ${
        messages === null
          ? html`<${Clamped} label=${title}><${Value} value=${input} /><//>`
          : html`
              ${
                previous !== null &&
                unchanged > 0 &&
                html`<${EarlierMessages}
                  messages=${messages.slice(0, unchanged)}
                  count=${unchanged + turn.leftOut}
                  since=${`, unchanged since ${nameOf(previous, traceId)}`}
                  leftOut=${turn.leftOut}
                />`
              }
              <${Clamped} label=${title}>
                <${Conversation} messages=${messages.slice(unchanged)} from=${unchanged} />
              <//>
            `
      }
      ${
        previous !== null &&
        html`<p class="hint">
          ${counted((messages?.length ?? unchanged) - unchanged, 'new message')} since${' '}
          <${TurnLink} previous=${previous} traceId=${traceId} />
        </p>`
      }
    </section>
  `;
}

/** @typedef {NonNullable<TurnView['previous']>} Previous */

/** @param {{ previous: Previous, traceId: string }} props */
function TurnLink({ previous, traceId }) {
  return html`<a href=${traceLink(previous)}>${nameOf(previous, traceId)}</a>`;
}

/** @param {Previous} previous @param {string} traceId */
function nameOf({ traceId: trace, number }, traceId) {
  return trace === traceId ? `turn ${number}` : `turn ${number} of an earlier trace`;
}

/** @param {TurnChange} change */
function wordsOf(change) {
  switch (change.what) {
    case 'model':
      return `the model changed from ${change.from} to ${change.to}`;
    case 'tools': {
      const kinds = { added: change.added, removed: change.removed, changed: change.altered };
      const words = Object.entries(kinds).flatMap(([kind, names]) =>
        names.length === 0 ? [] : `${kind}: ${names.join(', ')}`,
      );
      return `the tools changed (${words.length === 0 ? 'their order' : words.join('; ')})`;
    }
    case 'system':
      return 'the system prompt changed';
    case 'compaction':
      return 'the history was compacted';
    case 'message':
      return `message ${change.number}${change.role === '' ? '' : ` (${change.role})`} changed`;
    default:
      return `message ${change.number} and all after it were removed`;
  }
}

/**
 * What to say when nothing was read from a cache that should serve the input.
 *
 * @param {TurnView} turn
 * @param {{ [field: string]: unknown }} row
 * @param {string} traceId
 */
function cacheLoss({ previous, changes }, { metrics }, traceId) {
  if (previous === null || changes.length > 0 || !previous.cachedTokens) return null;
  if (!isObject(metrics) || metrics.prompt_cached_tokens !== 0) return null;
  const { start } = metrics;
  const passed = typeof start === 'number' && previous.end !== null ? start - previous.end : null;
  const when =
    passed === null || passed < 0
      ? ''
      : ` ${formatPause(passed)} after ${nameOf(previous, traceId)}`;
  return `Nothing was read from the cache${when}, though the earlier input is unchanged.`;
}
