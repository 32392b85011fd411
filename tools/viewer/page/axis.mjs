// The head of the waterfall's times: the axis, and the attempts above it.

import { useEffect, useRef, useState } from 'preact/hooks';

import { formatPause } from '../../support/attempt-story.js';
import { html } from './html.mjs';
import { moved, placeOf, ticksOf } from './timeline.mjs';

/** @typedef {import('./timeline.mjs').Timeline} Timeline */
/** @typedef {import('./timeline.mjs').Span} Part */

const TICK_WIDTH = 76;
/** A drag of fewer pixels is a click. */
const LEAST_DRAG = 6;
const WHEEL_STEP = 1.0015;

/**
 * The time axis. A drag over it zooms into a part, a turn of the wheel with Ctrl zooms, and sideways it moves.
 *
 * @param {object} props
 * @param {Timeline} props.timeline
 * @param {Part} props.zoom
 * @param {(zoom: Part) => void} props.onZoom
 * @param {(factor: number, around: number) => void} props.onZoomBy
 */
export function AxisHead({ timeline, zoom, onZoom, onZoomBy }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const width = useWidth(box);
  const [drag, setDrag] = useState(/** @type {{ from: number, to: number } | null} */ (null));
  /** @param {PointerEvent | WheelEvent} event where it is, 0 to 1 */
  const placeIn = (event) => {
    const { left, width } = /** @type {HTMLElement} */ (box.current).getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / Math.max(width, 1), 0), 1);
  };
  /** @param {PointerEvent} event */
  const onPointerDown = (event) => {
    if (event.button !== 0) return;
    box.current?.setPointerCapture(event.pointerId);
    const place = placeIn(event);
    setDrag({ from: place, to: place });
  };
  /** @param {PointerEvent} event */
  const onPointerMove = (event) => {
    if (drag !== null) setDrag({ ...drag, to: placeIn(event) });
  };
  const onPointerUp = () => {
    if (drag === null) return;
    setDrag(null);
    const [left, right] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    if ((right - left) * width < LEAST_DRAG) return;
    const shown = zoom.to - zoom.from;
    onZoom({ from: zoom.from + left * shown, to: zoom.from + right * shown });
  };
  useEffect(() => {
    // Added by hand: a listener that keeps the page from scrolling must not be passive.
    const element = /** @type {HTMLElement} */ (box.current);
    /** @param {WheelEvent} event */
    const onWheel = (event) => {
      const shown = zoom.to - zoom.from;
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (event.ctrlKey || event.metaKey) onZoomBy(WHEEL_STEP ** event.deltaY, placeIn(event));
      else if (sideways !== 0 && shown < 1) {
        const by = (sideways / Math.max(width, 1)) * shown;
        onZoom(moved({ from: zoom.from + by, to: zoom.to + by }));
      } else return;
      event.preventDefault();
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  });
  const ticks = ticksOf(timeline, zoom, Math.max(1, Math.floor(width / TICK_WIDTH)));
  return html`
    <div
      ref=${box}
      class="lane axis"
      title="Drag to zoom into a part"
      onPointerDown=${onPointerDown}
      onPointerMove=${onPointerMove}
      onPointerUp=${onPointerUp}
      onPointerCancel=${() => setDrag(null)}
      onDblClick=${() => onZoom({ from: 0, to: 1 })}
    >
      ${ticks.map(({ left, text }) => html`<span class="tick" key=${text} style=${{ left: `${left * 100}%` }}>${text}</span>`)}
      ${
        drag !== null &&
        html`<span
          class="selection"
          style=${{
            left: `${Math.min(drag.from, drag.to) * 100}%`,
            width: `${Math.abs(drag.to - drag.from) * 100}%`,
          }}
        />`
      }
    </div>
  `;
}

/**
 * The attempts of a trace, and the pauses between them. Nothing for a single one.
 *
 * @param {object} props
 * @param {Timeline} props.timeline
 * @param {Part} props.zoom
 * @param {import('../../support/attempts').Recovery | undefined} props.recovery
 */
export function Bands({ timeline, zoom, recovery }) {
  if (recovery === undefined || recovery.attempts.length < 2) return null;
  const { attempts, maxAttempts } = recovery;
  return html`
    <div class="span-row span-head bands">
      <span>Attempts</span><span class="tokens" /><span class="cost" /><span />
      <ol class="lane" aria-label="Attempts">
        ${attempts.map((attempt, i) => {
          const { number, start, end, state, where, pause } = attempt;
          if (start === null) return null;
          const of = i === attempts.length - 1 && maxAttempts !== null ? ` of ${maxAttempts}` : '';
          const place = where === null ? '' : ` in ${where}`;
          const text = `attempt ${number}${of}`;
          const words = `${text}: ${state}${place}`;
          return html`
            <li
              key=${number}
              class=${`band ${state}`}
              title=${words}
              style=${placeOf(timeline, zoom, start, end ?? timeline.end)}
            >
              <span class="band-text">${text}</span><span class="spoken">: ${state}${place}</span>
            </li>
            ${
              pause !== null &&
              end !== null &&
              html`<li
                key=${`after-${number}`}
                class="band pause"
                title=${`${formatPause(pause)} without an attempt`}
                style=${placeOf(timeline, zoom, end, end + pause)}
              >
                <span class="band-text">${formatPause(pause)}</span
                ><span class="spoken"> without an attempt</span>
              </li>`
            }
          `;
        })}
      </ol>
    </div>
  `;
}

/** How wide an element is, in pixels. @param {{ current: HTMLElement | null }} box */
function useWidth(box) {
  const [width, setWidth] = useState(400);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const sized = new ResizeObserver(() => setWidth(element.clientWidth));
    sized.observe(element);
    return () => sized.disconnect();
  }, []);
  return width;
}
