/** The agents' output: every line, searched and filtered in the kernel. */

import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { LogQuery, OutputRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import { useView } from "../panel/view";
import { type Found, finder, findHere, type Wanted } from "../state/log-search";
import type { OutputView } from "../state/memory";
import type { Store } from "../state/store";
import type { RowSource } from "../state/tables";
import { plain } from "../ui/ansi";
import { count, plural } from "../ui/format";
import { Empty } from "../ui/icons";
import { Log } from "./log";
import { OutputTools } from "./output-tools";
import { listOf, logSource } from "./row-sources";

/** A person who types is not interrupted by the answer to each letter. */
const TYPING_MS = 150;
/** Milliseconds between two looks at a log that grows. */
const FRESH_MS = 1000;

export function Output() {
  const store = useStore("output", "pages", "attachment", "head");
  const { output: kept = {}, change } = useView();
  const set = (more: OutputView) => change({ output: { ...kept, ...more } });
  const { task = "", stream = "", text = "", regex = false, only = false } = kept;
  const key = JSON.stringify({ task, stream, ...(only && { text, regex }) });
  const shown = useMemo((): LogQuery => JSON.parse(key), [key]);
  const source = useLines(store, shown);
  const [target, setTarget] = useState<{ place: number } | null>(null);
  const [chosen, setChosen] = useState<readonly [number, number] | null>(null);
  const top = useRef(0);
  const looking = useLooking(store, source, shown, { text, regex }, top, setTarget);
  const marks = useMemo(() => (text ? finder({ text, regex }) : null), [text, regex]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other lines are at the chosen places then
  useEffect(() => setChosen(null), [shown]);
  const choose = useCallback((place: number, extend: boolean) => {
    setChosen((old) => {
      if (old && extend) return [Math.min(old[0], place), Math.max(old[1], place)];
      return old?.[0] === place && old[1] === place ? null : [place, place];
    });
  }, []);
  const tagged = useSeveral(store.tables.output.tail(200)) || task !== "";
  const total = store.tables.output.total;
  return (
    <>
      <OutputTools view={kept} set={set} looking={looking} source={source} chosen={chosen} tagged={tagged} />
      {total === 0 ? (
        <Empty>No output yet.</Empty>
      ) : source.rows.total === 0 && !source.searching ? (
        <Empty>
          {source.filtered ? `None of ${plural(total, "line")} is like that.` : "The output was not saved."}
        </Empty>
      ) : (
        <Log
          key={key}
          rows={source.rows}
          onSeen={(from, to, first) => {
            top.current = first;
            source.want(from, to);
          }}
          target={target}
          current={looking.found?.line ?? null}
          chosen={chosen}
          choose={choose}
          finder={marks}
          tagged={tagged}
          stamped={kept.times ?? false}
          wrapped={kept.wrap ?? false}
        />
      )}
    </>
  );
}

export interface Lines {
  rows: RowSource<OutputRow>;
  query: LogQuery;
  filtered: boolean;
  searching: boolean;
  /** Lines that were not saved with the notebook. */
  absent: number;
  want: (from: number, to: number) => void;
}

/** The shown lines: found by the kernel, or among those that are here. */
function useLines(store: Store, query: LogQuery): Lines {
  const all = logSource(store, "output");
  const filtered = Boolean(query.task || query.stream || query.text);
  // biome-ignore lint/correctness/useExhaustiveDependencies: without a kernel the saved lines never change
  const here = useMemo(
    () => (filtered && !store.reachable ? chosenOf(all.rows, query) : null),
    [filtered, store.reachable, query],
  );
  if (here) return { ...all, rows: here, query, filtered, searching: false };
  if (!filtered) return { ...all, query, filtered, searching: false };
  const pages = store.pages.query({ table: "output", status: null, search: null, query });
  const grows = store.head !== null && store.head.link === "live";
  const want = (from: number, to: number) => {
    // The end of the filtered log moves as long as lines come.
    store.pages.want(pages, from, to, grows && to >= pages.total ? FRESH_MS : Number.POSITIVE_INFINITY);
  };
  return { rows: pages as RowSource<OutputRow>, query, filtered, searching: !pages.answered, absent: 0, want };
}

function chosenOf(
  rows: RowSource<OutputRow>,
  { task, stream, text = "", regex = false }: LogQuery,
): RowSource<OutputRow> {
  const ranges = finder({ text, regex });
  const wanted = (task ?? "").toLowerCase();
  const all = Array.from({ length: rows.total }, (_, i) => rows.at(i)).filter((row) => row !== undefined);
  return listOf(
    all.filter(
      (row) =>
        `${row.name} · ${row.task}`.toLowerCase().includes(wanted) &&
        (!stream || row.stream === stream) &&
        (!text || ranges(plain(row.text)).length > 0),
    ),
  );
}

export interface Looking {
  found: Found | null;
  /** The matches are errors. */
  errors: boolean;
  /** The outcome in words. */
  says: string;
  isError: boolean;
  /** Goes on to the next match, or back to the one before. */
  go: (step: number, errors?: boolean) => void;
}

/** The search in the shown lines, as a person types, steps and lines come. */
function useLooking(
  store: Store,
  source: Lines,
  shown: LogQuery,
  typed: { text: string; regex: boolean },
  top: { current: number },
  show: (target: { place: number }) => void,
): Looking {
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  const search = useMemo(() => store.searchLog(repaint), [store]);
  const [here, setHere] = useState<Found | null>(null);
  const [errors, setErrors] = useState(false);
  const { text, regex } = typed;
  const reachable = store.reachable;
  const found = reachable ? search.found : here;
  const latest = useRef<(step: number, of: Wanted, moves: boolean) => void>(() => {});
  latest.current = (step, of, moves) => {
    const number = Number(source.rows.at(top.current)?.key ?? top.current);
    const near = found?.line ?? number;
    const done = (result: Found) => {
      if (moves && result.line !== null) show({ place: result.place });
    };
    if (reachable) search.ask(shown, of, near, step, done);
    else {
      const result = findHere(source.rows, of, near, step);
      setHere(result);
      done(result);
    }
  };
  useEffect(() => () => store.endSearch(search), [store, search]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another question, or somebody else who answers it
  useEffect(() => {
    setErrors(false);
    search.stop();
    setHere(null);
    repaint();
    if (text === "") return undefined;
    const timer = setTimeout(() => latest.current(0, { text, regex }, true), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, regex, shown, reachable]);
  const of = errors ? { errors } : { text, regex };
  useFresh(store.tables.output.total, reachable && found !== null && !search.busy, () => latest.current(0, of, false));
  const go = (step: number, bad = errors && text === "") => {
    setErrors(bad);
    latest.current(found ? step : Math.min(step, 0), bad ? { errors: true } : { text, regex }, true);
  };
  const says = search.error ?? wordsFor(found, errors, search.busy, reachable ? null : source.rows.total);
  return { found, errors, says, isError: search.error !== null, go };
}

/** Calls back a while after the log has grown. */
function useFresh(total: number, wanted: boolean, look: () => void): void {
  const latest = useRef(look);
  latest.current = look;
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const known = useRef(total);
  useEffect(() => {
    if (!wanted || timer.current !== null || known.current === total) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      latest.current();
    }, FRESH_MS);
    known.current = total;
  }, [total, wanted]);
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);
}

function wordsFor(found: Found | null, errors: boolean, busy: boolean, saved: number | null): string {
  const where = saved === null ? "" : ` in the ${plural(saved, "line")} here`;
  if (!found) return busy ? "searching…" : "";
  if (found.matches === 0) return `no ${errors ? "error" : "match"}${where}`;
  return `${errors ? "error " : ""}${count(found.ordinal + 1)} of ${count(found.matches)}${where}`;
}

/** True once lines of several tasks were seen. */
function useSeveral(newest: readonly OutputRow[]): boolean {
  const several = useRef(false);
  several.current ||= newest.some((row) => row.task !== newest[0]?.task);
  return several.current;
}
