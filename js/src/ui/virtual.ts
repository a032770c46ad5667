/**
 * The visible rows of a long list.
 *
 * Rows have one height, but for a few opened ones; so a million rows cost no more than twenty, which a list that
 * measures each row cannot promise.
 */
import type { RefObject } from "preact";
import { useCallback, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";

/** Browsers cut elements off at about 17 to 33 million pixels; above this the scroll bar is a scale. */
const MAX_HEIGHT = 8_000_000;
const OVERSCAN = 6;
/** The height of a list that has not been laid out, in CSS pixels. */
const BEFORE_LAYOUT = 320;

export interface Layout {
  count: number;
  rowHeight: number;
  /** Extra height of opened rows, by index. */
  extras: ReadonlyMap<number, number>;
}

export interface Window {
  start: number;
  end: number;
  /** The top of row `start`, from the top of the scrolling content. */
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

/** The rows to draw when the viewport of height `viewport` shows the list from `offset` on, the scroll bar at `scrollTop`. */
export function windowAt(
  layout: Layout,
  offset: number,
  viewport: number,
  scrollTop = scrollOf(layout, offset, viewport),
): Window {
  const first = Math.max(0, rowAt(layout, offset) - OVERSCAN);
  const end = Math.min(layout.count, rowAt(layout, offset + viewport) + 1 + OVERSCAN);
  const start = Math.min(first, end);
  // Rows have their real distances from the row at `offset`, whatever the scale of the scroll bar is.
  const top = scrollTop - offset + offsetOf(layout, start);
  return { start, end, top, height: heightOf(layout) };
}

function heightOf(layout: Layout): number {
  return Math.min(offsetOf(layout, layout.count), MAX_HEIGHT);
}

/** The scroll bar's position for a list shown from `offset` on. */
export function scrollOf(layout: Layout, offset: number, viewport: number): number {
  const full = offsetOf(layout, layout.count);
  // Browsers round it as well; so the rows do not tremble.
  return full <= MAX_HEIGHT ? offset : Math.round((offset * (MAX_HEIGHT - viewport)) / (full - viewport));
}

/** The list's offset for a scroll bar at `scrollTop`. */
export function offsetAt(layout: Layout, scrollTop: number, viewport: number): number {
  const full = offsetOf(layout, layout.count);
  const offset = full <= MAX_HEIGHT ? scrollTop : (scrollTop * (full - viewport)) / (MAX_HEIGHT - viewport);
  return Math.max(0, Math.min(offset, full - viewport));
}

export interface Scroller {
  ref: RefObject<HTMLDivElement | null>;
  window: Window;
  onScroll: () => void;
  /** True if there are more rows than are visible at once. */
  scrolls: boolean;
  /** True at the end, where new rows come in. */
  atEnd: boolean;
  toEnd: () => void;
  /** Scrolls as little as it takes to show a row. */
  reveal: (index: number) => void;
  /** The first row on screen. */
  first: number;
  /** Shows a row: in the middle, unless it is in sight; the end is not followed any more. */
  toRow: (index: number) => void;
}

export interface ScrollOptions {
  layout: Layout;
  /** Height of fixed parts in the scrolling element, in CSS pixels. */
  inset?: number;
  /** Stay at the end while rows are added, until the person scrolls away. */
  follow?: boolean;
  /** Rows are added at the top: the visible ones keep their place. */
  growsAtTop?: boolean;
  /** Rows turn out higher than they were thought: the visible ones keep their place. */
  steady?: boolean;
}

interface Position {
  /** The offset of the shown part: it stays when rows are added. */
  offset: number;
  /** The scroll bar's last known position. */
  scrollTop: number;
  /** The time of the person's last scrolling. */
  touchedAt: number;
  atEnd: boolean;
  count: number;
  /** The layout at the last paint. */
  layout: Layout;
}

/** Setting the scroll bar would end a scrolling under way. */
const REST_MS = 250;

/** Keeps the window of a scrolling element. */
export function useScroller(options: ScrollOptions): Scroller {
  const { layout, inset = 0, follow = false, growsAtTop = false, steady = false } = options;
  const ref = useRef<HTMLDivElement>(null);
  const viewport = useHeight(ref) - inset;
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  const start: Position = { offset: 0, scrollTop: 0, touchedAt: 0, atEnd: follow, count: layout.count, layout };
  const position = useRef(start).current;
  const keepsEnd = follow && position.atEnd;
  if (steady) position.offset += grown(position, layout);
  position.layout = layout;
  const shifted = advance(position, layout, viewport, keepsEnd, growsAtTop);
  const places = keepsEnd || shifted || performance.now() - position.touchedAt > REST_MS;
  const target = places ? scrollOf(layout, position.offset, viewport) : position.scrollTop;
  const window = windowAt(layout, position.offset, viewport, target);
  const latest = useRef({ layout, viewport, window });
  latest.current = { layout, viewport, window };

  const onScroll = useCallback(() => {
    const element = ref.current;
    // The echo of our own setting is ignored: the offset is known better than the scroll bar can report.
    if (!element || element.scrollTop === position.scrollTop) return;
    const { layout, viewport, window } = latest.current;
    const wasAtEnd = position.atEnd;
    position.offset = scrolledTo(position, layout, viewport, element.scrollTop);
    position.scrollTop = element.scrollTop;
    position.touchedAt = performance.now();
    position.atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
    const next = windowAt(layout, position.offset, viewport);
    const moved = next.start !== window.start || next.end !== window.end || next.height >= MAX_HEIGHT;
    if (moved || position.atEnd !== wasAtEnd) repaint();
  }, [position]);

  const toEnd = useCallback(() => {
    position.atEnd = true;
    repaint();
  }, [position]);

  const reveal = useCallback(
    (index: number) => {
      const { layout, viewport } = latest.current;
      const top = offsetOf(layout, index);
      position.offset = Math.min(top, Math.max(position.offset, top + layout.rowHeight - viewport));
      position.touchedAt = -REST_MS;
      repaint();
    },
    [position],
  );

  const toRow = useCallback(
    (index: number) => {
      const { layout, viewport } = latest.current;
      const top = offsetOf(layout, index);
      const bottom = offsetOf(layout, index + 1);
      const isInSight = top >= position.offset && bottom <= position.offset + viewport;
      if (!isInSight) position.offset = Math.max(0, (top + bottom - viewport) / 2);
      position.atEnd = false;
      position.touchedAt = -REST_MS;
      repaint();
    },
    [position],
  );

  useLayoutEffect(() => {
    const element = ref.current;
    // If the person has scrolled since, the event about it is on its way.
    // Compared first: to ask the scroll bar here has the browser lay out the page at once.
    if (!element || Math.abs(position.scrollTop - target) < 1 || element.scrollTop !== position.scrollTop) return;
    element.scrollTop = target;
    position.scrollTop = element.scrollTop;
  });

  const scrolls = offsetOf(layout, layout.count) > viewport + 1;
  const first = rowAt(layout, position.offset);
  return { ref, window, onScroll, scrolls, atEnd: position.atEnd, toEnd, reveal, first, toRow };
}

/** The height of an element's inside in CSS pixels, as it is laid out. */
function useHeight(ref: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(BEFORE_LAYOUT);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const look = () => setHeight(element.clientHeight || BEFORE_LAYOUT);
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return height;
}

/** The height by which the rows above the shown part have grown since the last paint. */
function grown(position: Position, layout: Layout): number {
  const before = position.layout;
  if (before.extras === layout.extras) return 0;
  const first = rowAt(before, position.offset);
  return offsetOf(layout, first) - offsetOf(before, first);
}

/** Moves a position when rows were added or removed; true when the visible rows have moved. */
function advance(
  position: Position,
  layout: Layout,
  viewport: number,
  keepsEnd: boolean,
  growsAtTop: boolean,
): boolean {
  const added = layout.count - position.count;
  position.count = layout.count;
  const shifted = growsAtTop && added > 0 && position.offset > layout.rowHeight;
  if (shifted) position.offset += added * layout.rowHeight;
  const last = Math.max(0, offsetOf(layout, layout.count) - viewport);
  position.offset = keepsEnd ? last : Math.min(position.offset, last);
  return shifted;
}

/** The offset after a move of the scroll bar: by its distance, if small, so that rows added meanwhile make no jump. */
function scrolledTo(position: Position, layout: Layout, viewport: number, scrollTop: number): number {
  const full = offsetOf(layout, layout.count);
  const far = Math.abs(scrollTop - position.scrollTop) > 20 * viewport;
  const last = heightOf(layout) - viewport;
  if (far || scrollTop <= 0 || scrollTop >= last - 1) return offsetAt(layout, scrollTop, viewport);
  const scale = full <= MAX_HEIGHT ? 1 : (full - viewport) / last;
  return Math.max(0, Math.min(full - viewport, position.offset + (scrollTop - position.scrollTop) * scale));
}
