/** Tasks of a file: chosen, sorted, and one with its history, as the kernel does it. */
import type {
  ArtifactRow,
  AskPage,
  CheckpointRow,
  ErrorRow,
  OutputRow,
  TaskHistory,
  TaskRow,
} from "../kernel/contract";
import type { RunAt } from "./run";

const ERRORS = 20;
const FILES = 100;
const QUESTIONS = 50;
const LINES = 60;
const RANK = ["failed", "paused", "running", "pending", "cancelled", "skipped", "completed"];

type Order = (task: TaskRow, newest: number) => string | number | null;

const ORDERS: Record<string, Order> = {
  failed: ({ status }) => Number(status !== "failed"),
  status: ({ status }) => RANK.indexOf(status),
  name: ({ name }) => name.toLowerCase(),
  phase: ({ phase, phase_name }) => phase ?? phase_name,
  wave: ({ wave }) => wave,
  step: ({ step }) => step,
  subtasks: ({ subtasks_total }) => subtasks_total || null,
  progress: ({ status, progress }) => (status === "completed" ? 100 : progress),
  started: ({ started_at }) => started_at,
  attempts: ({ attempts }) => attempts,
  tokens: ({ tokens }) => tokens,
  cost: ({ cost_usd }) => cost_usd,
  duration: ({ started_at, ended_at, duration_s }, newest) =>
    started_at !== null && ended_at === null ? (newest - started_at) / 1000 : duration_s,
};

/** The tasks that a page asks for, in its order; tasks without a value come last. */
export function chosenTasks(tasks: readonly TaskRow[], asked: AskPage, now: number): readonly TaskRow[] {
  const wanted = (asked.search ?? "").toLowerCase();
  const chosen =
    asked.status || wanted
      ? tasks.filter(
          ({ status, name, id }) =>
            (!asked.status || status === asked.status) &&
            (id.toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted)),
        )
      : tasks;
  const order = ORDERS[asked.sort ?? ""];
  if (!order) return chosen;
  const valued = chosen.map((task) => ({ task, value: order(task, now) }));
  const known = valued.filter(({ value }) => value !== null);
  const sign = asked.descending ? -1 : 1;
  known.sort(({ value: a }, { value: b }) => sign * compare(a as string | number, b as string | number));
  return [...known, ...valued.filter(({ value }) => value === null)].map(({ task }) => task);
}

function compare(a: string | number, b: string | number): number {
  return typeof a === typeof b ? (a < b ? -1 : Number(a > b)) : typeof a === "number" ? -1 : 1;
}

export function historyOf(run: RunAt, task: TaskRow): TaskHistory {
  const own = <R extends { task: string | null }>(rows: readonly R[]) => rows.filter((row) => row.task === task.id);
  const errors = own(run.rows("errors") as ErrorRow[]);
  const files = own(run.rows("artifacts") as ArtifactRow[]);
  const asked = own(run.rows("checkpoints") as CheckpointRow[]);
  const lines = run.rows("output") as OutputRow[];
  return {
    errors: errors.slice(-ERRORS),
    errors_total: errors.length,
    files: files.slice(-FILES),
    files_total: files.length,
    questions: asked.slice(-QUESTIONS).map((row) => ({
      key: row.key,
      title: row.title,
      status: row.status,
      answer: row.options.find(({ id }) => id === row.decision)?.label ?? row.decision,
      by: row.decided_by,
      asked_at: row.requested_at,
      decided_at: row.decided_at,
    })),
    questions_total: asked.length,
    output: own(lines).slice(-LINES),
    output_searched: lines.length,
  };
}
