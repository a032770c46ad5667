/** The bars of the visible rows. Their places are computed by the style sheet, so a zoom or a pan paints none anew. */

import type { TimelineBar, TimelineWindow } from "../../kernel/contract";
import { memo } from "../../ui/memo";
import { barLabel } from "./words";

export interface BarsProps {
  window: TimelineWindow;
  bars: readonly TimelineBar[];
  /** The key of the bar that Tab leads to. */
  stop: string | null;
  /** Milliseconds after the origin, to the second: the end of what lasts. */
  now: number;
}

export const Bars = memo(({ window, bars, stop, now }: BarsProps) => (
  <>
    {bars.map((bar) => (
      <Bar
        key={bar.key}
        bar={bar}
        stop={bar.key === stop}
        named={window.by !== "task"}
        now={bar.end === null ? now : 0}
      />
    ))}
  </>
));

interface BarProps {
  bar: TimelineBar;
  stop: boolean;
  named: boolean;
  now: number;
}

const Bar = memo(({ bar, stop, named, now }: BarProps) => {
  const marks = `${bar.critical === undefined ? "" : " rc-tl-on-path"}${bar.end === null ? " rc-tl-open" : ""}`;
  const end = bar.end === null ? [] : [`--e:${bar.end / 1000}`];
  return (
    <button
      type="button"
      class={`rc-tl-bar rc-tone-${bar.status}${marks}`}
      style={[`--r:${bar.row};--a:${bar.start / 1000}`, ...end, ...layersOf(bar)].join(";")}
      aria-label={barLabel(bar, now)}
      tabIndex={stop ? 0 : -1}
      data-key={bar.key}
    >
      {named && bar.name}
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
