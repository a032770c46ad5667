/** The tools above the output: search, filters, the look of the lines, copies. */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useReducer, useState } from "preact/hooks";
import type { WriterRow } from "../kernel/contract";
import { useStore, useUniqueId } from "../panel/context";
import { textWithGaps } from "../state/log-text";
import type { OutputView } from "../state/memory";
import { plain } from "../ui/ansi";
import { Button } from "../ui/button";
import { Choice } from "../ui/choice";
import { CopyButton } from "../ui/copy";
import { count, percent, plural } from "../ui/format";
import { Icon, type IconName } from "../ui/icons";
import type { Lines, Looking } from "./output";

const STREAMS: readonly (readonly [string, string])[] = [
  ["", "stdout and stderr"],
  ["stdout", "stdout"],
  ["stderr", "stderr"],
];

export interface OutputToolsProps {
  view: OutputView;
  set: (more: OutputView) => void;
  looking: Looking;
  source: Lines;
  chosen: readonly [number, number] | null;
  tagged: boolean;
}

export function OutputTools({ view, set, looking, source, chosen, tagged }: OutputToolsProps) {
  const { text = "", regex = false, only = false, stream = "", task = "", times = false, wrap = false } = view;
  return (
    <div class="rc-toolbar rc-output-tools">
      <span class="rc-search">
        <input
          type="search"
          class="rc-input"
          placeholder="Search output"
          aria-label="Search output"
          value={text}
          onInput={(event) => set({ text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "Enter" && text) looking.go(event.shiftKey ? -1 : 1, false);
            if (event.key !== "Escape" || !text) return;
            event.preventDefault();
            set({ text: "" });
          }}
        />
        <Toggle name="Regular expression" on={regex} set={(regex) => set({ regex })}>
          .*
        </Toggle>
        <Tool name="Previous match" icon="up" press={() => looking.go(-1)} off={!looking.found} />
        <Tool name="Next match" icon="down" press={() => looking.go(1)} off={!looking.found} />
        <Toggle name="Only matching lines" icon="filter" on={only} set={(only) => set({ only })} />
      </span>
      <span role="status" aria-label="Matches" class={`rc-matches${looking.isError ? " rc-tone-failed" : ""}`}>
        {looking.says}
      </span>
      <Button
        class="rc-button rc-small rc-next-error"
        aria-label="Next error"
        title="The next line of stderr, or that looks like an error"
        onClick={() => looking.go(1, true)}
      >
        <Icon name="warn" />
        <span>Next error</span>
      </Button>
      {tagged && <TaskFilter task={task} pick={(task) => set({ task })} />}
      <Choice kind="input" name="Stream" value={stream} of={STREAMS} pick={(stream) => set({ stream })} />
      <span class="rc-tools">
        <Toggle name="Timestamps" icon="clock" on={times} set={(times) => set({ times })} />
        <Toggle name="Wrap lines" icon="wrap" on={wrap} set={(wrap) => set({ wrap })} />
        <Copies source={source} chosen={chosen} stamped={times} />
      </span>
      <Total source={source} />
    </div>
  );
}

function Tool(props: { name: string; icon: IconName; press: () => void; off?: boolean }) {
  const { name, icon, press, off = false } = props;
  return (
    <Button class="rc-icon-button" aria-label={name} title={name} aria-disabled={off} onClick={() => !off && press()}>
      <Icon name={icon} />
    </Button>
  );
}

function Toggle(props: {
  name: string;
  icon?: IconName;
  on: boolean;
  set: (on: boolean) => void;
  children?: ComponentChildren;
}) {
  const { name, icon, on, set, children } = props;
  return (
    <Button class="rc-icon-button" aria-label={name} title={name} aria-pressed={on} onClick={() => set(!on)}>
      {icon ? <Icon name={icon} /> : children}
    </Button>
  );
}

/** A task by its id or name, or by a part of them, with those that have output to choose from. */
function TaskFilter({ task, pick }: { task: string; pick: (task: string) => void }) {
  const store = useStore("attachment");
  const id = useUniqueId();
  const [writers, setWriters] = useState<readonly WriterRow[]>([]);
  const [open, setOpen] = useState(false);
  useEffect(
    () => (open && store.reachable ? store.details.writers(task, setWriters) : undefined),
    [open, store, store.reachable, task],
  );
  return (
    <>
      <input
        type="search"
        class="rc-input rc-task-filter"
        aria-label="Task"
        placeholder="All tasks"
        list={id}
        value={task}
        onFocus={() => setOpen(true)}
        onInput={(event) => pick(event.currentTarget.value)}
      />
      <datalist id={id}>
        {writers.map(({ key, label }) => (
          <option key={key} value={label} />
        ))}
      </datalist>
    </>
  );
}

/** Copy and download, of the chosen lines, else of all shown ones. */
function Copies({ source, chosen, stamped }: Pick<OutputToolsProps, "source" | "chosen"> & { stamped: boolean }) {
  const store = useStore("attachment", "output");
  const [, repaint] = useReducer<number, void>((n) => n + 1, 0);
  const texts = useMemo(() => store.logText(repaint), [store]);
  useEffect(() => () => store.endSearch(texts), [store, texts]);
  const [from, to] = chosen ? [chosen[0], chosen[1] + 1] : [0, source.rows.total];
  const what = chosen ? plural(to - from, "chosen line") : source.filtered ? "the shown lines" : "the whole output";
  const collect = async (): Promise<string[]> => {
    if (store.reachable) {
      const ends = chosen ? { from, to } : {};
      return texts.collect({ query: source.query, ...ends, stamped });
    }
    const here = Array.from({ length: to - from }, (_, i) => source.rows.at(from + i)).filter(
      (row) => row !== undefined,
    );
    const { total } = store.tables.output;
    if (!source.filtered) return [textWithGaps(here, chosen ? null : total)];
    return [
      `… found in the lines that are here, of ${count(total)} in all …\n`,
      ...here.map((row) => `${plain(row.text)}\n`),
    ];
  };
  const save = async () => {
    const parts = await collect().catch(() => null);
    if (!parts) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
    link.download = `${(store.head?.title ?? "run").replace(/[^\p{L}\p{N}._-]+/gu, "-")}-output.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const { progress } = texts;
  return (
    <>
      {progress !== null && (
        <Button class="rc-button rc-small" onClick={() => texts.cancel()}>
          Cancel · {percent(100 * progress)}
        </Button>
      )}
      <span class="rc-tools" style={progress === null ? undefined : { display: "none" }}>
        <CopyButton text={async () => (await collect()).join("")} title={`Copy ${what}`} />
        <Tool name={`Download ${what}`} icon="save" press={save} />
      </span>
    </>
  );
}

function Total({ source }: { source: Lines }) {
  const total = useStore("output").tables.output.total;
  const { rows, filtered, searching, absent } = source;
  const words = searching
    ? "searching…"
    : filtered
      ? `${count(rows.total)} of ${plural(total, "line")}`
      : `${plural(total, "line")}${absent > 0 ? `, ${count(absent)} not saved` : ""}`;
  return <span class="rc-note rc-toolbar-note">{words}</span>;
}
