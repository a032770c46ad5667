/** Rows in groups: made by the kernel where the run has more rows than are here, else here. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { AskPage, Row } from "../kernel/contract";
import { useNow, usePanel } from "../panel/context";
import type { Held, Store } from "../state/store";
import type { RowSource } from "../state/tables";
import { listOf, STALE_MS } from "./row-sources";

type Grouped = "errors" | "artifacts";

export interface GroupSource<G extends Row> {
  rows: RowSource<G>;
  want: (from: number, to: number) => void;
}

/** `make`: the groups of rows that are all here; an unchanging function. */
export function useGroups<N extends Grouped, G extends Row>(
  store: Store,
  name: N,
  sort: string | null,
  make: (rows: Held[N][], sort: string | null) => G[],
): GroupSource<G> {
  const rows = hereOf(store, name);
  const all = rows.length >= store.tables[name].total || !store.reachable;
  // Pages are read again as time passes.
  useNow(!all && store.head?.link === "live");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the revision says when the rows changed
  const made = useMemo(() => listOf(all ? make(rows, sort) : []), [all, sort, store.revision(name)]);
  if (all) return { rows: made, want: () => {} };
  const query = store.pages.query({ table: tableOf(name), status: null, search: null, sort });
  return {
    rows: query as unknown as RowSource<G>,
    want: (from, to) => store.pages.want(query, from, to, STALE_MS),
  };
}

function tableOf(name: Grouped): AskPage["table"] {
  return name === "errors" ? "error_groups" : "artifact_groups";
}

function hereOf<N extends Grouped>(store: Store, name: N): Held[N][] {
  return store.tables[name].loaded().map(({ row }) => row as Held[N]);
}

/** The newest rows of a group, the newest first; `count` of them exist. */
export function useMembers<N extends Grouped>(
  name: N,
  of: string,
  sort: string | null,
  count: number,
  belongs: (row: Held[N]) => boolean,
): Held[N][] {
  const { store } = usePanel();
  const [answer, setAnswer] = useState<Held[N][] | null>(null);
  const here = hereOf(store, name).filter(belongs).reverse();
  const asks = store.reachable && here.length < count;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another number of rows is another answer
  useEffect(() => {
    if (!asks) return undefined;
    return store.details.members(name, of, sort, (rows) => setAnswer(rows as Held[N][]));
  }, [store, name, of, sort, asks, count]);
  return asks && answer ? answer : here;
}
