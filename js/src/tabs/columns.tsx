/** The columns of the tables that appear in more than one view. */

import type { ArtifactRow, ErrorRow, PhaseRow, TaskRow, WaveRow } from "../kernel/contract";
import { useNow, usePanel } from "../panel/context";
import { Clip } from "../ui/clip";
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

/** A share; a finished thing has all of it. */
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
  { heading: "Status", width: 14, sign: true, cell: (row) => <StatusMark status={row.status} quiet /> },
  {
    heading: "Phase",
    width: [80, 1],
    narrow: { 470: [60, 1] },
    cell: (row) => (
      <>
        {row.number !== null && <span class="rc-number">{row.number}</span>}
        <span class="rc-clip rc-name">{row.name}</span>
      </>
    ),
  },
  {
    heading: "Progress",
    width: [110, 1.2],
    narrow: { 470: [72, 0.8] },
    cell: (row) => <Progress name={row.name} row={row} />,
  },
  {
    heading: "Tasks",
    width: 92,
    narrow: { 470: 82 },
    right: true,
    cell: (row) => (
      <>
        <Failed number={row.failed} />
        {count(row.completed)}
        {row.tasks !== null && <span class="rc-of">/{count(row.tasks)}</span>}
      </>
    ),
  },
  {
    heading: "Time",
    width: 58,
    narrow: { 470: 50 },
    right: true,
    cell: (row) => duration(row.duration_s),
  },
];

export const WAVES: readonly Column<WaveRow>[] = [
  { heading: "Status", width: 14, sign: true, cell: (row) => <StatusMark status={row.status} quiet /> },
  { heading: "Wave", width: [60, 1], cell: (row) => `Wave ${row.wave}` },
  {
    heading: "Success",
    width: 60,
    right: true,
    cell: (row) => (row.success_rate === null ? UNKNOWN : rate(row.success_rate)),
  },
  {
    heading: "Atoms",
    width: 110,
    right: true,
    cell: (row) => (
      <>
        <Failed number={row.failed ?? 0} />
        {count(row.atoms_completed)}
        {row.atoms !== null && <span class="rc-of">/{count(row.atoms)}</span>}
      </>
    ),
  },
  { heading: "Time", width: 58, right: true, cell: (row) => duration(row.duration_s) },
];

/** 0.98 → "98%", 0.985 → "98.5%". */
function rate(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}

function TaskName({ row }: { row: TaskRow }) {
  const hasOwnName = row.name !== "" && row.name !== row.id;
  return (
    <>
      <span class="rc-clip rc-name" title={hasOwnName ? `${row.name} (${row.id})` : row.id}>
        {hasOwnName ? row.name : row.id}
      </span>
      {hasOwnName && <code class="rc-id">{row.id}</code>}
    </>
  );
}

const STATUS: Column<TaskRow> = {
  heading: "Status",
  width: 108,
  narrow: { 620: 32 },
  sign: 620,
  cell: (row) => <StatusMark status={row.status} />,
};
const NAME: Column<TaskRow> = {
  heading: "Task",
  width: [150, 3],
  narrow: { 860: [130, 2], 620: [120, 1.6] },
  cell: (row) => <TaskName row={row} />,
};
const PROGRESS: Column<TaskRow> = {
  heading: "Progress",
  width: "minmax(110px, 150px)",
  narrow: { 860: "minmax(100px, 140px)", 620: [90, 1] },
  cell: (row) => <Progress name={row.name || row.id} row={row} />,
};
const STEP: Column<TaskRow> = {
  heading: "Step",
  width: [80, 1.2],
  hideBelow: 860,
  cell: (row) => <Clip title={row.step ?? undefined}>{row.step ?? ""}</Clip>,
};
const SUBTASKS: Column<TaskRow> = {
  heading: "Subtasks",
  width: 60,
  hideBelow: 1160,
  right: true,
  cell: (row) => (row.subtasks_total > 0 ? `${row.subtasks_done}/${row.subtasks_total}` : ""),
};

/** Its duration, or the time until now. */
function TaskTime({ row }: { row: TaskRow }) {
  const started = row.duration_s === null && row.status === "running" ? row.started_at : null;
  useNow(started !== null);
  const { store } = usePanel();
  return (
    <>{started === null ? duration(row.duration_s) : ticking(Math.max(0, store.clocks.serverNow() - started) / 1000)}</>
  );
}

const TIME: Column<TaskRow> = {
  heading: "Time",
  width: 66,
  narrow: { 860: 62, 620: 56 },
  right: true,
  cell: (row) => <TaskTime row={row} />,
};

export const TASKS: readonly Column<TaskRow>[] = [
  STATUS,
  NAME,
  {
    heading: "Phase",
    width: [80, 0.8],
    hideBelow: 620,
    cell: (row) => <Clip>{row.phase_name ?? (row.phase === null ? "" : `Phase ${row.phase}`)}</Clip>,
  },
  { heading: "Wave", width: 44, hideBelow: 1160, right: true, cell: (row) => row.wave ?? "" },
  PROGRESS,
  STEP,
  SUBTASKS,
  TIME,
  { heading: "Try", width: 40, hideBelow: 860, right: true, cell: (row) => attempts(row) },
  {
    heading: "Tokens",
    width: 62,
    hideBelow: 860,
    right: true,
    cell: (row) => (row.tokens === null ? "" : count(row.tokens)),
  },
  {
    heading: "Cost",
    width: 62,
    hideBelow: 1160,
    right: true,
    cell: (row) => (row.cost_usd === null ? "" : dollars(row.cost_usd)),
  },
];

/* In the overview the sections are narrower: their tables have widths of their own. */

const SIGN: Column<TaskRow> = {
  heading: "Status",
  width: 14,
  sign: true,
  cell: (row) => <StatusMark status={row.status} quiet />,
};
const SHORT_STEP: Column<TaskRow> = { ...STEP, width: [0, 1], hideBelow: 560 };
const SHORT_TIME: Column<TaskRow> = { ...TIME, width: 56, narrow: {} };

/** The active tasks. */
export const ACTIVE: readonly Column<TaskRow>[] = [
  SIGN,
  { ...NAME, width: [110, 1.3], narrow: {} },
  { ...PROGRESS, width: "minmax(100px, 150px)", narrow: { 560: [100, 1] } },
  SHORT_STEP,
  { ...SUBTASKS, width: 56, hideBelow: 470 },
  SHORT_TIME,
];

/** The same for tasks without steps. */
export const ACTIVE_BARE: readonly Column<TaskRow>[] = [
  SIGN,
  { ...NAME, width: [110, 1.6], narrow: {} },
  { ...PROGRESS, width: [100, 1], narrow: {} },
  SHORT_TIME,
];

/** All tasks of a run that has few, with their subtasks below them. */
export const FEW_TASKS: readonly Column<TaskRow>[] = [
  SIGN,
  { ...NAME, width: [110, 1.1], narrow: { 560: [110, 1.3] } },
  { ...PROGRESS, width: "minmax(110px, 170px)", narrow: { 560: [100, 1] } },
  SHORT_STEP,
  SHORT_TIME,
];

function attempts(row: TaskRow): string {
  if (row.attempts === null) return "";
  return row.max_retries === null ? String(row.attempts) : `${row.attempts}/${row.max_retries}`;
}

const PATH: Column<ArtifactRow> = {
  heading: "Path",
  width: [160, 2],
  narrow: { 620: [0, 1] },
  cell: (row) => (
    <code class="rc-path" title={row.path}>
      <bdi>{row.path}</bdi>
    </code>
  ),
};
const SIZE: Column<ArtifactRow> = { heading: "Size", width: 70, right: true, cell: (row) => size(row.size) };

export const ARTIFACTS: readonly Column<ArtifactRow>[] = [
  PATH,
  SIZE,
  { heading: "Action", width: 76, narrow: { 620: 70 }, hideBelow: 470, cell: (row) => row.action ?? "" },
  { heading: "Type", width: 90, hideBelow: 860, cell: (row) => row.type ?? "" },
  { heading: "Language", width: 86, hideBelow: 620, cell: (row) => row.language ?? "" },
  {
    heading: "Task",
    width: [60, 1],
    hideBelow: 860,
    cell: (row) => <Clip>{row.task ?? ""}</Clip>,
  },
  { heading: "At", width: 66, right: true, cell: (row) => <Time at={row.at} /> },
];

export const LATEST_ARTIFACTS: readonly Column<ArtifactRow>[] = [{ ...PATH, width: [0, 1] }, SIZE];

function ErrorMessage({ row }: { row: ErrorRow }) {
  return (
    <Clip title={row.message}>
      {row.error_type && <b class="rc-error-type">{row.error_type}</b>}
      {row.message.split("\n", 1)[0]}
    </Clip>
  );
}

const MESSAGE: Column<ErrorRow> = {
  heading: "Error",
  width: [180, 3],
  narrow: { 620: [0, 1] },
  cell: (row) => <ErrorMessage row={row} />,
};
const ATTEMPT: Column<ErrorRow> = {
  heading: "Attempt",
  width: 100,
  narrow: { 620: 96 },
  hideBelow: 470,
  cell: attemptText,
};
const TASK: Column<ErrorRow> = {
  heading: "Task",
  width: [80, 1],
  hideBelow: 620,
  cell: (row) => <Clip title={row.task ?? undefined}>{row.task_name ?? row.task ?? ""}</Clip>,
};

export const ERRORS: readonly Column<ErrorRow>[] = [
  MESSAGE,
  TASK,
  ATTEMPT,
  {
    heading: "Recoverable",
    width: 84,
    hideBelow: 620,
    cell: (row) => (row.recoverable === null ? UNKNOWN : row.recoverable ? "yes" : "no"),
  },
  { heading: "At", width: 66, right: true, cell: (row) => <Time at={row.at} /> },
];

export const LATEST_ERRORS: readonly Column<ErrorRow>[] = [
  { ...MESSAGE, width: [0, 2.2], narrow: { 470: [0, 1] } },
  { ...TASK, width: [0, 1], hideBelow: 470 },
  { heading: "Attempt", width: 96, cell: attemptText },
];

function attemptText(row: ErrorRow): string {
  if (row.attempt === null) return "";
  return row.max_retries === null ? `attempt ${row.attempt}` : `attempt ${row.attempt} of ${row.max_retries}`;
}
