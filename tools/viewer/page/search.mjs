import { useEffect } from 'preact/hooks';

import { useHighlight } from './highlight.mjs';
import { html } from './html.mjs';
import { Icon } from './icons.mjs';
import { parsePlace } from './place.mjs';

/**
 * A field to search with. It begins with what the address says, and marks what is found.
 *
 * @param {{ label: string, placeholder?: string, query: string, onQuery: (query: string) => void }} props
 */
export function Search({ label, placeholder = label, query, onQuery }) {
  useHighlight(query);
  useEffect(() => {
    const given = parsePlace(location.hash).params.get('q') ?? '';
    if (given !== '' && query === '') onQuery(given);
  }, []);
  return html`
    <label class="search">
      <${Icon} name="search" />
      <input
        type="search"
        placeholder=${placeholder}
        aria-label=${label}
        value=${query}
        onInput=${(/** @type {any} */ { target }) => onQuery(target.value)}
      />
    </label>
  `;
}
