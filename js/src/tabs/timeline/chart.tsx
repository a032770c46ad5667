/** The times of the run: lanes of bars or of densities, below a clock, with an overview of the whole. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { Head, LaneKind, TimelineBar, TimelineWindow } from "../../kernel/contract";
import { useNow, useOpenTask, useStore } from "../../panel/context";
import type { Store, Topic } from "../../state/store";
import type { WindowFeed, WindowQuery } from "../../state/windows";
import { duration, plural } from "../../ui/format";
import { Empty } from "../../ui/icons";
import { type Layout, useScroller } from "../../ui/virtual";
import { AXIS_HEIGHT, Axis } from "./axis";
import { Bars } from "./bars";
import { useChoices } from "./choices";
import { Foot } from "./foot";
import { nextBar } from "./keys";
import { Lanes } from "./lanes";
import { Lines } from "./lines";
import { Overview } from "./overview";
import { savedWindow } from "./saved";
import {
  ALL,
  around,
  factorOf,
  type Look,
  type Span,
  settled,
  spanOf,
  ticks,
  ZOOM_STEPS,
  zoomed,
  zoomOf,
} from "./scale";
import { Toolbar } from "./toolbar";
import { type Hint, Tooltip } from "./tooltip";

/** Heights of rows in CSS pixels, the best first: the first one with which all rows are visible, else the last. */
const ROW_HEIGHTS = { task: [26, 22], lanes: [40, 30, 22], dense: [72, 52, 38] } as const;
/** The room of a round time on the clock, in CSS pixels. */
const TICK_PX = 92;
const NO_EXTRAS: ReadonlyMap<number, number> = new Map();
const NEWS: readonly Topic[] = ["tasks", "phases", "waves", "checkpoints", "errors", "head"];
/** Names go to the left edge of a view that has not moved for so long. */
const REST_MS = 120;
/** A pointer that moved that far has dragged, and not pressed. */
const CLICK_PX = 4;

export function Chart() {
  const store = useStore("head", "attachment", "tasks");
  const { head } = store;
  const live = head !== null && head.ended_at === null && head.link === "live" && store.reachable && !head.replay;
  useNow(live);
  const [choices, change] = useChoices();
  const feed = useFeed(store);
  const by = choices.by ?? byOf(head, feed?.window ?? null, store);
  const rows = store.tables.tasks.rows;
  const known = feed?.window ?? null;
  // Until the kernel has answered, the rows that are here make the picture.
  const window = useMemo(() => known ?? (head && savedWindow(rows, by, head)), [known, head, rows, by]);
  if (!head || !window) return null;
  const total = store.tables.tasks.total;
  return (
    <section class="rc-tl rc-fills" aria-label="Timeline">
      <Plot
        window={window}
        by={by}
        feed={feed}
        live={live}
        now={live ? store.clocks.serverNow() : null}
        saved={feed ? null : { here: rows.length, total }}
        choices={choices}
        change={change}
      />
    </section>
  );
}

/** The lanes that fit a run: of its workers, else of its phases, else of its waves. */
function byOf(head: Head | null, window: TimelineWindow | null, store: Store): LaneKind {
  const { tasks, phases, waves } = store.tables;
  if (window?.workers || tasks.rows.some(({ worker_id }) => worker_id !== null)) return "worker";
  if (phases.total > 1) return "phase";
  if (waves.total > 1) return "wave";
  return (head?.total_tasks ?? tasks.total) > 1 ? "worker" : "task";
}

/** The windows of this view; null without a kernel. */
function useFeed(store: Store): WindowFeed | null {
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  const feed = useMemo(() => store.windows.feed(repaint), [store]);
  useEffect(() => store.listen(NEWS, () => feed.age()), [store, feed]);
  useEffect(() => () => feed.stop(), [feed]);
  return store.reachable ? feed : null;
}

interface PlotProps {
  window: TimelineWindow;
  by: LaneKind;
  feed: WindowFeed | null;
  live: boolean;
  /** The server's present time while the run goes on. */
  now: number | null;
  saved: { here: number; total: number } | null;
  choices: ReturnType<typeof useChoices>[0];
  change: ReturnType<typeof useChoices>[1];
}

function Plot({ window, by, feed, live, now, saved, choices, change }: PlotProps) {
  const openTask = useOpenTask();
  const root = useRef<HTMLDivElement>(null);
  const plane = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(plane);
  const { origin } = window;
  const all: Span = { from: origin, to: Math.max(origin + window.until, now ?? 0) };
  const { look } = choices;
  const span = spanOf(look, all, live);
  const length = span.to - span.from;
  const show = (look: Look) => change({ look });
  const depth = look.kind === "all" ? 0 : zoomOf(span, all, width);

  const heights: readonly number[] = ROW_HEIGHTS[window.dense ? "dense" : window.by === "task" ? "task" : "lanes"];
  const fits = heights.find((each) => each * window.rows <= height - AXIS_HEIGHT);
  const rowHeight = fits ?? (heights.at(-1) as number);
  const layout: Layout = { count: window.rows, rowHeight, extras: NO_EXTRAS };
  const scroller = useScroller({
    layout,
    inset: AXIS_HEIGHT,
    // The newest task is in the last row.
    follow: live && window.by === "task" && look.kind !== "span",
  });
  const { start, end } = scroller.window;
  feed?.want(queryOf(by, look, span, width, start, end));

  // Times are placed relative to a time near the left edge, which a pan changes now and then: it moves layers instead.
  const step = length / 5;
  const base = Math.ceil((span.from - origin) / step) * step;
  const shift = ((base - span.from + origin) / length) * width;
  const edge = useRest(span.from);
  const move = { transform: `translateX(${shift}px)` };
  const bars = useDrawn(window, start, end, base, step);
  const near = { from: origin + base - step, to: origin + base + 6 * step };
  const times = ticks(near, origin, Math.max(2, Math.floor(((width / TICK_PX) * 7) / 5)));
  const stop =
    bars.find(({ key }) => key === choices.at) ?? bars.find((bar) => origin + bar.start >= span.from) ?? bars[0];
  const wanted = useRef<string | null>(null);
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const element = barElement(root.current, wanted.current);
    if (!element) return;
    wanted.current = null;
    element.focus({ preventScroll: true });
  });
  /** Shows a bar, and gives it the focus as soon as it is here. */
  const reveal = (bar: { key: string; row: number; start: number; end: number | null }, wide: boolean) => {
    const part = { from: origin + bar.start, to: bar.end === null ? all.to : origin + bar.end };
    if (wide) show(around(part, all, width));
    else if (part.from < span.from || part.from > span.from + length * 0.95) {
      show(settled({ from: part.from - length * 0.1, to: part.from + length * 0.9 }, all, live));
    }
    scroller.reveal(bar.row);
    wanted.current = bar.key;
    change({ at: bar.key });
  };

  const zoom = (factor: number, at = zoomCenter(span, look)) => show(zoomed(span, factor, at, all, width, live));
  const newest = useRef(zoom);
  newest.current = zoom;
  const zoomIn = useCallback(() => newest.current(0.25), []);
  const pan = (ms: number) => show(settled({ from: span.from + ms, to: span.to + ms }, all, live));
  const pointer = usePointer(plane, {
    zoom: (factor, x) => zoom(factor, span.from + (x / width) * length),
    pan: (pixels) => pan((-pixels / width) * length),
  });
  const [hint, hintAt, hideHint] = useHint(root, window);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = (event.target as HTMLElement).dataset.key;
    const from = bars.find((bar) => bar.key === key);
    const next = from && !event.shiftKey ? nextBar(window.bars, from, event.key) : null;
    const at = from ? origin + from.start : undefined;
    if (next) reveal(next, false);
    else if (event.key === "+" || event.key === "=") zoom(0.6, at);
    else if (event.key === "-") zoom(1 / 0.6, at);
    else if (event.key === "0") show(ALL);
    else if (event.shiftKey && event.key === "ArrowLeft") pan(-length / 5);
    else if (event.shiftKey && event.key === "ArrowRight") pan(length / 5);
    else if (event.key === "Escape" && hint) hideHint();
    else return;
    event.preventDefault();
  };

  const style = [
    `--b:${base / 1000}`,
    `--v:${(edge - origin) / 1000}`,
    `--s:${width / (length / 1000)}`,
    `--now:${(all.to - origin) / 1000}`,
    `--rh:${rowHeight}px`,
    `--head:${AXIS_HEIGHT}px`,
  ].join(";");
  const second = Math.floor((all.to - origin) / 1000) * 1000;
  const classes = `rc-tl-plot${choices.critical && !saved ? " rc-tl-path-only" : ""}${window.by === "task" ? " rc-tl-waterfall" : ""}`;
  return (
    <div class={classes} style={style} ref={root}>
      <Toolbar
        window={{ ...window, by }}
        group={(by) => change({ by, at: null })}
        depth={depth}
        zoom={(to) => zoom(factorOf(depth, Math.min(ZOOM_STEPS, Math.max(0, to)), all, width))}
        shown={`${duration(Math.min(length, all.to - all.from) / 1000)} of ${duration((all.to - all.from) / 1000)}`}
        following={live ? look.kind !== "span" : null}
        follow={() => show({ kind: "newest", length })}
        fit={() => show(ALL)}
        critical={choices.critical}
        mark={(critical) => change({ critical })}
        saved={saved}
      />
      <Overview window={window} all={all} span={span} show={(span) => show(settled(span, all, live))} />
      <p class="rc-hidden">{summary(window, by)}</p>
      <div
        class="rc-gantt rc-tl-scroll"
        ref={scroller.ref}
        onScroll={() => {
          hideHint();
          scroller.onScroll();
        }}
        role="group"
        aria-label="Tasks in time"
        {...pointer}
        onKeyDown={onKeyDown}
        onPointerOver={hintAt}
        onPointerLeave={hideHint}
        onFocusIn={(event) => {
          const { key } = (event.target as HTMLElement).dataset;
          if (key && key !== choices.at) change({ at: key });
          hintAt(event);
        }}
        onFocusOut={hideHint}
        onClick={(event) => {
          const key = (event.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
          const bar = window.bars.find((bar) => bar.key === key);
          if (bar) openTask(bar.id);
        }}
      >
        <div class="rc-tl-head">
          <div class="rc-tl-plane" ref={plane}>
            <Axis
              window={window}
              span={span}
              width={width}
              times={times}
              shift={shift}
              now={second}
              show={(span) => show(settled(span, all, false))}
              open={openTask}
            />
          </div>
        </div>
        {window.tasks === 0 ? (
          <Empty>No task has started yet.</Empty>
        ) : (
          <div class="rc-tl-body" style={{ height: `${scroller.window.height}px` }}>
            <div class="rc-tl-grid rc-tl-plane" aria-hidden="true">
              <div class="rc-tl-move" style={move}>
                {times.map((at) => (
                  <i key={at} style={`--a:${at / 1000}`} />
                ))}
                {window.waves.map((wave) => (
                  <i key={`w${wave.name}`} class="rc-tl-wave-edge" style={`--a:${wave.start / 1000}`} />
                ))}
                {live && <i class="rc-tl-now" style={`--a:${(all.to - origin) / 1000}`} />}
              </div>
            </div>
            <div class="rc-tl-rows" style={{ transform: `translateY(${scroller.window.top - start * rowHeight}px)` }}>
              <Lanes
                window={window}
                bars={bars}
                start={start}
                end={end}
                now={second}
                critical={choices.critical}
                shift={window.dense ? shift : 0}
                zoomIn={zoomIn}
              />
              <div class="rc-tl-plane">
                <div class="rc-tl-move" style={move}>
                  <Lines
                    bars={bars}
                    critical={choices.critical}
                    base={base}
                    scale={width / length}
                    height={rowHeight}
                  />
                  <Bars window={window} bars={bars} stop={stop?.key ?? null} now={second} />
                </div>
              </div>
            </div>
          </div>
        )}
      </div>
      <Foot window={window} now={second} reveal={(slow) => reveal(slow, true)} />
      {hint && <Tooltip hint={hint} origin={origin} now={second} />}
    </div>
  );
}

/** The window to ask for: half a view beyond both edges, in steps, so that a small move asks for nothing new. */
function queryOf(by: LaneKind, look: Look, span: Span, width: number, start: number, end: number): WindowQuery {
  const first = Math.max(0, Math.floor((start - 4) / 8) * 8);
  const rows = Math.min(100, Math.ceil((end + 4 - first) / 8) * 8);
  if (look.kind === "all") return { by, start: null, stop: null, width: Math.round(width), first, rows };
  const step = 2 ** Math.floor(Math.log2((span.to - span.from) / 3));
  const from = Math.floor((span.from - step) / step) * step;
  const to = Math.ceil((span.to + step) / step) * step;
  const pixels = Math.round((width * (to - from)) / (span.to - span.from) / 50) * 50;
  return { by, start: from, stop: to, width: pixels, first, rows };
}

/** The bars in view and a little beyond; the same array until a move brings some or takes some away. */
function useDrawn(
  window: TimelineWindow,
  start: number,
  end: number,
  base: number,
  step: number,
): readonly TimelineBar[] {
  return useMemo(() => {
    const [from, to] = [base - 2 * step, base + 6 * step];
    const inTime = (bar: TimelineBar) => (bar.end ?? to) >= from && bar.start <= to;
    return window.bars.filter((bar) => bar.row >= start && bar.row < end && (window.by === "task" || inTime(bar)));
  }, [window, start, end, base, step]);
}

/** The time that stays in its place when the zoom changes: the newest of a view that follows, else the middle. */
function zoomCenter(span: Span, look: Look): number {
  return look.kind === "newest" ? span.to : (span.from + span.to) / 2;
}

/** The whole of the chart in words. */
function summary(window: TimelineWindow, by: LaneKind): string {
  const lanes = by === "task" ? "task by task" : `in ${plural(window.lanes_total, "lane")} by ${by}`;
  const slowest = window.slowest.map(({ name, start, end }) => {
    return `${name} ${duration(((end ?? window.until) - start) / 1000)}`;
  });
  const words = [
    `${plural(window.tasks, "task")} ${lanes}, ${duration(window.until / 1000)} so far.`,
    window.dense && "The lanes are shown by their density: zoom in to see tasks.",
    slowest.length > 0 && `The slowest: ${slowest.join(", ")}.`,
    window.path.tasks > 0 &&
      `The critical path has ${plural(window.path.tasks, "task")}, ${duration(window.path.work_s)} of work.`,
  ];
  return words.filter(Boolean).join(" ");
}

function barElement(root: HTMLElement | null, key: string): HTMLElement | null {
  return root?.querySelector<HTMLElement>(`.rc-tl-bar[data-key="${key}"]`) ?? null;
}

/** The width of the lanes and the height of their scrolling area in CSS pixels, as they are laid out. */
function useSize(plane: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 800, height: 0 });
  useLayoutEffect(() => {
    const element = plane.current;
    const area = element?.closest<HTMLElement>(".rc-tl-scroll");
    if (!element || !area) return undefined;
    const look = () => setSize({ width: element.clientWidth || 800, height: area.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    observer.observe(area);
    return () => observer.disconnect();
  }, [plane]);
  return size;
}

/** A value as of its last rest. */
function useRest(value: number): number {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

/** The bar of which details are shown. */
function useHint(root: { current: HTMLElement | null }, window: TimelineWindow) {
  const [shown, setShown] = useState<{ key: string; x: number; top: number; bottom: number } | null>(null);
  const hide = useCallback(() => setShown(null), []);
  const at = (event: Event) => {
    const element = (event.target as HTMLElement).closest<HTMLElement>(".rc-tl-bar");
    const key = element?.dataset.key;
    if (!element || !key || !root.current) return hide();
    const [room, box] = [root.current.getBoundingClientRect(), element.getBoundingClientRect()];
    const x =
      event instanceof PointerEvent
        ? event.clientX
        : (Math.max(box.left, room.left) + Math.min(box.right, room.right)) / 2;
    setShown({ key, x: x - room.left, top: box.top - room.top, bottom: box.bottom - room.top });
  };
  const bar: TimelineBar | undefined = shown ? window.bars.find(({ key }) => key === shown.key) : undefined;
  const hint: Hint | null = shown && bar ? { ...shown, bar } : null;
  return [hint, at, hide] as const;
}

/** Dragging pans; the wheel pans sideways, and zooms with Ctrl or ⌘. */
function usePointer(
  plane: { current: HTMLElement | null },
  { zoom, pan }: { zoom: (factor: number, x: number) => void; pan: (pixels: number) => void },
) {
  const from = useRef<{ x: number; moved: boolean } | null>(null);
  const dragged = useRef(false);
  return {
    onWheel: (event: WheelEvent) => {
      const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        const left = plane.current?.getBoundingClientRect().left ?? 0;
        zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), event.clientX - left);
      } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) pan(-sideways);
      else return;
      event.preventDefault();
    },
    onPointerDown: (event: PointerEvent) => {
      dragged.current = false;
      const target = event.target as HTMLElement;
      if (event.button === 0 && target.closest(".rc-tl-rows")) from.current = { x: event.clientX, moved: false };
    },
    onPointerMove: (event: PointerEvent) => {
      const drag = from.current;
      if (!drag) return;
      const moved = event.clientX - drag.x;
      if (!drag.moved && Math.abs(moved) < CLICK_PX) return;
      if (!drag.moved) (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      from.current = { x: event.clientX, moved: true };
      dragged.current = true;
      pan(moved);
    },
    onPointerUp: () => {
      from.current = null;
    },
    onPointerCancel: () => {
      from.current = null;
    },
    onClickCapture: (event: MouseEvent) => {
      if (!dragged.current) return;
      dragged.current = false;
      event.stopPropagation();
    },
  };
}
