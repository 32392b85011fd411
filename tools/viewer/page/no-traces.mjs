// What the list shows without traces.

import { isLoopback } from '../../support/loopback.js';
import { LOCAL_KEY } from '../../support/local-key.js';
import { html } from './html.mjs';

/** What to set so that traces appear. */
export function NoTraces() {
  const token = new URLSearchParams(location.search).get('token');
  const key =
    token ?? (isLoopback(location.hostname) ? LOCAL_KEY : '<the token that dev has printed>');
  // As one text: a template takes the ends of its lines for mere layout.
  const lines = [
    `export BRAINTRUST_API_KEY=${key}`,
    `export BRAINTRUST_APP_URL=${location.origin}`,
    `export BRAINTRUST_API_URL=${location.origin}`,
    'export BRAINTRUST_ORG_NAME=local',
  ].join('\n');
  return html`
    <section class="state">
      <h2>No traces yet</h2>
      <p>In the shell of your application, set these and run it; its traces appear here at once.</p>
      <pre class="code">${lines}</pre>
    </section>
  `;
}
