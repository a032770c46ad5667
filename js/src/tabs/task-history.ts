/** A task with its history: from the kernel while there is one, else from the rows that are here. */

import { useEffect, useState } from "preact/hooks";
import type { TaskRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import type { KnownTask } from "../state/details";
import type { Store } from "../state/store";

/** Milliseconds after which the history is asked for again, if anything has changed. */
const AGAIN_MS = 2000;

/** `undefined`: not known yet; `null`: there is no such task. */
export function useTask(id: string): KnownTask | null | undefined {
  const store = useStore("tasks", "active", "attachment");
  const [answer, setAnswer] = useState<{ of: string; known: KnownTask | null } | null>(null);
  const { reachable } = store;
  useEffect(() => {
    if (!reachable) return undefined;
    let asked = -1;
    let stop = () => {};
    const ask = () => {
      if (asked === store.version) return;
      asked = store.version;
      stop();
      stop = store.details.task(id, (known) => setAnswer({ of: id, known }));
    };
    ask();
    const timer = setInterval(ask, AGAIN_MS);
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [store, id, reachable]);
  const here = rowOf(store, id);
  const known = answer?.of === id ? answer.known : undefined;
  if (known) return here ? { ...known, row: { ...here, details: known.row.details ?? [] } } : known;
  return here ? { row: here, history: savedHistory(store, id) } : known;
}

function rowOf(store: Store, id: string): TaskRow | undefined {
  const { tasks, active } = store.tables;
  return [...tasks.rows, ...active.rows].find((row) => row.id === id);
}

function savedHistory({ tables }: Store, id: string): KnownTask["history"] {
  const own = <R extends { task: string | null }>(rows: { row: R }[]) =>
    rows.map(({ row }) => row).filter(({ task }) => task === id);
  const errors = own(tables.errors.loaded());
  const files = own(tables.artifacts.loaded());
  const questions = tables.checkpoints.rows
    .filter(({ task }) => task === id)
    .map(({ key, title, status, decision, decided_by, requested_at, decided_at }) => ({
      ...{ key, title, status, answer: decision, by: decided_by },
      ...{ asked_at: requested_at, decided_at },
    }));
  return {
    errors,
    errors_total: errors.length,
    files,
    files_total: files.length,
    questions,
    questions_total: questions.length,
    output: own(tables.output.loaded()).slice(-60),
    output_searched: tables.output.total,
  };
}
