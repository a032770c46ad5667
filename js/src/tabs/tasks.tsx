/** All tasks: found by status and text, sorted by any column, unfolded for their parts, opened in their drawer. */

import { useCallback, useState } from "preact/hooks";
import type { TaskRow, TaskStatus } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import { useView } from "../panel/view";
import type { TaskChoice } from "../state/memory";
import { Choice } from "../ui/choice";
import { count } from "../ui/format";
import { DataTable } from "../ui/table";
import { seconds, TASKS } from "./columns";
import { FilterChip } from "./filter-chip";
import { useTasks } from "./row-sources";
import { Subtasks } from "./subtasks";
import { Attempts } from "./task-drawer";
import { useTask } from "./task-history";

const STATUSES: readonly TaskStatus[] = ["running", "pending", "paused", "completed", "failed", "cancelled", "skipped"];
const USUAL: TaskChoice = { status: null, sort: null, descending: false };
/** Columns whose largest values a person looks for first. */
const LARGEST_FIRST: readonly string[] = ["duration", "tokens", "cost", "attempts", "subtasks"];

export function Tasks() {
  const store = useStore("tasks", "head");
  const { tasks: choice = USUAL, change, openTask } = useView();
  const { status, sort, descending } = choice;
  const [search, setSearch] = useState("");
  const choose = (changed: Partial<TaskChoice>) => change({ tasks: { ...choice, ...changed } });
  const counts = store.head?.counts;
  // What failed is what people look for.
  const order = sort ?? ((counts?.failed ?? 0) > 0 && status === null ? "failed" : null);
  const source = useTasks({ status, search, sort: order, descending });
  // Pages are read again as time passes: their rows get no patches.
  useNow(source.paged && store.head?.link === "live");
  const open = useCallback((row: TaskRow) => openTask(row.id), [openTask]);
  const total = store.tables.tasks.total;
  const sorting = { by: sort, descending, sort: (by: string) => choose(nextOrder(choice, by)) };
  return (
    <>
      <div class="rc-toolbar">
        <input
          type="search"
          class="rc-input"
          placeholder="Filter tasks"
          aria-label="Filter tasks"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <span class="rc-folded-only">
          <Choice kind="input" name="Sort tasks" value={sort ?? ""} of={SORTS} pick={(by) => choose(firstOrder(by))} />
        </span>
        <div class="rc-chips rc-chips-line" role="group" aria-label="Status">
          <FilterChip name="all" number={total} pressed={status === null} press={() => choose({ status: null })} />
          {STATUSES.filter((name) => (counts?.[name] ?? 0) > 0 || status === name).map((name) => (
            <FilterChip
              key={name}
              name={name}
              number={counts?.[name] ?? 0}
              pressed={status === name}
              press={() => choose({ status: status === name ? null : name })}
            />
          ))}
        </div>
        <span class="rc-note rc-toolbar-note">
          {source.searching
            ? "searching…"
            : source.rows.total === total
              ? ""
              : `${count(source.rows.total)} of ${count(total)}`}
        </span>
      </div>
      <DataTable
        key={`${status} ${search} ${sort} ${descending}`}
        name="Tasks"
        fills
        empty={source.searching ? "" : total === 0 ? "No tasks yet." : "No task is like that."}
        columns={TASKS}
        rows={source.rows}
        open={open}
        folds={hasParts}
        detail={parts}
        label={taskLabel}
        length={seconds}
        sorting={sorting}
        onSeen={source.want}
      />
    </>
  );
}

const SORTS: readonly (readonly [string, string])[] = [
  ["", "Sort: usual"],
  ...TASKS.flatMap(({ sort, heading }) => (sort ? [[sort, `Sort: ${heading.toLowerCase()}`] as const] : [])),
];

function firstOrder(by: string): Partial<TaskChoice> {
  return by === "" ? { sort: null, descending: false } : { sort: by, descending: LARGEST_FIRST.includes(by) };
}

/** The order after a press on a heading: the other direction, then the usual order again. */
function nextOrder({ sort, descending }: TaskChoice, by: string): Partial<TaskChoice> {
  const first = firstOrder(by);
  if (sort !== by) return first;
  return descending === first.descending ? { descending: !descending } : { sort: null, descending: false };
}

const taskLabel = (row: TaskRow) => row.name || row.id;
const hasParts = (row: TaskRow) => row.subtasks_total > 0 || row.attempts !== null;
const parts = (row: TaskRow) => <Parts row={row} />;

/** The subtasks of a task, and its attempts. */
function Parts({ row }: { row: TaskRow }) {
  const known = useTask(row.id);
  return (
    <>
      {row.subtasks_total > 0 && <Subtasks row={row} />}
      {known && row.attempts !== null && <Attempts row={row} history={known.history} />}
    </>
  );
}
