// The time of a trace as a horizontal axis. Long pauses are folded: they take little room, whatever their length.

/**
 * @typedef {object} Segment
 * @property {number} from seconds since the epoch
 * @property {number} to
 * @property {number} left where it begins on the axis, 0 to 1
 * @property {number} right
 * @property {boolean} isFolded
 */

/** @typedef {{ start: number, end: number, segments: Segment[] }} Timeline */
/** @typedef {{ from: number, to: number }} Span a part of the time, or of the axis */

/** The share of the axis that a folded pause takes, and the least that is left for what is between two of them. */
const FOLDED_SHARE = 0.12;
const LEAST_SHARE = 0.12;
/** The axis shows at least so much time, and zooms into no less. */
const MIN_SECONDS = 0.001;
/** A tick lies on a multiple of one of these numbers of seconds. */
const STEPS = [
  ...[-4, -3, -2, -1, 0].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power)),
  10,
  15,
  30,
  60,
  120,
  300,
  600,
  900,
  1800,
  3600,
  7200,
  14_400,
  43_200,
  86_400,
];

/** The axis with nothing zoomed. */
export const WHOLE = { from: 0, to: 1 };

/**
 * @param {number} start seconds since the epoch
 * @param {number} end
 * @param {Span[]} pauses in which nothing happened, in order
 * @returns {Timeline}
 */
export function makeTimeline(start, end, pauses) {
  const last = Math.max(end, start + MIN_SECONDS);
  /** @type {{ from: number, to: number, isFolded: boolean }[]} */
  const parts = [];
  let at = start;
  const room =
    FOLDED_SHARE * (last - start - pauses.reduce((sum, { from, to }) => sum + to - from, 0));
  for (const { from, to } of pauses) {
    if (from < at || to > last || to - from <= room) continue;
    if (from > at) parts.push({ from: at, to: from, isFolded: false });
    parts.push({ from, to, isFolded: true });
    at = to;
  }
  if (at < last) parts.push({ from: at, to: last, isFolded: false });
  const open = parts.filter(({ isFolded }) => !isFolded);
  const seconds = open.reduce((sum, { from, to }) => sum + to - from, 0);
  const widths = parts.map(({ from, to, isFolded }) =>
    isFolded ? FOLDED_SHARE : Math.max((to - from) / seconds, parts.length > 1 ? LEAST_SHARE : 0),
  );
  const whole = widths.reduce((sum, width) => sum + width, 0);
  /** @type {Segment[]} */
  const segments = [];
  for (const [i, { from, to, isFolded }] of parts.entries()) {
    const left = segments.at(-1)?.right ?? 0;
    segments.push({ from, to, isFolded, left, right: left + (widths[i] ?? 0) / whole });
  }
  return { start, end: last, segments };
}

/** Where a time lies on the axis, 0 to 1. @param {Timeline} timeline @param {number} time @returns {number} */
function positionOf({ segments }, time) {
  const segment = segments.find(({ to }) => time <= to) ?? segments.at(-1);
  if (segment === undefined) return 0;
  const { from, to, left, right } = segment;
  const share = Math.min(Math.max((time - from) / (to - from), 0), 1);
  return left + share * (right - left);
}

/**
 * What a bar on the axis needs to be placed in the zoomed part.
 *
 * @param {Timeline} timeline
 * @param {Span} zoom
 * @param {number} start
 * @param {number} end
 */
export function placeOf(timeline, zoom, start, end) {
  const width = zoom.to - zoom.from;
  const left = (positionOf(timeline, start) - zoom.from) / width;
  const right = (positionOf(timeline, Math.max(start, end)) - zoom.from) / width;
  // Far outside, browsers round what they place.
  const [from, to] = [Math.max(left, -1), Math.min(right, 2)];
  return { left: `${from * 100}%`, width: `${Math.max(to - from, 0) * 100}%` };
}

/**
 * The marks of the zoomed part of the axis.
 *
 * @param {Timeline} timeline
 * @param {Span} zoom
 * @param {number} most how many fit
 * @returns {{ left: number, text: string }[]} `left` is 0 to 1 in that part
 */
export function ticksOf({ start, segments }, zoom, most) {
  const shown = zoom.to - zoom.from;
  return segments.flatMap(({ from, to, left, right, isFolded }, i) => {
    const [first, last] = [Math.max(left, zoom.from), Math.min(right, zoom.to)];
    if (isFolded || last <= first) return [];
    const perUnit = (to - from) / (right - left);
    const begin = from - start + (first - left) * perUnit;
    const end = from - start + (last - left) * perUnit;
    const count = Math.max(1, Math.floor((most * (last - first)) / shown));
    const step =
      STEPS.find((step) => (end - begin) / step <= count) ?? weeksOf((end - begin) / count);
    const marks = [];
    for (let n = Math.ceil(begin / step - 1e-6); n * step <= end && marks.length < 50; n += 1) {
      const place = left + (n * step - (from - start)) / perUnit;
      marks.push({ left: (place - zoom.from) / shown, text: formatTick(n * step, step) });
    }
    // After a pause one must know where one is.
    if (marks.length === 0 && i > 0 && first === left) {
      marks.push({ left: (left - zoom.from) / shown, text: formatTick(begin, end - begin) });
    }
    return marks;
  });
}

/** 1, 2, 4, 8 … weeks, in seconds. @param {number} least in seconds */
const weeksOf = (least) => 604_800 * 2 ** Math.max(0, Math.ceil(Math.log2(least / 604_800)));

/** @param {number} seconds @param {number} step @returns {string} such as `0`, `250 ms`, `1.5 s`, `2 m 30 s` */
function formatTick(seconds, step) {
  if (seconds < step / 2) return '0';
  if (step < 0.001) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toFixed(3))} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  const parts = [
    [hours, 'h'],
    [minutes, 'm'],
    [rest, 's'],
  ].filter(([count]) => count !== 0);
  return parts.map(([count, unit]) => `${count} ${unit}`).join(' ') || '0';
}

/**
 * The part of the axis after zooming by a factor around a place.
 *
 * @param {Timeline} timeline
 * @param {Span} zoom
 * @param {number} factor below 1 to see less
 * @param {number} around 0 to 1 in the zoomed part
 * @returns {Span}
 */
export function zoomBy({ start, end }, { from, to }, factor, around) {
  const least = Math.min(MIN_SECONDS / (end - start), 1);
  const width = Math.min(Math.max((to - from) * factor, least), 1);
  const place = from + (to - from) * around;
  return moved({ from: place - width * around, to: place + width * (1 - around) });
}

/** A part of the axis, moved into it. @param {Span} zoom @returns {Span} */
export function moved({ from, to }) {
  const width = Math.min(to - from, 1);
  const left = Math.min(Math.max(from, 0), 1 - width);
  return { from: left, to: left + width };
}
