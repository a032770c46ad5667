/** Lines between bars: the wait of a task for a worker, where its row is free, and the critical path. */

import type { TimelineBar } from "../../kernel/contract";
import { memo } from "../../ui/memo";

export interface LinesProps {
  /** In the order of their rows. */
  bars: readonly TimelineBar[];
  /** The critical path is shown. */
  critical: boolean;
  /** The time of pixel 0, in milliseconds after the origin. */
  base: number;
  /** Pixels of a millisecond. */
  scale: number;
  /** Pixels of a row. */
  height: number;
}

/** Browsers draw nothing right that is much farther away. */
const FAR = 20_000;

export const Lines = memo(({ bars, critical, base, scale, height }: LinesProps) => {
  const x = (at: number) => Math.round(Math.max(-FAR, Math.min(FAR, (at - base) * scale)));
  const y = (bar: TimelineBar) => (bar.row + 0.5) * height;
  return (
    <svg class="rc-tl-lines" aria-hidden="true">
      <path class="rc-tl-queues" d={bars.map((bar, at) => queue(bar, bars[at - 1], x, y)).join("")} />
      {critical && <path d={links(bars, x, y)} />}
    </svg>
  );
});

type Axis<T> = (of: T) => number;

function queue(bar: TimelineBar, before: TimelineBar | undefined, x: Axis<number>, y: Axis<TimelineBar>): string {
  const [kind, since = bar.start] = bar.segments[0] ?? [];
  const free = before?.row === bar.row ? (before.end ?? bar.start) : since;
  const from = Math.max(since, free);
  return kind === "queued" && from < bar.start ? `M${x(from)} ${y(bar)}H${x(bar.start)}` : "";
}

function links(bars: readonly TimelineBar[], x: Axis<number>, y: Axis<TimelineBar>): string {
  const byNumber = new Map(bars.map((bar) => [bar.critical, bar]));
  const lines = bars.map((bar) => {
    const next = bar.critical === undefined ? undefined : byNumber.get(bar.critical + 1);
    if (!next || next.row === bar.row || bar.end === null) return "";
    const [from, to] = [x(bar.end), x(next.start)];
    return `M${from} ${y(bar)}H${Math.round((from + to) / 2)}V${y(next)}H${to}`;
  });
  return lines.join("");
}
