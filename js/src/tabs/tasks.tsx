/** All tasks: found by status and text, opened for subtasks and errors. */

import { useState } from "preact/hooks";
import type { SubtaskRow, TaskRow, TaskStatus } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import { useFull } from "../panel/detail";
import { Button } from "../ui/button";
import { Clip } from "../ui/clip";
import { clock, count, dollars, duration, plural } from "../ui/format";
import { StatusMark, Text } from "../ui/icons";
import { DataTable } from "../ui/table";
import { Progress, seconds, TASKS } from "./columns";
import { useTasks } from "./row-sources";
import { TaskCommands } from "./task-commands";

const STATUSES: readonly TaskStatus[] = ["running", "pending", "paused", "completed", "failed", "cancelled", "skipped"];

export function Tasks() {
  const store = useStore("tasks", "head");
  const [status, setStatus] = useState<TaskStatus | null>(null);
  const [search, setSearch] = useState("");
  const source = useTasks(status, search);
  // Pages are read again as time passes: their rows get no patches.
  useNow(source.paged && store.head?.link === "live");
  const total = store.tables.tasks.total;
  const counts = store.head?.counts;
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
        <div class="rc-chips" role="group" aria-label="Status">
          <FilterChip name="all" number={total} pressed={status === null} press={() => setStatus(null)} />
          {STATUSES.filter((name) => (counts?.[name] ?? 0) > 0 || status === name).map((name) => (
            <FilterChip
              key={name}
              name={name}
              number={counts?.[name] ?? 0}
              pressed={status === name}
              press={() => setStatus(status === name ? null : name)}
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
        key={`${status} ${search}`}
        name="Tasks"
        fills
        empty={source.searching ? "" : total === 0 ? "No tasks yet." : "No task is like that."}
        columns={TASKS}
        rows={source.rows}
        detail={taskDetail}
        label={taskLabel}
        length={seconds}
        onSeen={source.want}
      />
    </>
  );
}

function FilterChip(props: { name: string; number: number; pressed: boolean; press: () => void }) {
  return (
    <Button class="rc-chip-button" aria-pressed={props.pressed} onClick={props.press}>
      {props.name} <span class="rc-of">{count(props.number)}</span>
    </Button>
  );
}

const taskLabel = (row: TaskRow) => row.name || row.id;
const taskDetail = (row: TaskRow) => <TaskDetail row={row} />;

export function TaskDetail({ row: short }: { row: TaskRow }) {
  const row = useFull("tasks", short);
  const facts = factsOf(row);
  const hidden = row.subtasks_total - row.subtasks.length;
  return (
    <>
      {row.name && (
        <p class="rc-prose">
          <Text>{row.name}</Text>
        </p>
      )}
      {row.error && (
        <p class="rc-prose rc-tone-failed">
          <Text>{row.error}</Text>
        </p>
      )}
      <TaskCommands row={row} />
      <dl class="rc-detail-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Text>{value}</Text>
            </dd>
          </div>
        ))}
      </dl>
      {row.subtasks.length > 0 && (
        <ul class="rc-subtasks" aria-label={`Subtasks of ${row.name || row.id}`}>
          {row.subtasks.map((subtask) => (
            <Subtask key={subtask.id} subtask={subtask} />
          ))}
        </ul>
      )}
      {hidden > 0 && <p class="rc-note">and {plural(hidden, "more subtask")}</p>}
    </>
  );
}

export function Subtask({ subtask }: { subtask: SubtaskRow }) {
  const name = subtask.name || subtask.id;
  return (
    <li title={subtask.description ?? undefined}>
      <StatusMark status={subtask.status} quiet />
      <Clip>{name}</Clip>
      <Progress name={name} row={subtask} />
      <span class="rc-right">{subtask.duration_s === null ? "" : duration(subtask.duration_s)}</span>
    </li>
  );
}

/** The facts for which the row has no room, at any width. */
function factsOf(row: TaskRow): [string, string][] {
  const facts: [string, string | null][] = [
    ["Task", row.id],
    ["Step", row.step],
    ["Phase", row.phase_name ?? (row.phase === null ? null : String(row.phase))],
    ["Wave", row.wave === null ? null : String(row.wave)],
    ["Started", row.started_at === null ? null : clock(row.started_at)],
    ["Ended", row.ended_at === null ? null : clock(row.ended_at)],
    ["Time", row.duration_s === null ? null : duration(row.duration_s)],
    ["Attempts", row.attempts === null ? null : attemptsOf(row)],
    ["Tokens", row.tokens === null ? null : count(row.tokens)],
    ["Cost", row.cost_usd === null ? null : dollars(row.cost_usd)],
    ["Worker", row.worker_id],
    ["Provider", row.provider_id],
    ...(row.details ?? []),
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}

function attemptsOf(row: TaskRow): string {
  return row.max_retries === null ? String(row.attempts) : `${row.attempts} of ${row.max_retries}`;
}
