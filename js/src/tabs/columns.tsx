/** The columns of the tables that appear in more than one view. */

import type { ArtifactRow, ErrorRow, PhaseRow, TaskRow, WaveRow } from "../kernel/port";
import { useNow, usePanel } from "../panel/context";
import { clock, count, dollars, duration, moment, percent, size, ticking, UNKNOWN } from "../ui/format";
import { Bar, Icon, StatusMark } from "../ui/icons";
import type { Column } from "../ui/table";

export function Time({ at }: { at: number | null }) {
  return (
    <time class="rc-time" title={moment(at)}>
      {clock(at)}
    </time>
  );
}

/** A share that a finished thing has by being finished. */
function shareOf(row: { status: TaskRow["status"]; progress: number | null }): number | null {
  if (row.status === "completed") return 100;
  if (row.progress === null && row.status === "pending") return 0;
  return row.progress;
}

export function Progress({ name, row }: { name: string; row: { status: TaskRow["status"]; progress: number | null } }) {
  const value = shareOf(row);
  return (
    <span class="rc-progress">
      <Bar name={name} value={value} status={row.status} />
      <span class="rc-share">{percent(value)}</span>
    </span>
  );
}

function Failed({ number }: { number: number }) {
  if (number === 0) return null;
  return (
    <span class="rc-tag rc-failed rc-tone-failed" title={`${count(number)} failed`}>
      <Icon name="cross" />
      {count(number)}
      <span class="rc-hidden">failed</span>
    </span>
  );
}

export const PHASES: readonly Column<PhaseRow>[] = [
  { id: "status", title: "Status", cell: (row) => <StatusMark status={row.status} quiet /> },
  {
    id: "name",
    title: "Phase",
    cell: (row) => (
      <>
        {row.number !== null && <span class="rc-number">{row.number}</span>}
        <span class="rc-clip">{row.name}</span>
      </>
    ),
  },
  { id: "progress", title: "Progress", cell: (row) => <Progress name={row.name} row={row} /> },
  {
    id: "tasks",
    title: "Tasks",
    right: true,
    cell: (row) => (
      <>
        <Failed number={row.failed} />
        {count(row.completed)}
        {row.tasks !== null && <span class="rc-of">/{count(row.tasks)}</span>}
      </>
    ),
  },
  { id: "duration", title: "Time", right: true, cell: (row) => duration(row.duration_s) },
];

export const WAVES: readonly Column<WaveRow>[] = [
  { id: "status", title: "Status", cell: (row) => <StatusMark status={row.status} quiet /> },
  { id: "name", title: "Wave", cell: (row) => `Wave ${row.wave}` },
  {
    id: "success",
    title: "Success",
    right: true,
    cell: (row) => (row.success_rate === null ? UNKNOWN : rate(row.success_rate)),
  },
  {
    id: "atoms",
    title: "Atoms",
    right: true,
    cell: (row) => (
      <>
        <Failed number={row.failed ?? 0} />
        {count(row.atoms_completed)}
        {row.atoms !== null && <span class="rc-of">/{count(row.atoms)}</span>}
      </>
    ),
  },
  { id: "duration", title: "Time", right: true, cell: (row) => duration(row.duration_s) },
];

/** 0.98 → "98%", 0.985 → "98.5%". */
function rate(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}

function TaskName({ row }: { row: TaskRow }) {
  const hasOwnName = row.name !== "" && row.name !== row.id;
  return (
    <>
      <span class="rc-clip" title={hasOwnName ? `${row.name} (${row.id})` : row.id}>
        {hasOwnName ? row.name : row.id}
      </span>
      {hasOwnName && <code class="rc-id">{row.id}</code>}
    </>
  );
}

const STATUS: Column<TaskRow> = { id: "status", title: "Status", cell: (row) => <StatusMark status={row.status} /> };
const NAME: Column<TaskRow> = { id: "name", title: "Task", cell: (row) => <TaskName row={row} /> };
const PROGRESS: Column<TaskRow> = {
  id: "progress",
  title: "Progress",
  cell: (row) => <Progress name={row.name || row.id} row={row} />,
};
const STEP: Column<TaskRow> = {
  id: "step",
  title: "Step",
  cell: (row) => (
    <span class="rc-clip" title={row.step ?? undefined}>
      {row.step ?? ""}
    </span>
  ),
};
const SUBTASKS: Column<TaskRow> = {
  id: "subtasks",
  title: "Subtasks",
  right: true,
  cell: (row) => (row.subtasks_total > 0 ? `${row.subtasks_done}/${row.subtasks_total}` : ""),
};

/** How long it took, or takes until now. */
function TaskTime({ row }: { row: TaskRow }) {
  const started = row.duration_s === null && row.status === "running" ? row.started_at : null;
  useNow(started !== null);
  const { store } = usePanel();
  return <>{started === null ? duration(row.duration_s) : ticking(Math.max(0, store.serverNow() - started) / 1000)}</>;
}

const TIME: Column<TaskRow> = { id: "duration", title: "Time", right: true, cell: (row) => <TaskTime row={row} /> };

export const TASKS: readonly Column<TaskRow>[] = [
  STATUS,
  NAME,
  {
    id: "phase",
    title: "Phase",
    cell: (row) => <span class="rc-clip">{row.phase_name ?? (row.phase === null ? "" : `Phase ${row.phase}`)}</span>,
  },
  { id: "wave", title: "Wave", right: true, cell: (row) => row.wave ?? "" },
  PROGRESS,
  STEP,
  SUBTASKS,
  TIME,
  { id: "attempts", title: "Try", right: true, cell: (row) => attempts(row) },
  { id: "tokens", title: "Tokens", right: true, cell: (row) => (row.tokens === null ? "" : count(row.tokens)) },
  { id: "cost", title: "Cost", right: true, cell: (row) => (row.cost_usd === null ? "" : dollars(row.cost_usd)) },
];

/** What runs now, in the overview. */
export const ACTIVE: readonly Column<TaskRow>[] = [
  { ...STATUS, cell: (row) => <StatusMark status={row.status} quiet /> },
  NAME,
  PROGRESS,
  STEP,
  SUBTASKS,
  TIME,
];

/** The same for tasks that tell no steps. */
export const ACTIVE_BARE = ACTIVE.filter((column) => column !== STEP && column !== SUBTASKS);

function attempts(row: TaskRow): string {
  if (row.attempts === null) return "";
  return row.max_retries === null ? String(row.attempts) : `${row.attempts}/${row.max_retries}`;
}

const PATH: Column<ArtifactRow> = {
  id: "path",
  title: "Path",
  cell: (row) => (
    <code class="rc-path" title={row.path}>
      <bdi>{row.path}</bdi>
    </code>
  ),
};
const SIZE: Column<ArtifactRow> = { id: "size", title: "Size", right: true, cell: (row) => size(row.size) };

export const ARTIFACTS: readonly Column<ArtifactRow>[] = [
  PATH,
  SIZE,
  { id: "action", title: "Action", cell: (row) => row.action ?? "" },
  { id: "type", title: "Type", cell: (row) => row.type ?? "" },
  { id: "language", title: "Language", cell: (row) => row.language ?? "" },
  { id: "task", title: "Task", cell: (row) => <span class="rc-clip">{row.task ?? ""}</span> },
  { id: "at", title: "At", right: true, cell: (row) => <Time at={row.at} /> },
];

export const LATEST_ARTIFACTS: readonly Column<ArtifactRow>[] = [PATH, SIZE];

function ErrorMessage({ row }: { row: ErrorRow }) {
  return (
    <span class="rc-clip" title={row.message}>
      {row.error_type && <b class="rc-error-type">{row.error_type}</b>}
      {row.message.split("\n", 1)[0]}
    </span>
  );
}

const MESSAGE: Column<ErrorRow> = { id: "message", title: "Error", cell: (row) => <ErrorMessage row={row} /> };
const ATTEMPT: Column<ErrorRow> = { id: "attempt", title: "Attempt", cell: (row) => attemptText(row) };
const TASK: Column<ErrorRow> = {
  id: "task",
  title: "Task",
  cell: (row) => (
    <span class="rc-clip" title={row.task ?? undefined}>
      {row.task_name ?? row.task ?? ""}
    </span>
  ),
};

export const ERRORS: readonly Column<ErrorRow>[] = [
  MESSAGE,
  TASK,
  ATTEMPT,
  {
    id: "recoverable",
    title: "Recoverable",
    cell: (row) => (row.recoverable === null ? UNKNOWN : row.recoverable ? "yes" : "no"),
  },
  { id: "at", title: "At", right: true, cell: (row) => <Time at={row.at} /> },
];

export const LATEST_ERRORS: readonly Column<ErrorRow>[] = [MESSAGE, TASK, ATTEMPT];

function attemptText(row: ErrorRow): string {
  if (row.attempt === null) return "";
  return row.max_retries === null ? `attempt ${row.attempt}` : `attempt ${row.attempt} of ${row.max_retries}`;
}
