/** The sources of a view's rows: rows here, rows on request, rows that a recording still has. */
import { useMemo } from "preact/hooks";
import type { Row, TaskRow, TaskStatus } from "../kernel/contract";
import { useStore } from "../panel/context";
import type { Held, LogName, LogTables, Store } from "../state/store";
import type { KeyedRows, LogRows, RowSource } from "../state/tables";
import { count } from "../ui/format";

/** Milliseconds after which pages on screen are read again: rows beyond the picture get no patches. */
export const STALE_MS = 1500;

export function listOf<R extends Row>(rows: readonly R[]): RowSource<R> {
  return { total: rows.length, at: (index) => rows[index] };
}

export interface LogSource<R extends Row> {
  rows: RowSource<R>;
  /** Rows that a recording no longer has. */
  absent: number;
  want: (from: number, to: number) => void;
}

/** An append-only table: all of it with a kernel, else the saved part. */
export function logSource<N extends LogName>(store: Store, name: N): LogSource<Held[N]> {
  const logs: LogTables = store.tables;
  const log: LogRows<Held[N]> = logs[name];
  if (store.reachable) return { rows: log, absent: 0, want: (from, to) => store.wantLog(name, from, to) };
  const saved = log.loaded().map(({ row }) => row);
  return { rows: listOf(saved), absent: log.total - saved.length, want: () => {} };
}

/** The words for rows that a recording no longer has; undefined for none. */
export function notSaved({ absent }: { absent: number }): string | undefined {
  return absent > 0 ? `${count(absent)} not saved` : undefined;
}

/** The phases (the first are here) or waves (the newest are here): all of them with a kernel, else the saved part. */
export function partSource<N extends "phases" | "waves">(store: Store, name: N): LogSource<Held[N]> {
  const table = store.tables[name] as unknown as KeyedRows<Held[N]>;
  const here = table.rows;
  const absent = table.total - here.length;
  if (absent <= 0) return { rows: table, absent: 0, want: () => {} };
  if (!store.reachable) return { rows: listOf(here), absent, want: () => {} };
  const query = store.pages.query({ table: name, status: null, search: null });
  const first = name === "waves" ? absent : 0;
  const at = (index: number) => here[index - first] ?? (query.at(index) as Held[N] | undefined);
  const want = (from: number, to: number) => {
    // Only rows that are not here are requested.
    const [start, end] = name === "waves" ? [from, Math.min(to, first)] : [Math.max(from, here.length), to];
    if (start < end) store.pages.want(query, start, end, STALE_MS);
  };
  return { rows: { total: table.total, at }, absent: 0, want };
}

export interface TaskSource {
  rows: RowSource<TaskRow>;
  /** The rows are in pages: only those on screen are here. */
  paged: boolean;
  /** The kernel is still searching. */
  searching: boolean;
  want: (from: number, to: number) => void;
}

export interface TaskQuestion {
  status: TaskStatus | null;
  search: string;
  /** A name of `runconsole.view.choosing.ORDERS`. */
  sort: string | null;
  descending: boolean;
}

export const ALL_TASKS: TaskQuestion = { status: null, search: "", sort: null, descending: false };

/** Tasks with a status and a text, found and sorted here when all tasks are here, else by the kernel. */
export function useTasks({ status, search, sort, descending }: TaskQuestion): TaskSource {
  const store = useStore("tasks", "pages", "attachment");
  const table = store.tables.tasks;
  const here = table.rows;
  const text = search.trim();
  const paged = store.reachable && table.total > here.length;
  const found = useMemo(
    () =>
      listOf(
        sorted(
          here.filter((row) => matches(row, status, text.toLowerCase())),
          sort,
          descending,
        ),
      ),
    [here, status, text, sort, descending],
  );
  if (!paged) return { rows: found, paged, searching: false, want: () => {} };
  const query = store.pages.query({ table: "tasks", status, search: text || null, sort, descending });
  const want = (from: number, to: number) => store.pages.want(query, from, to, STALE_MS);
  // Rows of the picture are patched as things happen, so they are newer than any page.
  const newest = (row: TaskRow | undefined) => (row && table.get(row.key)) ?? row;
  const asked = (index: number) => newest(query.at(index) as TaskRow | undefined);
  const chosen = status !== null || text !== "";
  // Until an order is here, the rows stay as they are.
  if (chosen || (sort !== null && query.answered)) {
    return { rows: { total: query.total, at: asked }, paged, searching: !query.answered, want };
  }
  const at = (index: number) => table.at(index) ?? asked(index);
  return { rows: { total: table.total, at }, paged, searching: false, want };
}

const STATUS_ORDER: readonly TaskStatus[] = [
  "failed",
  "paused",
  "running",
  "pending",
  "cancelled",
  "skipped",
  "completed",
];

/** The value of a task for each order, as in the kernel. */
const ORDERS: Readonly<Record<string, (row: TaskRow) => string | number | null>> = {
  failed: (row) => Number(row.status !== "failed"),
  status: (row) => STATUS_ORDER.indexOf(row.status),
  name: (row) => (row.name || row.id).toLowerCase(),
  phase: (row) => row.phase ?? row.phase_name,
  wave: (row) => row.wave,
  step: (row) => row.step,
  subtasks: (row) => row.subtasks_total || null,
  progress: (row) => (row.status === "completed" ? 100 : row.progress),
  // What still runs may be the longest: the one that began first comes first.
  duration: (row) => (row.ended_at === null && row.started_at !== null ? 1e13 - row.started_at : row.duration_s),
  attempts: (row) => row.attempts,
  tokens: (row) => row.tokens,
  cost: (row) => row.cost_usd,
};

/** Sorted rows; unknown values come last, whichever the direction, and equal ones by arrival. */
function sorted(rows: TaskRow[], sort: string | null, descending: boolean): TaskRow[] {
  const value = ORDERS[sort ?? ""];
  if (!value) return rows;
  const compare = (a: string | number | null, b: string | number | null) => {
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return a === b ? 0 : a < b === descending ? 1 : -1;
  };
  return rows.sort((a, b) => compare(value(a), value(b)));
}

function matches(row: TaskRow, status: TaskStatus | null, text: string): boolean {
  if (status !== null && row.status !== status) return false;
  if (text === "") return true;
  return [row.name, row.id, row.phase_name, row.step, row.error].some((field) => field?.toLowerCase().includes(text));
}
