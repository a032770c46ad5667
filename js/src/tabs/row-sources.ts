/** The sources of a view's rows: rows here, rows on request, rows that a recording still has. */
import { useMemo } from "preact/hooks";
import type { Row, TaskRow, TaskStatus } from "../kernel/contract";
import { useStore } from "../panel/context";
import type { Held, LogName, LogTables, Store } from "../state/store";
import type { LogRows, RowSource } from "../state/tables";

/** Milliseconds after which pages on screen are read again: rows beyond the picture get no patches. */
const STALE_MS = 1500;

export function listOf<R extends Row>(rows: readonly R[]): RowSource<R> {
  return { total: rows.length, at: (index) => rows[index] };
}

/** Returns a function that requests the rows on screen that are missing here. */
export function asker(store: Store, name: LogName): (from: number, to: number) => void {
  return (from, to) => store.wantLog(name, from, to);
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

export interface TaskSource {
  rows: RowSource<TaskRow>;
  /** The rows are in pages: only those on screen are here. */
  paged: boolean;
  /** The kernel is still searching. */
  searching: boolean;
  want: (from: number, to: number) => void;
}

/** Tasks with a status and a text, found here when all tasks are here, else by the kernel. */
export function useTasks(status: TaskStatus | null, search: string): TaskSource {
  const store = useStore("tasks", "pages", "attachment");
  const table = store.tables.tasks;
  const here = table.rows;
  const text = search.trim();
  const paged = store.reachable && table.total > here.length;
  const found = useMemo(
    () => listOf(here.filter((row) => matches(row, status, text.toLowerCase()))),
    [here, status, text],
  );
  if (!paged) return { rows: found, paged, searching: false, want: () => {} };
  const query = store.pages.query({ table: "tasks", status, search: text || null });
  const want = (from: number, to: number) => store.pages.want(query, from, to, STALE_MS);
  if (status !== null || text) {
    return { rows: query as RowSource<TaskRow>, paged, searching: !query.answered, want };
  }
  // The first rows are patched as things happen, so they are newer than any page.
  const at = (index: number) => table.at(index) ?? (query.at(index) as TaskRow | undefined);
  return { rows: { total: table.total, at }, paged, searching: false, want };
}

function matches(row: TaskRow, status: TaskStatus | null, text: string): boolean {
  if (status !== null && row.status !== status) return false;
  if (text === "") return true;
  return [row.name, row.id, row.phase_name, row.step, row.error].some((field) => field?.toLowerCase().includes(text));
}
