/** The bars of the visible rows. Their places are computed by the style sheet, so a zoom or a pan paints none anew. */

import type { TimelineBar, TimelineWindow } from "../../kernel/contract";
import { duration } from "../../ui/format";
import { memo } from "../../ui/memo";
import { barLabel, lengthOf } from "./words";

export interface BarsProps {
  window: TimelineWindow;
  /** The drawn rows: [start, end). */
  start: number;
  end: number;
  /** The key of the bar that Tab leads to. */
  stop: string | null;
  /** Milliseconds after the origin, to the second: the end of what lasts. */
  now: number;
}

export const Bars = memo(({ window, start, end, stop, now }: BarsProps) => {
  const before = new Map<number, number>();
  return (
    <>
      {drawn(window, start, end).map((bar) => {
        const free = before.get(bar.row) ?? 0;
        before.set(bar.row, bar.end ?? Number.POSITIVE_INFINITY);
        return (
          <Bar
            key={bar.key}
            bar={bar}
            free={free}
            stop={bar.key === stop}
            waterfall={window.by === "task"}
            now={bar.end === null ? now : 0}
          />
        );
      })}
    </>
  );
});

/** The bars of some rows. */
export function drawn(window: TimelineWindow, start: number, end: number): TimelineBar[] {
  return window.bars.filter(({ row }) => row >= start && row < end);
}

interface BarProps {
  bar: TimelineBar;
  /** The time from which its row is free, up to its start. */
  free: number;
  stop: boolean;
  waterfall: boolean;
  now: number;
}

const Bar = memo(({ bar, free, stop, waterfall, now }: BarProps) => {
  const queued = bar.segments[0]?.[0] === "queued" ? Math.max(bar.segments[0][1], free) : bar.start;
  const classes = [
    `rc-tl-bar rc-tone-${bar.status}`,
    bar.critical && "rc-tl-on-path",
    queued < bar.start && "rc-tl-queued",
    bar.end === null && "rc-tl-open",
  ];
  const time = duration(lengthOf(bar, now));
  const style = [
    `--r:${bar.row};--a:${bar.start / 1000}`,
    bar.end !== null && `--e:${bar.end / 1000}`,
    queued < bar.start && `--q:${queued / 1000}`,
    ...layersOf(bar),
  ];
  return (
    <button
      type="button"
      class={classes.filter(Boolean).join(" ")}
      style={style.filter(Boolean).join(";")}
      aria-label={barLabel(bar, now)}
      tabIndex={stop ? 0 : -1}
      data-key={bar.key}
      data-rank={bar.rank}
      data-time={waterfall ? time : undefined}
    >
      {!waterfall && <span>{bar.name}</span>}
    </button>
  );
});

/** The layers of a bar of several kinds of time: marks of failures above its segments. */
export function layersOf(bar: TimelineBar): string[] {
  const parts = bar.segments.filter(([kind, , to]) => kind !== "queued" || to === null || to > bar.start);
  if (parts.length === 1 && parts[0]?.[0] === "working") return [];
  const marks = (bar.failures ?? []).map((at) => `var(--k-failure) ${after(bar, at)} 0/2px 100% no-repeat`);
  const layers = parts.map(([kind, from, to]) => {
    const end = to === null ? "var(--now)" : to / 1000;
    return `var(--k-${kind}) ${after(bar, from)} 0/max(2px,calc((${end} - ${from / 1000})*var(--s)*1px)) 100% no-repeat`;
  });
  return [`background:${[...marks, ...layers].join(",")}`];
}

function after(bar: TimelineBar, at: number): string {
  return `calc(${(at - bar.start) / 1000}*var(--s)*1px)`;
}
