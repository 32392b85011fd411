// Marks what was searched for in what the view shows, without a change of the document.

import { useEffect } from 'preact/hooks';

const NAME = 'found';
/** The most marks, and the most characters that are searched for them. */
const MAX_MARKS = 2_000;
const MAX_CHARACTERS = 1_000_000;

/**
 * Marks a text in the view, including what appears later. Browsers without highlights show no marks.
 *
 * @param {string} query nothing is marked for an empty one
 */
export function useHighlight(query) {
  useEffect(() => {
    const highlights = globalThis.CSS?.highlights;
    const needle = query.trim().toLowerCase();
    if (highlights === undefined || needle === '') return undefined;
    /** @type {number | undefined} */
    let frame;
    const mark = () => {
      frame = undefined;
      highlights.set(NAME, new Highlight(...rangesOf(needle)));
    };
    const drawn = new MutationObserver(() => (frame ??= requestAnimationFrame(mark)));
    drawn.observe(document.body, { childList: true, subtree: true, characterData: true });
    mark();
    return () => {
      drawn.disconnect();
      if (frame !== undefined) cancelAnimationFrame(frame);
      highlights.delete(NAME);
    };
  }, [query]);
}

/** @param {string} needle in lower case @returns {Range[]} where it occurs in the texts of the view */
function rangesOf(needle) {
  const main = document.querySelector('main');
  /** @type {Range[]} */
  const ranges = [];
  if (main === null) return ranges;
  const nodes = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  let left = MAX_CHARACTERS;
  for (let node = nodes.nextNode(); node !== null && left > 0; node = nodes.nextNode()) {
    const text = (node.nodeValue ?? '').toLowerCase();
    left -= text.length;
    // A few letters have another length in lower case: then places do not correspond.
    if (text.length !== node.nodeValue?.length) continue;
    for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + needle.length)) {
      if (ranges.length === MAX_MARKS) return ranges;
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + needle.length);
      ranges.push(range);
    }
  }
  return ranges;
}
