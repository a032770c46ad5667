/** The agents' output: every line, the newest in sight. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { OutputRow } from "../kernel/contract";
import { useStore } from "../panel/context";
import type { RowSource } from "../state/tables";
import { plain } from "../ui/ansi";
import { Button } from "../ui/button";
import { Choice } from "../ui/choice";
import { CopyButton } from "../ui/copy";
import { count, plural } from "../ui/format";
import { Empty, Icon } from "../ui/icons";
import { type Layout, useScroller } from "../ui/virtual";
import { Line } from "./lines";
import { listOf, logSource } from "./row-sources";

const LINE_HEIGHT = 18;
/** Lines requested before and behind those on screen. */
const AHEAD = 100;
const NO_EXTRAS: ReadonlyMap<number, number> = new Map();

const STREAMS: readonly (readonly [Filter["stream"], string])[] = [
  ["", "stdout and stderr"],
  ["stdout", "stdout"],
  ["stderr", "stderr"],
];

interface Filter {
  task: string;
  stream: "" | OutputRow["stream"];
  search: string;
}

export function Output() {
  const store = useStore("output", "pages", "attachment");
  const [filter, setFilter] = useState<Filter>({ task: "", stream: "", search: "" });
  const log = store.tables.output;
  const { rows, absent, want } = logSource(store, "output");
  const filtered = filter.task !== "" || filter.stream !== "" || filter.search.trim() !== "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: the log is one object; its generation says when it changed
  const loaded = useMemo(() => log.loaded().map(({ row }) => row), [log, log.generation]);
  const matching = useMemo(() => (filtered ? loaded.filter(matcher(filter)) : loaded), [loaded, filter, filtered]);
  const tasks = useMemo(() => [...new Set(loaded.map((row) => row.task ?? ""))].filter(Boolean).sort(), [loaded]);
  const shown: RowSource<OutputRow> = filtered ? listOf(matching) : rows;
  const copy = () => matching.map((row) => plain(row.text)).join("\n");
  return (
    <>
      <div class="rc-toolbar">
        <input
          type="search"
          class="rc-input"
          placeholder="Filter lines"
          aria-label="Filter lines"
          value={filter.search}
          onInput={(event) => setFilter({ ...filter, search: event.currentTarget.value })}
        />
        {tasks.length > 1 && (
          <Choice
            kind="input"
            name="Task"
            value={filter.task}
            of={[["", "All tasks"], ...tasks.map((task) => [task, task] as const)]}
            pick={(task) => setFilter({ ...filter, task })}
          />
        )}
        <Choice
          kind="input"
          name="Stream"
          value={filter.stream}
          of={STREAMS}
          pick={(stream) => setFilter({ ...filter, stream })}
        />
        <span class="rc-note rc-toolbar-note">
          {filtered
            ? `${count(matching.length)} of ${plural(loaded.length, "loaded line")}${loaded.length < log.total ? ` (${count(log.total)} in all)` : ""}`
            : `${plural(log.total, "line")}${absent > 0 ? `, ${count(absent)} not saved` : ""}`}
        </span>
        <CopyButton text={copy} title="Copy the loaded lines" />
      </div>
      {log.total === 0 ? (
        <Empty>No output yet.</Empty>
      ) : (
        <Log
          key={filtered ? "filtered" : "all"}
          rows={shown}
          tagged={tasks.length > 1}
          onSeen={filtered ? undefined : want}
        />
      )}
    </>
  );
}

interface LogProps {
  rows: RowSource<OutputRow>;
  tagged: boolean;
  onSeen: ((from: number, to: number) => void) | undefined;
}

function Log({ rows, tagged, onSeen }: LogProps) {
  const layout: Layout = { count: rows.total, rowHeight: LINE_HEIGHT, extras: NO_EXTRAS };
  const scroller = useScroller({ layout, follow: true });
  const { start, end, top, height: full } = scroller.window;
  // At the end new lines come by themselves; elsewhere the next ones are requested before they are visible.
  const ahead = scroller.atEnd ? 0 : AHEAD;
  useEffect(() => onSeen?.(start - ahead, end + ahead));
  return (
    <div class="rc-log-frame rc-fills">
      <div
        role="log"
        aria-label="Output"
        // New lines are not read out: a run writes more than anybody can listen to.
        aria-live="off"
        class="rc-log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
        tabIndex={0}
        ref={scroller.ref}
        onScroll={scroller.onScroll}
      >
        <div class="rc-log-body" style={{ height: `${full}px` }}>
          <div style={{ transform: `translateY(${top}px)` }}>
            {Array.from({ length: end - start }, (_, i) => {
              const row = rows.at(start + i);
              if (!row) return <div key={`at ${start + i}`} class="rc-line rc-line-waiting" />;
              return <Line key={row.key} row={row} tagged={tagged} />;
            })}
          </div>
        </div>
      </div>
      {!scroller.atEnd && (
        <Button class="rc-button rc-small rc-jump" onClick={scroller.toEnd}>
          <Icon name="down" />
          Jump to latest
        </Button>
      )}
    </div>
  );
}

function matcher({ task, stream, search }: Filter): (row: OutputRow) => boolean {
  const text = search.trim().toLowerCase();
  return (row) =>
    (task === "" || row.task === task) &&
    (stream === "" || row.stream === stream) &&
    (text === "" || plain(row.text).toLowerCase().includes(text));
}
