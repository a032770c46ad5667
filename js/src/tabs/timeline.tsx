/** The times of the run: tasks as bars, and below them every event. */

import { useMemo } from "preact/hooks";
import type { TaskRow } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import { Clip } from "../ui/clip";
import { duration, moment, ticking } from "../ui/format";
import { Empty } from "../ui/icons";
import { type Layout, useScroller } from "../ui/virtual";
import { Events } from "./events";
import { ALL_TASKS, useTasks } from "./row-sources";

export function Timeline() {
  return (
    <>
      <Gantt />
      <Events />
    </>
  );
}

const ROW_HEIGHT = 22;
const AXIS_HEIGHT = 24;
const NO_EXTRAS: ReadonlyMap<number, number> = new Map();

interface Span {
  from: number;
  to: number;
}

type Item = { group: string; count: number } | { task: TaskRow };

function Gantt() {
  const store = useStore("head", "tasks", "phases", "pages");
  const source = useTasks(ALL_TASKS);
  const head = store.head;
  const running = head !== null && head.ended_at === null && head.link === "live";
  useNow(running);
  const here = store.tables.tasks.rows;
  // If phases are not part of the plan, a task goes through them: it belongs to none.
  const byPhase = store.tables.phases.total > 0;
  const items: readonly Item[] | null = useMemo(() => {
    if (source.paged) return null;
    return byPhase ? grouped(here) : here.map((row) => ({ task: row }));
  }, [source.paged, byPhase, here]);
  const total = items?.length ?? source.rows.total;
  const layout: Layout = { count: total, rowHeight: ROW_HEIGHT, extras: NO_EXTRAS };
  const { ref, onScroll, window } = useScroller({ layout, inset: AXIS_HEIGHT, follow: running && !source.paged });
  const span = spanOf(here, head?.started_at ?? null, head?.ended_at ?? (running ? store.clocks.serverNow() : null));
  if (items === null) source.want(window.start, window.end);
  if (total === 0 || span === null) return <Empty>No task has started yet.</Empty>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
    <div class="rc-gantt rc-fills" ref={ref} onScroll={onScroll} tabIndex={0}>
      <Axis span={span} />
      <div class="rc-gantt-body" style={{ height: `${window.height}px` }}>
        <div class="rc-gantt-grid" aria-hidden="true">
          <span />
          <div>
            {ticks(span).map((at) => (
              <i key={at} style={{ left: `${share(span, at)}%` }} />
            ))}
          </div>
        </div>
        <ul style={{ transform: `translateY(${window.top}px)` }} aria-label="Tasks in time">
          {Array.from({ length: window.end - window.start }, (_, i) => {
            const at = window.start + i;
            const item = items ? items[at] : asItem(source.rows.at(at));
            return item ? <GanttRow key={keyOf(item)} item={item} span={span} /> : <li key={at} class="rc-gantt-row" />;
          })}
        </ul>
      </div>
    </div>
  );
}

function Axis({ span }: { span: Span }) {
  return (
    <div class="rc-gantt-axis" aria-hidden="true">
      <span />
      <div>
        {ticks(span).map((at) => (
          <span key={at} style={{ left: `${share(span, at)}%` }}>
            {ticking((at - span.from) / 1000)}
          </span>
        ))}
      </div>
    </div>
  );
}

function GanttRow({ item, span }: { item: Item; span: Span }) {
  if ("group" in item) {
    return (
      <li class="rc-gantt-row rc-gantt-group">
        <span class="rc-clip">
          {item.group} <span class="rc-note">{item.count}</span>
        </span>
      </li>
    );
  }
  const { task } = item;
  const name = task.name || task.id;
  const bar = barOf(task, span);
  return (
    <li class="rc-gantt-row">
      <Clip title={name}>{name}</Clip>
      <div class="rc-gantt-track">
        {bar && (
          <i
            class={`rc-tone-${task.status}`}
            style={{ left: `${bar.left}%`, width: `${bar.width}%` }}
            title={`${name}: ${task.status}, ${duration(bar.seconds)}, from ${moment(bar.from)}`}
          />
        )}
        <span class="rc-hidden">
          {task.status}
          {bar ? `, ${duration(bar.seconds)}` : ""}
        </span>
      </div>
    </li>
  );
}

function asItem(task: TaskRow | undefined): Item | undefined {
  return task && { task };
}

function keyOf(item: Item): string {
  return "group" in item ? `group ${item.group}` : item.task.key;
}

/** Tasks under the name of their phase, else of their wave, in order of appearance. */
export function grouped(tasks: readonly TaskRow[]): Item[] {
  const groups = new Map<string, TaskRow[]>();
  for (const task of tasks) {
    const group = groupOf(task);
    const members = groups.get(group);
    if (members) members.push(task);
    else groups.set(group, [task]);
  }
  const only = groups.size === 1;
  return [...groups].flatMap(([group, members]) => {
    const rows: Item[] = members.map((task) => ({ task }));
    return only ? rows : [{ group, count: members.length }, ...rows];
  });
}

function groupOf(task: TaskRow): string {
  if (task.phase_name !== null) return task.phase_name;
  if (task.phase !== null) return `Phase ${task.phase}`;
  return task.wave === null ? "Other tasks" : `Wave ${task.wave}`;
}

/** Start and end of a task; some servers only report its end and its duration. */
function timesOf(task: TaskRow): { from: number; to: number | null } | null {
  if (task.started_at !== null) return { from: task.started_at, to: task.ended_at };
  if (task.ended_at === null || task.duration_s === null) return null;
  return { from: task.ended_at - task.duration_s * 1000, to: task.ended_at };
}

function spanOf(tasks: readonly TaskRow[], started: number | null, ended: number | null): Span | null {
  let from = started ?? Number.POSITIVE_INFINITY;
  let to = ended ?? -Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const times = timesOf(task);
    if (!times) continue;
    from = Math.min(from, times.from);
    to = Math.max(to, times.to ?? times.from);
  }
  return Number.isFinite(from) ? { from, to: Math.max(to, from + 1000) } : null;
}

function barOf(task: TaskRow, span: Span): { left: number; width: number; seconds: number; from: number } | null {
  const times = timesOf(task);
  if (!times) return null;
  const to = times.to ?? span.to;
  const left = share(span, times.from);
  return {
    left,
    width: Math.max(0, share(span, to) - left),
    seconds: Math.max(0, to - times.from) / 1000,
    from: times.from,
  };
}

function share(span: Span, at: number): number {
  return Math.min(100, Math.max(0, ((at - span.from) / (span.to - span.from)) * 100));
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];
const MOST_TICKS = 7;

/** Four to seven round times within the span. */
export function ticks({ from, to }: Span): number[] {
  const seconds = (to - from) / 1000;
  const step = STEPS_S.find((s) => seconds / s <= MOST_TICKS) ?? Math.ceil(seconds / MOST_TICKS / 86_400) * 86_400;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => from + i * step * 1000);
}
