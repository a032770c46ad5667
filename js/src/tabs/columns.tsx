/** The columns of the tables that appear in more than one view. */

import type {
  ArtifactGroupRow,
  ArtifactRow,
  ErrorGroupRow,
  ErrorOutcome,
  ErrorRow,
  PhaseRow,
  TaskRow,
  WaveRow,
} from "../kernel/contract";
import { useNow, usePanel } from "../panel/context";
import { Clip } from "../ui/clip";
import { clock, count, dollars, duration, moment, percent, plural, size, ticking, UNKNOWN } from "../ui/format";
import { Bar, Icon, StatusMark } from "../ui/icons";
import type { Column } from "../ui/table";
import { TaskLink } from "./task-link";

export function Time({ at }: { at: number | null }) {
  return (
    <time class="rc-time" title={moment(at)}>
      {clock(at)}
    </time>
  );
}

/** A share; a finished thing has all of it. */
function shareOf(row: Progressing): number | null {
  if (row.status === "completed") return 100;
  if (row.progress === null && row.status === "pending") return 0;
  return row.progress;
}

interface Progressing {
  status: PhaseRow["status"];
  progress: number | null;
  duration_s: number | null;
}

/** A bar of the share that is done; of what is completed a bar of its time, compared with the longest of the table. */
export function Progress({ name, row }: { name: string; row: Progressing }) {
  const value = shareOf(row);
  if (row.status === "completed" || row.status === "partial") {
    const took = row.duration_s === null ? "" : ` in ${duration(row.duration_s)}`;
    return <Bar name={name} value={value} status={row.status} says={`${row.status}${took}`} seconds={row.duration_s} />;
  }
  return (
    <span class="rc-progress">
      <Bar name={name} value={value} status={row.status} />
      <span class="rc-share">{percent(value)}</span>
    </span>
  );
}

export const seconds = (row: { duration_s: number | null }) => row.duration_s;

/** The time that a thing took; of one that runs the time until now, whatever its server says of it. */
export function Took({
  row,
}: {
  row: { status: PhaseRow["status"]; started_at?: number | null; duration_s: number | null };
}) {
  const runs = row.status === "running" || row.status === "paused";
  const started = runs ? (row.started_at ?? null) : null;
  useNow(started !== null);
  const { store } = usePanel();
  if (started === null) return <>{duration(row.duration_s)}</>;
  return <>{ticking(Math.max(row.duration_s ?? 0, (store.clocks.serverNow() - started) / 1000))}</>;
}

/** The number of parts that did not complete. */
function Odd({ number, status }: { number: number; status: "failed" | "cancelled" }) {
  if (number === 0) return null;
  return (
    <span class={`rc-tag rc-failed rc-tone-${status}`} title={`${count(number)} ${status}`}>
      <Icon name={status === "failed" ? "cross" : "stop"} />
      {count(number)}
      <span class="rc-hidden"> {status}, </span>
    </span>
  );
}

/** The words for an ended phase: the tasks that did not complete are counted, not a reason to call all of it failed. */
function phaseWords({ status, failed, cancelled = 0 }: PhaseRow): string | undefined {
  if (status !== "completed" && status !== "partial") return undefined;
  const odd = [failed > 0 && `${count(failed)} failed`, cancelled > 0 && `${count(cancelled)} cancelled`];
  return ["completed", ...odd.filter(Boolean)].join(", ");
}

export const PHASES: readonly Column<PhaseRow>[] = [
  {
    heading: "Status",
    width: 14,
    sign: true,
    cell: (row) => <StatusMark status={row.status} word={phaseWords(row)} quiet />,
  },
  {
    heading: "Phase",
    width: [80, 1.4],
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
    width: [90, 1],
    narrow: { 470: [72, 0.8] },
    second: true,
    cell: (row) => <Progress name={row.name} row={row} />,
  },
  {
    heading: "Tasks",
    width: 104,
    narrow: { 470: 96 },
    right: true,
    second: true,
    cell: (row) => (
      <>
        <Odd number={row.failed} status="failed" />
        <Odd number={row.cancelled ?? 0} status="cancelled" />
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
    cell: (row) => <Took row={row} />,
  },
];

export const WAVES: readonly Column<WaveRow>[] = [
  { heading: "Status", width: 14, sign: true, cell: (row) => <StatusMark status={row.status} quiet /> },
  { heading: "Wave", width: [60, 1], cell: (row) => `Wave ${row.wave}` },
  {
    heading: "Success",
    width: 60,
    right: true,
    second: true,
    has: (row) => row.success_rate !== null,
    cell: (row) => (
      <span title="Completed atoms of all atoms of the wave">
        {row.success_rate === null ? UNKNOWN : rate(row.success_rate)}
      </span>
    ),
  },
  {
    heading: "Atoms",
    width: 110,
    right: true,
    second: true,
    has: (row) => row.atoms !== null || row.atoms_completed !== null,
    cell: (row) => (
      <>
        <Odd number={row.failed ?? 0} status="failed" />
        {count(row.atoms_completed)}
        {row.atoms !== null && <span class="rc-of">/{count(row.atoms)}</span>}
      </>
    ),
  },
  {
    heading: "Time",
    width: 58,
    right: true,
    has: (row) => row.duration_s !== null,
    cell: (row) => duration(row.duration_s),
  },
];

/** 0.98 → "98%", 0.985 → "98.5%". */
function rate(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}

function TaskName({ row }: { row: TaskRow }) {
  return (
    <span class="rc-clip rc-name" title={hasOwnName(row) ? `${row.name} (${row.id})` : row.id}>
      {row.name || row.id}
    </span>
  );
}

function hasOwnName({ name, id }: TaskRow): boolean {
  return name !== "" && name !== id;
}

const STATUS: Column<TaskRow> = {
  heading: "Status",
  width: 108,
  narrow: { 620: 36 },
  sort: "status",
  sign: 620,
  cell: (row) => <StatusMark status={row.status} />,
};
const NAME: Column<TaskRow> = {
  heading: "Task",
  width: [180, 3],
  narrow: { 1160: [160, 3], 860: [130, 2], 620: [120, 1.6] },
  opens: (row) => hasOwnName(row) && <code class="rc-id">{row.id}</code>,
  sort: "name",
  cell: (row) => <TaskName row={row} />,
};
const PROGRESS: Column<TaskRow> = {
  heading: "Progress",
  width: 130,
  narrow: { 1160: 110, 860: 100, 620: 90 },
  second: true,
  sort: "progress",
  cell: (row) => <Progress name={row.name || row.id} row={row} />,
};
const STEP: Column<TaskRow> = {
  heading: "Step",
  width: [80, 1.2],
  hideBelow: 860,
  second: true,
  has: (row) => row.step !== null,
  sort: "step",
  cell: (row) => <Clip title={row.step ?? undefined}>{row.step ?? ""}</Clip>,
};
const SUBTASKS: Column<TaskRow> = {
  heading: "Subtasks",
  width: 64,
  hideBelow: 860,
  right: true,
  has: (row) => row.subtasks_total > 0,
  sort: "subtasks",
  cell: (row) => (row.subtasks_total > 0 ? `${row.subtasks_done}/${row.subtasks_total}` : ""),
};

const TIME: Column<TaskRow> = {
  heading: "Time",
  width: 66,
  narrow: { 860: 62, 620: 56 },
  right: true,
  sort: "duration",
  cell: (row) => <Took row={row} />,
};

export const TASKS: readonly Column<TaskRow>[] = [
  STATUS,
  NAME,
  {
    heading: "Phase",
    width: [70, 0.7],
    hideBelow: 620,
    has: (row) => row.phase !== null || row.phase_name !== null,
    sort: "phase",
    cell: (row) => <Clip>{row.phase_name ?? (row.phase === null ? "" : `Phase ${row.phase}`)}</Clip>,
  },
  {
    heading: "Wave",
    width: 52,
    hideBelow: 1160,
    right: true,
    has: (row) => row.wave !== null,
    sort: "wave",
    cell: (row) => row.wave ?? "",
  },
  STEP,
  SUBTASKS,
  PROGRESS,
  TIME,
  {
    heading: "Tries",
    width: 48,
    hideBelow: 620,
    right: true,
    has: (row) => row.attempts !== null,
    sort: "attempts",
    cell: (row) => attempts(row),
  },
  {
    heading: "Tokens",
    width: 62,
    hideBelow: 860,
    right: true,
    has: (row) => row.tokens !== null,
    sort: "tokens",
    cell: (row) => (row.tokens === null ? "" : count(row.tokens)),
  },
  {
    heading: "Cost",
    width: 62,
    hideBelow: 860,
    right: true,
    has: (row) => row.cost_usd !== null,
    sort: "cost",
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
  { ...NAME, width: [110, 1.6], narrow: {} },
  SHORT_STEP,
  { ...SUBTASKS, width: 60, hideBelow: 470 },
  { ...PROGRESS, width: "minmax(90px, 130px)", narrow: {} },
  SHORT_TIME,
];

/** All tasks of a run that has few, with their subtasks below them. */
export const FEW_TASKS: readonly Column<TaskRow>[] = [
  SIGN,
  { ...NAME, width: [110, 1.1], narrow: { 560: [110, 1.3] } },
  SHORT_STEP,
  { ...PROGRESS, width: "minmax(100px, 170px)", narrow: {} },
  SHORT_TIME,
];

/** "2/4": the attempts of those that are allowed. The server numbers those that failed: what did not fail, went on. */
export function attempts(row: TaskRow): string {
  if (row.attempts === null) return "";
  const made = row.attempts + Number(row.status !== "failed" && row.attempts !== row.max_retries);
  return row.max_retries === null ? String(made) : `${made}/${row.max_retries}`;
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
const SIZE: Column<ArtifactRow> = {
  heading: "Size",
  width: 70,
  right: true,
  has: (row) => row.size !== null,
  cell: (row) => size(row.size),
};

export const ARTIFACTS: readonly Column<ArtifactRow>[] = [
  PATH,
  SIZE,
  {
    heading: "Action",
    width: 76,
    narrow: { 620: 70 },
    hideBelow: 470,
    second: true,
    has: (row) => row.action !== null,
    cell: (row) => row.action ?? "",
  },
  { heading: "Type", width: 90, hideBelow: 860, has: (row) => row.type !== null, cell: (row) => row.type ?? "" },
  {
    heading: "Language",
    width: 86,
    hideBelow: 620,
    second: true,
    has: (row) => row.language !== null,
    cell: (row) => row.language ?? "",
  },
  {
    heading: "Task",
    width: [60, 0.8],
    hideBelow: 620,
    second: true,
    has: (row) => row.task !== null,
    cell: (row) => row.task && <TaskLink id={row.task} inTable />,
  },
  { heading: "At", width: 66, right: true, second: true, cell: (row) => <Time at={row.at} /> },
];

export const LATEST_ARTIFACTS: readonly Column<ArtifactRow>[] = [{ ...PATH, width: [0, 1] }, SIZE];

function ErrorMessage({ row }: { row: ErrorRow | ErrorGroupRow }) {
  const quiet = "fatal" in row ? row.fatal + row.open === 0 : row.outcome === "recovered";
  return (
    <Clip title={row.message}>
      {row.error_type && <b class={`rc-error-type${quiet ? " rc-quiet" : ""}`}>{row.error_type}</b>}
      {row.message.split("\n", 1)[0]}
    </Clip>
  );
}

const OUTCOMES = {
  fatal: { icon: "cross", tone: "failed", says: "The task failed with it, or the server gave it up" },
  open: { icon: "arc", tone: "paused", says: "What becomes of it is not known yet" },
  recovered: { icon: "check", tone: "quiet", says: "Another attempt followed, or the task went on" },
} as const;

/** What became of an error. */
export function Outcome({ row, quiet = false }: { row: { outcome?: ErrorOutcome }; quiet?: boolean }) {
  if (!row.outcome) return null;
  const { icon, tone, says } = OUTCOMES[row.outcome];
  return (
    <span class={`rc-status rc-tone-${tone}`} title={says}>
      <Icon name={icon} />
      <span class={quiet ? "rc-hidden" : undefined}>{row.outcome}</span>
    </span>
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
  second: true,
  has: (row) => row.attempt !== null,
  cell: attemptText,
};
const TASK: Column<ErrorRow> = {
  heading: "Task",
  width: [80, 1],
  hideBelow: 620,
  second: true,
  has: (row) => row.task !== null,
  cell: (row) => row.task && <TaskLink id={row.task} name={row.task_name} inTable />,
};

export const ERRORS: readonly Column<ErrorRow>[] = [
  MESSAGE,
  TASK,
  ATTEMPT,
  {
    heading: "Outcome",
    width: 88,
    hideBelow: 620,
    second: true,
    has: (row) => row.outcome !== undefined,
    cell: (row) => <Outcome row={row} />,
  },
  { heading: "At", width: 66, right: true, second: true, cell: (row) => <Time at={row.at} /> },
];

/** Errors by their kind. */
export const KINDS: readonly Column<ErrorGroupRow>[] = [
  {
    heading: "Outcome",
    width: 36,
    sign: true,
    cell: (row) => <Outcome row={{ outcome: row.fatal > 0 ? "fatal" : row.open > 0 ? "open" : "recovered" }} quiet />,
  },
  { heading: "Error", width: [180, 3], narrow: { 620: [0, 1] }, cell: (row) => <ErrorMessage row={row} /> },
  {
    heading: "Times",
    width: 56,
    right: true,
    cell: (row) => <span title={`${count(row.fatal)} fatal, ${count(row.open)} open`}>× {count(row.count)}</span>,
  },
  {
    heading: "Task",
    width: [80, 1],
    hideBelow: 620,
    second: true,
    has: (row) => row.tasks > 0,
    cell: (row) =>
      row.tasks > 1
        ? `in ${plural(row.tasks, "task")}`
        : row.task && <TaskLink id={row.task} name={row.task_name} inTable />,
  },
  {
    heading: "Attempt",
    width: 112,
    hideBelow: 620,
    second: true,
    has: (row) => row.attempt !== null,
    cell: (row) => (row.open > 0 ? nextAttempt(row) : attemptText(row)),
  },
  { heading: "Last", width: 66, right: true, second: true, cell: (row) => <Time at={row.at} /> },
];

/** The attempt after the newest error of a kind, while one may follow. */
function nextAttempt(row: ErrorGroupRow): string {
  if (row.attempt === null || row.attempt === row.max_retries) return attemptText(row);
  return `next: ${row.attempt + 1}${row.max_retries === null ? "" : ` of ${row.max_retries}`}`;
}

const FILES: Column<ArtifactGroupRow> = { heading: "Files", width: 60, right: true, cell: (row) => count(row.count) };
const GROUP_SIZE: Column<ArtifactGroupRow> = {
  heading: "Size",
  width: 76,
  right: true,
  second: true,
  has: (row) => row.size !== null,
  cell: (row) => size(row.size),
};
const NEWEST: Column<ArtifactGroupRow> = {
  heading: "Newest",
  width: 66,
  right: true,
  second: true,
  cell: (row) => <Time at={row.at} />,
};

/** Artifacts by folder, and by task. */
export const FOLDERS: readonly Column<ArtifactGroupRow>[] = [
  {
    heading: "Folder",
    width: [120, 1],
    cell: (row) => <code class="rc-clip">{row.name ? `${row.name}/` : "./"}</code>,
  },
  FILES,
  GROUP_SIZE,
  NEWEST,
];
export const OWNERS: readonly Column<ArtifactGroupRow>[] = [
  {
    heading: "Task",
    width: [120, 1],
    cell: (row) => (row.name ? <TaskLink id={row.name} name={row.task_name} inTable /> : "no task"),
  },
  FILES,
  GROUP_SIZE,
  NEWEST,
];

export const LATEST_ERRORS: readonly Column<ErrorRow>[] = [
  { ...MESSAGE, width: [0, 2.2], narrow: { 470: [0, 1] } },
  { ...TASK, width: [0, 1], hideBelow: 470 },
  { ...ATTEMPT, width: 96, narrow: {} },
];

export function attemptText(row: { attempt: number | null; max_retries: number | null }): string {
  if (row.attempt === null) return "";
  return row.max_retries === null ? `attempt ${row.attempt}` : `attempt ${row.attempt} of ${row.max_retries}`;
}
