/** The keyboard's way from bar to bar. */

import type { TimelineBar } from "../../kernel/contract";

/** The bar that an arrow, Home or End leads to; null if the key leads nowhere. `bars` are in the order of their rows. */
export function nextBar(bars: readonly TimelineBar[], from: TimelineBar, key: string): TimelineBar | null {
  const at = bars.indexOf(from);
  switch (key) {
    case "ArrowLeft":
      return inTime(bars, from, bars[at - 1], -1);
    case "ArrowRight":
      return inTime(bars, from, bars[at + 1], 1);
    case "ArrowUp":
      return inRows(bars, from, -1);
    case "ArrowDown":
      return inRows(bars, from, 1);
    case "Home":
      return bars.reduce((first, bar) => (bar.start < first.start ? bar : first), from);
    case "End":
      return bars.reduce((last, bar) => (bar.start > last.start ? bar : last), from);
    default:
      return null;
  }
}

/** The neighbor in the same row, else the next one in time. */
function inTime(
  bars: readonly TimelineBar[],
  from: TimelineBar,
  neighbor: TimelineBar | undefined,
  side: 1 | -1,
): TimelineBar | null {
  if (neighbor?.row === from.row) return neighbor;
  const ahead = bars.filter((bar) => (bar.start - from.start) * side > 0);
  if (ahead.length === 0) return null;
  return ahead.reduce((best, bar) => ((bar.start - best.start) * side < 0 ? bar : best));
}

/** The bar of the next row that has one, nearest in time. */
function inRows(bars: readonly TimelineBar[], from: TimelineBar, side: 1 | -1): TimelineBar | null {
  const beyond = bars.filter((bar) => (bar.row - from.row) * side > 0);
  if (beyond.length === 0) return null;
  const row = beyond.reduce((best, bar) => ((bar.row - best) * side < 0 ? bar.row : best), beyond[0]?.row ?? 0);
  const distance = (bar: TimelineBar) =>
    Math.max(0, bar.start - (from.end ?? Number.POSITIVE_INFINITY), from.start - (bar.end ?? Number.POSITIVE_INFINITY));
  const near = beyond.filter((bar) => bar.row === row);
  return near.reduce((best, bar) => {
    const closer =
      distance(bar) - distance(best) || Math.abs(bar.start - from.start) - Math.abs(best.start - from.start);
    return closer < 0 ? bar : best;
  });
}
