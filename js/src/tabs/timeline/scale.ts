/** The visible part of a timeline: zooming, panning, ticks. Times are milliseconds of the server's clock. */

/** A part of the run's time. */
export interface Span {
  from: number;
  to: number;
}

/**
 * The choice of a person: the whole run, a span, or the newest part of that length. Only the whole and the newest part
 * move while a run goes on.
 */
export type Look = { kind: "all" } | { kind: "span"; from: number; to: number } | { kind: "newest"; length: number };

export const ALL: Look = { kind: "all" };
/** The deepest zoom: beyond it a browser cannot place the bars of a long run. */
const MOST_PIXELS = 8_000_000;
const SHORTEST_MS = 20;
const EDGE = 0.02;

/** The room that the view of a growing run gets at once. */
const GROWTH = 1.2;

/** The visible span of a run that has the extent `all`. While it goes on, the whole of it has room ahead. */
export function spanOf(look: Look, all: Span, live = false): Span {
  if (look.kind === "all") return { from: all.from, to: all.from + wholeOf(all.to - all.from, live) };
  if (look.kind === "span") return { from: look.from, to: look.to };
  return { from: all.to - look.length * (1 - EDGE), to: all.to + look.length * EDGE };
}

/** The visible length of a whole run; of a live one it grows in steps, and between them the bars stand still. */
function wholeOf(length: number, live: boolean): number {
  const needed = length * (1 + EDGE);
  return live ? GROWTH ** Math.ceil(Math.log(needed) / Math.log(GROWTH)) : needed;
}

/** The shortest span that may be shown, in a view `width` pixels wide. */
export function shortest(all: Span, width: number): number {
  return Math.max(SHORTEST_MS, ((all.to - all.from) * width) / MOST_PIXELS);
}

/** The look after zooming by a factor (below 1: in), with the time `at` in its place. */
export function zoomed(span: Span, factor: number, at: number, all: Span, width: number, live: boolean): Look {
  const full = (all.to - all.from) * (1 + EDGE);
  const length = Math.min(full, Math.max(shortest(all, width), (span.to - span.from) * factor));
  if (length >= full * 0.999) return ALL;
  const share = (at - span.from) / (span.to - span.from);
  const from = at - share * length;
  return settled({ from, to: from + length }, all, live);
}

/** The look after moving a span; it stays within the run. */
export function settled(span: Span, all: Span, live: boolean): Look {
  const length = span.to - span.from;
  const end = all.to + length * EDGE;
  const from = Math.max(Math.min(span.from, end - length), all.from - length * EDGE);
  // At the newest time of a live run it goes on with it.
  if (live && from + length >= end - length * 0.001) return { kind: "newest", length };
  return { kind: "span", from, to: from + length };
}

/** The look that shows a part of the run with three times its length around it. */
export function around(part: Span, all: Span, width: number): Look {
  const length = Math.min(all.to - all.from, Math.max((part.to - part.from) * 4, shortest(all, width) * 10));
  const middle = (part.from + part.to) / 2;
  return settled({ from: middle - length / 2, to: middle + length / 2 }, all, false);
}

export const ZOOM_STEPS = 100;

/** The position of the zoom's slider: 0 is the whole run. */
export function zoomOf(span: Span, all: Span, width: number): number {
  const full = all.to - all.from;
  const depth = Math.log(full / shortest(all, width));
  if (depth <= 0) return 0;
  return Math.round(
    Math.min(1, Math.max(0, Math.log((full * (1 + EDGE)) / (span.to - span.from)) / depth)) * ZOOM_STEPS,
  );
}

/** The factor that zooms from a position of the slider to another one. */
export function factorOf(from: number, to: number, all: Span, width: number): number {
  return (shortest(all, width) / (all.to - all.from)) ** ((to - from) / ZOOM_STEPS);
}

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 86_400_000,
];

/** Round times after `origin` within a span, at most `most` of them, in milliseconds after `origin`. */
export function ticks(span: Span, origin: number, most: number): number[] {
  const length = span.to - span.from;
  const days = Math.ceil(length / most / 86_400_000) * 86_400_000;
  const step = STEPS_MS.find((each) => length / each <= most) ?? days;
  const first = Math.max(0, Math.ceil((span.from - origin) / step));
  const count = Math.max(0, Math.floor((span.to - origin) / step) - first + 1);
  return Array.from({ length: count }, (_, i) => (first + i) * step);
}

/** A time after the beginning, as an axis names it: 90000 → "1m 30s", 1250 → "1.25s". */
export function tickWord(ms: number): string {
  if (ms < 60_000) return `${ms / 1000}s`;
  const [d, h, m] = [Math.floor(ms / 86_400_000), Math.floor(ms / 3_600_000) % 24, Math.floor(ms / 60_000) % 60];
  const s = (ms % 60_000) / 1000;
  if (s > 0) return h + d > 0 ? `${d * 24 + h}h ${m}m ${s}s` : `${m}m ${s}s`;
  const parts = [d > 0 && `${d}d`, h > 0 && `${h}h`, m > 0 && `${m}m`].filter(Boolean);
  return parts.join(" ");
}
