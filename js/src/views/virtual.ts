/**
 * Which rows of a long list are under the eye.
 *
 * Rows have one height, but for a few that were opened; so a million rows cost no more than twenty, which a list that measures
 * each row cannot promise.
 */
import type { RefObject } from "preact";
import { useCallback, useLayoutEffect, useReducer, useRef } from "preact/hooks";

/** Browsers cut elements off at about 17 to 33 million pixels; above this the scroll bar is a scale. */
const MAX_HEIGHT = 8_000_000;
const OVERSCAN = 6;

export interface Layout {
  count: number;
  rowHeight: number;
  /** Extra height of opened rows, by index. */
  extras: ReadonlyMap<number, number>;
}

export interface Window {
  start: number;
  end: number;
  /** Where row `start` is drawn, from the top of the scrolling content. */
  top: number;
  /** Height of the scrolling content. */
  height: number;
}

/** Height of all rows before `index`. */
export function offsetOf(layout: Layout, index: number): number {
  let offset = index * layout.rowHeight;
  for (const [row, extra] of layout.extras) if (row < index) offset += extra;
  return offset;
}

/** The row at a distance from the top of the list. */
export function rowAt(layout: Layout, offset: number): number {
  let extra = 0;
  for (const [row, more] of [...layout.extras].sort((a, b) => a[0] - b[0])) {
    const start = row * layout.rowHeight + extra;
    if (offset < start + layout.rowHeight) break;
    if (offset < start + layout.rowHeight + more) return row;
    extra += more;
  }
  return Math.floor((offset - extra) / layout.rowHeight);
}

/** The rows to draw when the viewport of height `viewport` stands at `scrollTop`. */
export function windowAt(layout: Layout, scrollTop: number, viewport: number): Window {
  const full = offsetOf(layout, layout.count);
  const height = Math.min(full, MAX_HEIGHT);
  const scaled = height < full;
  const offset = scaled ? Math.min(1, scrollTop / (height - viewport)) * (full - viewport) : scrollTop;
  const start = Math.max(0, rowAt(layout, offset) - OVERSCAN);
  const end = Math.min(layout.count, rowAt(layout, offset + viewport) + 1 + OVERSCAN);
  // Within the window rows have their real distances, whatever the scale of the scroll bar is.
  const first = Math.min(start, end);
  return { start: first, end, top: offsetOf(layout, first) + (scaled ? scrollTop - offset : 0), height };
}

/** Where to scroll so that row `index` is at the top. */
export function scrollFor(layout: Layout, index: number, viewport: number): number {
  const full = offsetOf(layout, layout.count);
  const height = Math.min(full, MAX_HEIGHT);
  if (height === full) return offsetOf(layout, index);
  return (offsetOf(layout, index) * (height - viewport)) / (full - viewport);
}

export interface Scroller {
  ref: RefObject<HTMLDivElement | null>;
  window: Window;
  onScroll: () => void;
  /** Stands at the end, where new rows come in. */
  atEnd: boolean;
  toEnd: () => void;
}

export interface ScrollOptions {
  layout: Layout;
  /** Height of the viewport in CSS pixels, without what is fixed in it. */
  viewport: number;
  /** Stay at the end while rows are added, until the person scrolls away. */
  follow?: boolean;
  /** Rows are added at the top: keep what is under the eye in place. */
  growsAtTop?: boolean;
}

/** Keeps the window of a scrolling element. */
export function useScroller({ layout, viewport, follow = false, growsAtTop = false }: ScrollOptions): Scroller {
  const ref = useRef<HTMLDivElement>(null);
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  const state = useRef({ scrollTop: 0, atEnd: follow, count: layout.count });
  const top = state.current.atEnd && follow ? Number.MAX_SAFE_INTEGER : state.current.scrollTop;
  const full = Math.min(offsetOf(layout, layout.count), MAX_HEIGHT);
  const window = windowAt(layout, Math.max(0, Math.min(top, full - viewport)), viewport);
  const drawn = useRef(window);
  drawn.current = window;
  const latest = useRef({ layout, viewport });
  latest.current = { layout, viewport };

  const onScroll = useCallback(() => {
    const element = ref.current;
    if (!element) return;
    const now = state.current;
    const wasAtEnd = now.atEnd;
    now.scrollTop = element.scrollTop;
    now.atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
    const next = windowAt(latest.current.layout, now.scrollTop, latest.current.viewport);
    const scaled = next.height >= MAX_HEIGHT;
    const { start, end } = drawn.current;
    if (scaled || next.start !== start || next.end !== end || now.atEnd !== wasAtEnd) repaint();
  }, []);

  const toEnd = useCallback(() => {
    state.current.atEnd = true;
    if (ref.current) ref.current.scrollTop = ref.current.scrollHeight;
    repaint();
  }, []);

  useLayoutEffect(() => {
    const element = ref.current;
    const now = state.current;
    const added = layout.count - now.count;
    now.count = layout.count;
    if (!element) return;
    if (follow && now.atEnd) {
      element.scrollTop = element.scrollHeight;
      now.scrollTop = element.scrollTop;
    } else if (growsAtTop && added > 0 && now.scrollTop > layout.rowHeight && window.height < MAX_HEIGHT) {
      element.scrollTop = now.scrollTop + added * layout.rowHeight;
    }
  }, [layout.count, layout.rowHeight, follow, growsAtTop, window.height]);

  return { ref, window, onScroll, atEnd: state.current.atEnd, toEnd };
}
