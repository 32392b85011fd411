import { useHighlight } from './highlight.mjs';
import { html } from './html.mjs';
import { Icon } from './icons.mjs';

/**
 * A field to search with. It marks what is found.
 *
 * @param {{ label: string, placeholder?: string, query: string, onQuery: (query: string) => void }} props
 */
export function Search({ label, placeholder = label, query, onQuery }) {
  useHighlight(query);
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
