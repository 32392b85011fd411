// One span in the waterfall.

import { counted, formatCost, formatCount } from '../../support/format.js';
import { tookOf } from './clock.mjs';
import { html } from './html.mjs';
import { Glyph, Icon } from './icons.mjs';
import { NumberCell } from './rows.mjs';
import { placeOf } from './timeline.mjs';
import { typeClass } from './type-class.mjs';

/** @typedef {import('../types').SpanSummary} SpanSummary */

const INDENT = 14;
/** Deeper spans are indented no further: their names must stay in sight. */
const MAX_INDENTS = 24;

/**
 * @param {object} props
 * @param {string} props.id
 * @param {number} props.index
 * @param {SpanSummary} props.span
 * @param {import('./timeline.mjs').Timeline} props.timeline
 * @param {import('./timeline.mjs').Span} props.zoom
 * @param {number} props.now seconds since the epoch
 * @param {import('../../support/attempts').Recovery | undefined} props.recovery
 * @param {boolean} props.isLost open, but nothing will end it
 * @param {boolean} props.isFolded
 * @param {boolean} props.isAside shown only for what is below it
 * @param {boolean} props.isActive
 * @param {(span: SpanSummary) => void} props.choose
 * @param {(span: SpanSummary, isFolded: boolean) => void} props.fold
 */
export function SpanRow(props) {
  const { id, index, span, timeline, zoom, now, isLost, isFolded, isActive, choose, fold } = props;
  const { name, type, depth, children, error, start, end } = span;
  const hasChildren = children > 0;
  const isCut = isLost || span.interrupted;
  /** @param {Event} event */
  const onFold = (event) => {
    event.stopPropagation();
    fold(span, !isFolded);
  };
  return html`
    <div
      id=${id}
      class=${`span-row ${isActive ? 'active' : ''} ${props.isAside ? 'aside' : ''} ${error === null ? '' : 'failed'}`}
      role="row"
      aria-rowindex=${index + 1}
      aria-level=${depth + 1}
      aria-expanded=${hasChildren ? !isFolded : undefined}
      aria-selected=${isActive}
      data-span=${span.spanId}
      onClick=${() => choose(span)}
    >
      <span
        role="gridcell"
        class="span-name"
        style=${{ paddingLeft: `${Math.min(depth, MAX_INDENTS) * INDENT}px` }}
      >
        <span
          class=${`fold ${hasChildren ? (isFolded ? 'closed' : 'open') : ''}`}
          aria-hidden="true"
          onClick=${hasChildren ? onFold : undefined}
        />
        <${Glyph} type=${type} />
        <span class="text" dir="auto">${name}</span>
        <${Marks} span=${span} isCut=${isCut} recovery=${props.recovery} />
      </span>
      <${NumberCell}
        kind="tokens"
        meaning="tokens"
        text=${span.tokens > 0 ? formatCount(span.tokens) : ''}
      />
      <${NumberCell}
        kind="cost"
        meaning="cost"
        text=${span.cost === null ? '' : formatCost(span.cost)}
      />
      <${NumberCell} meaning="took" text=${tookOf(span, isLost, now)} />
      <span class="lane" role="presentation">
        ${timeline.segments.map(
          ({ from, to, isFolded }) =>
            isFolded &&
            html`<span key=${from} class="pause" style=${placeOf(timeline, zoom, from, to)} />`,
        )}
        ${
          start !== null &&
          html`<span
            class=${`bar-of ${typeClass(type)} ${isCut ? 'cut' : end === null ? 'running' : ''}`}
            style=${placeOf(timeline, zoom, start, endOf(span, isLost, timeline))}
          />`
        }
      </span>
    </div>
  `;
}

/**
 * What became of a span, in words or by a sign.
 *
 * @param {object} props
 * @param {SpanSummary} props.span
 * @param {boolean} props.isCut
 * @param {import('../../support/attempts').Recovery | undefined} props.recovery
 */
function Marks({ span: { error, cancelled, problems }, isCut, recovery }) {
  return html`
    ${
      error !== null &&
      html`<span class="mark failed" title=${error}
        ><${Icon} name="error" /><span class="spoken">failed</span></span
      >`
    }
    ${
      recovery !== undefined
        ? html`<span class="mark warned words" title=${recovery.story}>${recovery.story}</span>`
        : isCut &&
          html`<span class="mark warned words" title="Its own end never came">interrupted</span>`
    }
    ${cancelled && recovery === undefined && html`<span class="mark warned words" title="Aborted, which is not a failure">cancelled</span>`}
    ${
      problems > 0 &&
      html`<span class="mark warned" title=${counted(problems, 'problem')}
        ><span aria-hidden="true">⚠</span
        ><span class="spoken">${counted(problems, 'problem')}</span></span
      >`
    }
  `;
}

/** @param {SpanSummary} span @param {boolean} isLost @param {import('./timeline.mjs').Timeline} timeline */
function endOf({ start, end }, isLost, timeline) {
  if (end !== null) return end;
  return isLost ? (start ?? timeline.start) : timeline.end;
}
