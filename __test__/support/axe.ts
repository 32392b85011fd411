import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What axe-core finds wrong with what a page shows: the rule and the elements. Add each view of the viewer to the test
 * that calls it.
 */
export async function barriersOf(page: Page): Promise<string[]> {
  // Runs in the page's own world, past its policy.
  await page.evaluate(SOURCE);
  const violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] =
    await page.evaluate('axe.run(document).then(({ violations }) => violations)');
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
  );
}
