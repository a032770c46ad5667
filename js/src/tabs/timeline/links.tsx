/** The critical path from bar to bar. */

import type { TimelineWindow } from "../../kernel/contract";
import { drawn } from "./bars";

export interface LinksProps {
  window: TimelineWindow;
  /** The drawn rows: [start, end). */
  start: number;
  end: number;
  /** The pixel of a time, in milliseconds after the origin. */
  place: (at: number) => number;
  /** Pixels of a row. */
  height: number;
}

/** Browsers draw nothing right that is much farther away. */
const FAR = 20_000;

export function Links({ window, start, end, place, height }: LinksProps) {
  const path = drawn(window, start, end).filter(({ critical }) => critical !== undefined);
  const byNumber = new Map(path.map((bar) => [bar.critical as number, bar]));
  const lines = path.map((bar) => {
    const next = byNumber.get((bar.critical as number) + 1);
    if (!next || next.row === bar.row || bar.end === null) return "";
    const [from, to] = [place(bar.end), place(next.start)].map((x) => Math.round(Math.max(-FAR, Math.min(FAR, x)))) as [
      number,
      number,
    ];
    const [top, bottom] = [bar.row, next.row].map((row) => (row + 0.5) * height);
    return `M${from} ${top}H${Math.round((from + to) / 2)}V${bottom}H${to}`;
  });
  return (
    <svg class="rc-tl-links" aria-hidden="true">
      <path d={lines.join("")} />
    </svg>
  );
}
