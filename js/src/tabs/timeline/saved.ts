/** The timeline of the tasks that are here, for a page without a kernel: times, groups and states of the rows alone. */

import type {
  Head,
  LaneKind,
  TaskRow,
  TimelineBar,
  TimelineDensity,
  TimelineLane,
  TimelineWindow,
} from "../../kernel/contract";

const BUCKETS = 100;
const SLOWEST = 5;

interface Timed {
  row: TaskRow;
  start: number;
  end: number | null;
}

/** A window that holds every task that is here and has begun. */
export function savedWindow(tasks: readonly TaskRow[], by: LaneKind, head: Head): TimelineWindow {
  const timed = tasks.map(timesOf).filter((each): each is Timed => each !== null);
  timed.sort((a, b) => a.start - b.start);
  const starts = timed.map(({ start }) => start);
  const ends = timed.map(({ start, end }) => end ?? start);
  const origin = Math.min(...starts, head.started_at ?? Number.POSITIVE_INFINITY);
  const from = Number.isFinite(origin) ? origin : 0;
  const until = Math.max(1000, Math.max(from, ...ends, head.ended_at ?? 0) - from);
  const groups = grouped(timed, by);
  const lanes: TimelineLane[] = [];
  const bars: TimelineBar[] = [];
  let row = 0;
  for (const [name, members] of groups) {
    const rows = by === "task" ? members.map((_, at) => at) : rowsOf(members);
    const count = Math.max(...rows) + 1;
    members.forEach((each, at) => {
      bars.push(barOf(each, row + (rows[at] as number), lanes.length, from));
    });
    lanes.push({ index: lanes.length, name, row, rows: count, tasks: members.length });
    row += count;
  }
  const slowest = slowestOf(bars, until);
  return {
    by,
    origin: from,
    end: head.ended_at === null ? null : until,
    until,
    start: 0,
    stop: until,
    first: 0,
    rows: row,
    dense: false,
    lanes,
    lanes_total: lanes.length,
    bars,
    overview: densityOf(bars, until),
    waves: [],
    questions: [],
    slowest,
    path: { tasks: 0, work_s: 0, wait_s: 0 },
    tasks: timed.length,
    waiting: tasks.length - timed.length,
    workers: tasks.some(({ worker_id }) => worker_id !== null),
  };
}

/** Start and end of a task; some servers only report its end and its duration. */
function timesOf(row: TaskRow): Timed | null {
  if (row.started_at !== null) return { row, start: row.started_at, end: row.ended_at };
  if (row.ended_at === null) return null;
  return { row, start: row.ended_at - (row.duration_s ?? 0) * 1000, end: row.ended_at };
}

function grouped(timed: readonly Timed[], by: LaneKind): Map<string, Timed[]> {
  const groups = new Map<string, Timed[]>();
  for (const each of timed) {
    const name = by === "task" ? "" : groupOf(each.row, by);
    const members = groups.get(name);
    if (members) members.push(each);
    else groups.set(name, [each]);
  }
  return groups;
}

function groupOf(row: TaskRow, by: LaneKind): string {
  if (by === "worker") return row.worker_id ?? "No worker";
  if (by === "wave") return row.wave === null ? "No wave" : `Wave ${row.wave}`;
  return row.phase_name ?? (row.phase === null ? "No phase" : `Phase ${row.phase}`);
}

/** The topmost free row of each task, in the order of the starts. */
function rowsOf(members: readonly Timed[]): number[] {
  const busy: number[] = [];
  return members.map(({ start, end }) => {
    const free = busy.findIndex((until) => until <= start);
    const row = free < 0 ? busy.length : free;
    busy[row] = end ?? Number.POSITIVE_INFINITY;
    return row;
  });
}

function barOf({ row, start, end }: Timed, at: number, lane: number, origin: number): TimelineBar {
  const [from, to] = [start - origin, end === null ? null : end - origin];
  return {
    key: row.key,
    id: row.id,
    name: row.name || row.id,
    row: at,
    lane,
    status: row.status,
    start: from,
    end: to,
    segments: [[row.status === "paused" ? "paused" : "working", from, to]],
    ...(row.attempts !== null && row.attempts > 1 ? { attempts: row.attempts } : {}),
  };
}

function slowestOf(bars: TimelineBar[], until: number): TimelineWindow["slowest"] {
  const took = (bar: TimelineBar) => (bar.end ?? until) - bar.start;
  const slowest = [...bars].sort((a, b) => took(b) - took(a)).slice(0, SLOWEST);
  return slowest.map((bar, at) => {
    bar.rank = at + 1;
    return { key: bar.key, id: bar.id, name: bar.name, row: bar.row, start: bar.start, end: bar.end };
  });
}

function densityOf(bars: readonly TimelineBar[], until: number): TimelineDensity {
  const width = until / BUCKETS;
  const busy = Array.from({ length: BUCKETS }, (_, at) =>
    bars.reduce((sum, bar) => {
      const covered = Math.min(bar.end ?? until, (at + 1) * width) - Math.max(bar.start, at * width);
      return sum + Math.max(0, covered) / width;
    }, 0),
  );
  const peak = Math.max(...busy);
  const none = busy.map(() => 0);
  return { peak, busy: busy.map((n) => Math.ceil((n / (peak || 1)) * 100)), asked: none, failed: none, critical: none };
}
