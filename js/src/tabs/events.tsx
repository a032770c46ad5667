/** Every event of the run in one line each, the newest first; found by type and text in the kernel. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { EventRow, LogQuery } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import type { Store } from "../state/store";
import type { RowSource } from "../state/tables";
import { Button } from "../ui/button";
import { Clip } from "../ui/clip";
import { CopyButton } from "../ui/copy";
import { count, plural } from "../ui/format";
import { Empty, Section } from "../ui/icons";
import { type Column, DataTable } from "../ui/table";
import { Time } from "./columns";
import { logSource } from "./row-sources";
import { TaskLink } from "./task-link";

/** Milliseconds between two looks at a log that grows. */
const FRESH_MS = 2000;
/** Types that are named at once. */
const NAMED = 8;
/** Signs of life, as the kernel knows them (`src/runconsole/search/query.py`). */
const HEARTBEATS = /(^|[._:-])(heart[_-]?beat|keep[_-]?alive|health[_-]?check|ping|pong|hb)s?$/i;

const EVENTS: readonly Column<EventRow>[] = [
  { heading: "At", width: 84, cell: (row) => <Time at={row.at} /> },
  {
    heading: "Event",
    width: [160, 3],
    cell: (row) => (
      <>
        <Clip>{row.meaning ?? row.payload}</Clip>
        {row.kind !== "known" && row.type !== row.kind && <span class={`rc-chip rc-chip-${row.kind}`}>{row.kind}</span>}
      </>
    ),
  },
  {
    heading: "Type",
    width: [110, 0.8],
    hideBelow: 620,
    cell: (row) => <code class="rc-clip rc-note">{row.type}</code>,
  },
];

interface Choice {
  text: string;
  types: readonly string[];
  heartbeats: boolean;
}

const EVERYTHING: Choice = { text: "", types: [], heartbeats: false };

export function Events() {
  const store = useStore("events", "pages", "attachment");
  const [choice, setChoice] = useState(EVERYTHING);
  const counts = useCounts(store);
  const { rows, absent, want, note } = useEvents(store, choice, counts);
  const { total } = store.tables.events;
  return (
    <Section title="Events" note={note}>
      {store.reachable && total > 0 && <Filters choice={choice} change={setChoice} counts={counts} />}
      {total === 0 || absent === total ? (
        <Empty>{absent > 0 ? "The events were not saved with the notebook." : "No events yet."}</Empty>
      ) : (
        <DataTable
          key={JSON.stringify(choice)}
          name="Events"
          empty="No event is like that."
          columns={EVENTS}
          rows={rows}
          reversed
          detail={eventDetail}
          label={eventLabel}
          onSeen={want}
        />
      )}
    </Section>
  );
}

/** The number of events of each type in the whole log, the most frequent first. */
function useCounts(store: Store): readonly (readonly [string, number])[] {
  const [types, setTypes] = useState<Record<string, number>>({});
  const grows = store.reachable && store.head?.link === "live";
  const look = Math.floor(useNow(grows) / FRESH_MS);
  const { total } = store.tables.events;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at again from time to time while it grows
  useEffect(
    () => (store.reachable && total > 0 ? (store.details.types(setTypes) as () => void) : undefined),
    [store, store.reachable, grows ? look : total],
  );
  return useMemo(() => Object.entries(types).sort((a, b) => b[1] - a[1]), [types]);
}

/** The events that are wanted: the newest come by themselves where all are wanted, else the kernel is asked. */
function useEvents(store: Store, choice: Choice, counts: readonly (readonly [string, number])[]) {
  const { text, types, heartbeats } = choice;
  const log = store.tables.events;
  const all = logSource(store, "events");
  const query = useMemo((): LogQuery => ({ text, types: [...types], heartbeats }), [text, types, heartbeats]);
  const hidden = counts.filter(([type]) => HEARTBEATS.test(type)).reduce((sum, [, number]) => sum + number, 0);
  const everything = text === "" && types.length === 0 && (heartbeats || hidden === 0);
  if (!store.reachable || everything) {
    return { ...all, note: all.absent > 0 ? `${count(all.absent)} not saved` : count(log.total) };
  }
  const pages = store.pages.query({ table: "events", status: null, search: null, query });
  const live = store.head?.link === "live";
  const want = (from: number, to: number) => {
    store.pages.want(pages, from, to, live && to >= pages.total ? FRESH_MS : Number.POSITIVE_INFINITY);
  };
  const note = pages.answered ? `${count(pages.total)} of ${count(log.total)}` : "searching…";
  return { rows: pages as RowSource<EventRow>, absent: 0, want, note };
}

interface FiltersProps {
  choice: Choice;
  change: (choice: Choice) => void;
  counts: readonly (readonly [string, number])[];
}

function Filters({ choice, change, counts }: FiltersProps) {
  const [more, setMore] = useState(false);
  const beats = counts.filter(([type]) => HEARTBEATS.test(type)).reduce((sum, [, number]) => sum + number, 0);
  const types = counts.filter(([type]) => !HEARTBEATS.test(type));
  const named = types.filter(([type], i) => more || i < NAMED || choice.types.includes(type));
  const toggle = (type: string) => {
    const others = choice.types.filter((other) => other !== type);
    change({ ...choice, types: others.length < choice.types.length ? others : [...others, type] });
  };
  return (
    <div class="rc-toolbar">
      <input
        type="search"
        class="rc-input"
        placeholder="Search events"
        aria-label="Search events"
        value={choice.text}
        onInput={(event) => change({ ...choice, text: event.currentTarget.value })}
      />
      <div class="rc-chips" role="group" aria-label="Types of events">
        {named.map(([type, number]) => (
          <Chip
            key={type}
            pressed={choice.types.includes(type)}
            press={() => toggle(type)}
            name={type}
            number={number}
          />
        ))}
        {named.length < types.length && (
          <Button class="rc-link-button" onClick={() => setMore(true)}>
            {plural(types.length - named.length, "more type")}
          </Button>
        )}
        {beats > 0 && choice.types.length === 0 && (
          <Chip
            pressed={choice.heartbeats}
            press={() => change({ ...choice, heartbeats: !choice.heartbeats })}
            name={choice.heartbeats ? "heartbeats" : "heartbeats hidden"}
            number={beats}
          />
        )}
      </div>
    </div>
  );
}

function Chip(props: { pressed: boolean; press: () => void; name: string; number: number }) {
  return (
    <Button class="rc-chip-button" aria-pressed={props.pressed} onClick={props.press}>
      {props.name} <span class="rc-of">{count(props.number)}</span>
    </Button>
  );
}

const eventLabel = (row: EventRow) => row.meaning ?? `${row.type}${row.task ? ` of ${row.task}` : ""}`;
const eventDetail = (row: EventRow) => <EventDetail row={row} />;

function EventDetail({ row }: { row: EventRow }) {
  const { payload } = useFull("events", row);
  const text = indented(payload);
  return (
    <>
      <div class="rc-commands">
        <code>{row.type}</code>
        {row.task && <TaskLink id={row.task} />}
        <CopyButton text={() => text} title="Copy the JSON" />
      </div>
      <pre class="rc-pre">{text}</pre>
    </>
  );
}

function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    // Cut or malformed: it is shown unchanged.
    return json;
  }
}
