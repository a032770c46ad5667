/** One tab stop for a table: arrows, `j` and `k` move from row to row, and from heading to heading. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Scroller } from "./virtual";

export interface Roving {
  /** The number of the row whose button is the tab stop. */
  stop: number;
  onKeyDown: (event: KeyboardEvent) => void;
  onFocusIn: (event: FocusEvent) => void;
  onFocusOut: () => void;
}

export interface RovingOptions {
  scroller: Scroller;
  total: number;
  /** The drawn rows [start, end), by position. */
  start: number;
  end: number;
  /** The number of the row at a position, and the other way round. */
  numberOf: (position: number) => number;
  /** Opens or closes a row; null where rows do not open. */
  unfold: ((index: string, open: boolean) => void) | null;
}

const PAGE_ROWS = 10;
/** Drawn rows above the first visible one. */
const OVERSCAN = 6;

/** `numberOf` must be its own inverse. */
export function useRoving(options: RovingOptions): Roving {
  const { scroller, total, start, end, numberOf, unfold } = options;
  const { ref } = scroller;
  const [current, setCurrent] = useState<number | null>(null);
  const moving = useRef(false);
  const held = useRef(false);
  const known = current === null ? -1 : numberOf(current);
  const first = start > 0 ? Math.min(start + OVERSCAN, end - 1) : 0;
  const at = known >= start && known < end ? known : first;

  useLayoutEffect(() => {
    const table = ref.current;
    if (!table) return;
    if (moving.current) {
      moving.current = false;
      table.querySelector<HTMLElement>('.rc-opener[tabindex="0"]')?.focus({ preventScroll: true });
    } else if (held.current && (table.getRootNode() as Document).activeElement === document.body) {
      table.focus({ preventScroll: true }); // its row was scrolled away: the keys still work
    }
  });

  const go = (position: number) => {
    moving.current = true;
    setCurrent(numberOf(position));
    scroller.reveal(position);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const from = event.target as Element;
    if (event.ctrlKey || event.altKey || event.metaKey || from.closest("input, select, textarea, .rc-detail")) return;
    const headings = [...(ref.current?.querySelectorAll<HTMLElement>(".rc-sort") ?? [])];
    const heading = headings.indexOf(from as HTMLElement);
    const to = heading < 0 ? nextRow(event.key, known < 0 ? at : known, total) : event.key === "ArrowDown" ? at : null;
    if (heading >= 0 && to === null) {
      const side = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (side === 0) return;
      headings[(heading + side + headings.length) % headings.length]?.focus();
    } else if (to === -1) headings[0]?.focus();
    else if (to !== null && total > 0) go(to);
    else if (unfold && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      unfold(String(numberOf(at)), event.key === "ArrowRight");
    } else return;
    event.preventDefault();
  };

  const onFocusIn = (event: FocusEvent) => {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
    held.current = true;
    if (row) setCurrent(Number(row.dataset.row));
  };
  const onFocusOut = () => {
    held.current = false;
  };
  return { stop: numberOf(at), onKeyDown, onFocusIn, onFocusOut };
}

/** The position that a key leads to; -1 is above the first row, null that it leads nowhere. */
function nextRow(key: string, at: number, total: number): number | null {
  switch (key) {
    case "j":
    case "ArrowDown":
      return Math.min(at + 1, total - 1);
    case "k":
    case "ArrowUp":
      return at - 1;
    case "PageDown":
      return Math.min(at + PAGE_ROWS, total - 1);
    case "PageUp":
      return Math.max(at - PAGE_ROWS, 0);
    case "Home":
      return 0;
    case "End":
      return total - 1;
    default:
      return null;
  }
}
