// The spans of a trace as a tree beside their times.

import { useMemo, useState } from 'preact/hooks';

import { counted, formatCount } from '../../support/format.js';
import { AxisHead, Bands } from './axis.mjs';
import { useNow } from './clock.mjs';
import { html } from './html.mjs';
import { Rows } from './rows.mjs';
import { SpanRow } from './span-row.mjs';
import { WHOLE, makeTimeline, zoomBy } from './timeline.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */
/** @typedef {import('../types').TraceSummary} TraceSummary */
/** @typedef {import('./trace.mjs').TraceFacts} TraceFacts */

const ZOOM_STEP = 0.5;
/**
 * A trace most likely runs no more if it has had no news for this long, and for this many times as long as it ran before.
 * The time since then is folded.
 */
const QUIET_SECONDS = 600;
const QUIET_FACTOR = 20;

/**
 * @param {object} props
 * @param {SpanSummary[]} props.spans
 * @param {TraceSummary} props.trace
 * @param {TraceFacts} props.facts
 * @param {string[] | null} props.matches what was searched for; null when nothing was
 * @param {boolean} props.isSearching whether `matches` are of an earlier text
 * @param {string[] | null} props.ancestors the spans above them; null when nothing was
 * @param {SpanSummary | undefined} props.chosen
 * @param {(span: SpanSummary) => void} props.choose
 * @param {(key: string) => boolean} props.onKey
 * @param {boolean} props.isFollowing
 * @param {(() => void) | undefined} props.onFollow undefined when nothing runs
 * @param {unknown} props.actions
 */
export function Waterfall(props) {
  const {
    spans,
    trace,
    facts,
    matches,
    isSearching,
    ancestors,
    chosen,
    choose,
    isFollowing,
    onFollow,
    actions,
  } = props;
  const [folded, setFolded] = useState(/** @type {ReadonlySet<string>} */ (new Set()));
  const [zoom, setZoom] = useState(WHOLE);
  const now = useNow(facts.running.length > 0);
  const found = useMemo(() => matches && new Set(matches), [matches]);
  const above = useMemo(() => new Set(ancestors), [ancestors]);
  const shown = useMemo(
    () => visibleSpans(spans, folded, found, above),
    [spans, folded, found, above],
  );
  const stories = useMemo(
    () => new Map(facts.recoveries.map((recovery) => [recovery.rowId, recovery])),
    [facts],
  );
  const last = facts.running.length > 0 ? now : 0;
  const timeline = useMemo(() => timelineOf(trace, facts, last), [trace, facts, last]);
  const active = chosen === undefined ? -1 : shown.indexOf(chosen);
  /** @param {SpanSummary} span @param {boolean} isFolded */
  const fold = ({ rowId }, isFolded) => {
    const next = new Set(folded);
    if (isFolded) next.add(rowId);
    else next.delete(rowId);
    setFolded(next);
  };
  /** @param {number} factor @param {number} [around] */
  const zoomTo = (factor, around = 0.5) => setZoom(zoomBy(timeline, zoom, factor, around));
  /** @param {string} key */
  const moveInTree = (key) => {
    if (chosen === undefined || found !== null) return false;
    const isFolded = folded.has(chosen.rowId);
    if (key === 'ArrowRight' && chosen.children > 0) {
      if (isFolded) fold(chosen, false);
      else choose(/** @type {SpanSummary} */ (shown[active + 1]));
    } else if (key === 'ArrowLeft' && chosen.children > 0 && !isFolded) fold(chosen, true);
    else if (key === 'ArrowLeft') {
      const parent = shown.slice(0, active).findLast(({ depth }) => depth < chosen.depth);
      if (parent !== undefined) choose(parent);
    } else return false;
    return true;
  };
  /** @param {string} key */
  const onKey = (key) => {
    const target = key === 'j' ? active + 1 : active - 1;
    if (key === '+' || key === '=') zoomTo(ZOOM_STEP);
    else if (key === '-') zoomTo(1 / ZOOM_STEP);
    else if (key === '0') setZoom(WHOLE);
    else if ((key === 'j' || key === 'k') && shown.length > 0) {
      choose(/** @type {SpanSummary} */ (shown[Math.min(Math.max(target, 0), shown.length - 1)]));
    } else return props.onKey(key) || moveInTree(key);
    return true;
  };
  const isZoomed = zoom.from > 0 || zoom.to < 1;
  return html`
    <section class="waterfall" aria-label="Waterfall">
      <div class="tools">
        <button
          class="button"
          aria-label="Zoom in"
          title="Zoom in (+)"
          onClick=${() => zoomTo(ZOOM_STEP)}
        >
          +
        </button>
        <button
          class="button"
          aria-label="Zoom out"
          title="Zoom out (-)"
          disabled=${!isZoomed}
          onClick=${() => zoomTo(1 / ZOOM_STEP)}
        >
          −
        </button>
        <button
          class="button"
          title="Show the whole time (0)"
          disabled=${!isZoomed}
          onClick=${() => setZoom(WHOLE)}
        >
          Whole time
        </button>
        ${
          onFollow !== undefined &&
          html`<button
            class="button"
            aria-pressed=${isFollowing}
            title="Keep the span that runs in sight (f)"
            onClick=${onFollow}
          >
            Follow
          </button>`
        }
        <span class="fill" />
        ${actions}
      </div>
      ${
        found !== null &&
        html`<p class="hint" role="status">
          ${
            isSearching
              ? 'Searching …'
              : `${counted(matches?.length ?? 0, 'span')} of ${formatCount(spans.length)} contain it`
          }
        </p>`
      }
      <div class="span-row span-head">
        <span>Name</span><span class="number tokens">Tokens</span>
        <span class="number cost">Cost</span><span class="number">Duration</span>
        <${AxisHead} timeline=${timeline} zoom=${zoom} onZoom=${setZoom} onZoomBy=${zoomTo} />
      </div>
      <${Bands} timeline=${timeline} zoom=${zoom} recovery=${facts.recoveries[0]} />
      <${Rows}
        label="Spans"
        role="treegrid"
        count=${shown.length}
        active=${active}
        onActive=${(/** @type {number} */ index) => choose(/** @type {SpanSummary} */ (shown[index]))}
        onKey=${onKey}
        draw=${(/** @type {number} */ index, /** @type {string} */ id) => {
          const span = /** @type {SpanSummary} */ (shown[index]);
          return html`<${SpanRow}
            key=${span.rowId}
            id=${id}
            index=${index}
            span=${span}
            timeline=${timeline}
            zoom=${zoom}
            now=${now}
            recovery=${stories.get(span.rowId)}
            isLost=${facts.lost.has(span.rowId)}
            isFolded=${folded.has(span.rowId)}
            isAside=${found !== null && !found.has(span.rowId)}
            isActive=${index === active}
            choose=${choose}
            fold=${fold}
          />`;
        }}
      />
    </section>
  `;
}

/**
 * The time of a trace: the pauses between attempts are folded, and so is the time since the last news of a trace that
 * does not end.
 *
 * @param {TraceSummary} trace
 * @param {TraceFacts} facts
 * @param {number} now 0 when nothing runs
 */
function timelineOf({ start, end }, { recoveries, running }, now) {
  const begin = start ?? 0;
  const known = Math.max(
    end ?? begin,
    ...running.slice(-1).map((span) => span.start ?? begin),
    begin,
  );
  const pauses = (recoveries[0]?.attempts ?? []).flatMap(({ end, pause }) =>
    end === null || pause === null || pause === 0 ? [] : { from: end, to: end + pause },
  );
  // The clock of the application may be ahead.
  const isOn = running.length > 0 && now > known && start !== null;
  const isQuiet = now - known > Math.max(QUIET_SECONDS, QUIET_FACTOR * (known - begin));
  if (isOn && isQuiet && known > begin) {
    pauses.push({ from: known, to: now });
  }
  return makeTimeline(begin, isOn ? now : known, pauses);
}

/**
 * @param {SpanSummary[]} spans
 * @param {ReadonlySet<string>} folded rows whose descendants are hidden
 * @param {ReadonlySet<string> | null} found rows to show, whatever is folded; null for all
 * @param {ReadonlySet<string>} above rows to show with them
 */
function visibleSpans(spans, folded, found, above) {
  if (found !== null) {
    return spans.filter(({ rowId }) => found.has(rowId) || above.has(rowId));
  }
  let hiddenBelow = Infinity;
  return spans.filter(({ rowId, depth }) => {
    if (depth > hiddenBelow) return false;
    hiddenBelow = folded.has(rowId) ? depth : Infinity;
    return true;
  });
}
