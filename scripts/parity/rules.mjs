/**
 * The differences that are intended. Each rule looks at what the spans contain, not only at where they
 * differ, so that it explains nothing that it was not made for. What no rule explains is a defect
 * until somebody decides otherwise.
 */
import { inputRules } from './rules-input.mjs';
import { metadataRules } from './rules-metadata.mjs';
import { outputRules } from './rules-output.mjs';
import { treeRules } from './rules-tree.mjs';
import { usageRules } from './rules-usage.mjs';

/**
 * @typedef {object} Rule
 * @property {string} id the anchor in docs/differences.md
 * @property {'corrected' | 'form' | 'added' | 'left out'} sort
 * @property {string} reason in one line
 * @property {(difference: import('./compare.mjs').Difference) => boolean} explains
 */

/** @type {Rule[]} */
export const rules = [...treeRules, ...usageRules, ...inputRules, ...outputRules, ...metadataRules];

/** @param {import('./compare.mjs').Difference} difference @returns {Rule | undefined} */
export function ruleOf(difference) {
  return rules.find((rule) => rule.explains(difference));
}
