import { useEffect, useState } from 'preact/hooks';

/** The number of rows that are drawn past each edge, so that scrolling shows no gap. */
const SPARE = 12;

/**
 * Which rows of a long list are drawn. All rows have the same height.
 *
 * @param {{ current: HTMLElement | null }} box the element that scrolls
 * @param {number} count
 * @param {number} rowHeight in pixels
 * @returns {{ first: number, end: number, top: number }} `end` is the first that is not drawn; `top` the topmost in sight
 */
export function useVisible(box, count, rowHeight) {
  const [view, setView] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const look = () => {
      // In whole rows, so that a scroll of a few pixels draws nothing anew.
      const top = Math.floor(element.scrollTop / rowHeight) * rowHeight;
      const height = element.clientHeight;
      setView((old) => (old.top === top && old.height === height ? old : { top, height }));
    };
    const sized = new ResizeObserver(look);
    sized.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    look();
    return () => {
      sized.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [rowHeight]);
  return {
    top: Math.floor(view.top / rowHeight),
    first: Math.max(0, Math.floor(view.top / rowHeight) - SPARE),
    end: Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + SPARE),
  };
}
