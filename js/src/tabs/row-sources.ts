/** The sources of a view's rows: rows here, rows on request, rows that a recording still has. */
import { useMemo } from "preact/hooks";
import type { Row, TaskRow, TaskStatus } from "../kernel/contract";
import { useStore } from "../panel/context";
import type { Held, LogName, LogTables, Store } from "../state/store";
import type { KeyedRows, LogRows, RowSource } from "../state/tables";
import { count } from "../ui/format";

/** Milliseconds after which pages on screen are read again: rows beyond the picture get no patches. */
const STALE_MS = 1500;

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
