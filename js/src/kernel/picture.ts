/**
 * The picture: what of the run the browser shows. The kernel's side is `src/runconsole/view/`.
 * Times are epoch milliseconds by the kernel's clock, durations seconds, `null` is unknown.
 * Every string that comes from the stream is plain text: never HTML. Characters that deceive have visible marks (`marks.ts`),
 * but in ids, keys and the payload of events. A long id is a reference: its beginning and a digest.
 */

export type LinkState = "idle" | "connecting" | "live" | "retrying" | "ended" | "failed" | "stopped";

/** Nothing more comes over such a link by itself. */
export const isOver = (link: LinkState) => ["ended", "failed", "stopped"].includes(link);
/** A run's: `partial`, some tasks failed; `interrupted`, its stream ended before it did. */
export type RunStatus = TaskStatus | "partial" | "interrupted";
export type TaskStatus = "pending" | "running" | "paused" | "completed" | "failed" | "cancelled" | "skipped";
export type CheckpointStatus = "pending" | "sending" | "decided" | "expired" | "unknown";
export type DecisionState = "queued" | "sent" | "acknowledged" | "applied" | "refused" | "expired" | "unknown";

/** What the header, the overview and the strips show. Small, always whole in a snapshot; patches carry changed fields. */
export interface Head {
  title: string;
  /** Redacted: never holds a secret. */
  url: string;
  protocol: string;
  link: LinkState;
  attempt: number;
  /** When the next connection attempt is made, while `link` is "retrying". */
  retry_at: number | null;
  /** Why the link is retrying, failed or ended: one plain sentence. */
  reason: string | null;
  /** Last word about the link worth a line: "reconnected after 4 s: 12 events recovered, 3 missed". */
  notice: string | null;
  status: RunStatus;
  percent: number | null;
  total_tasks: number | null;
  completed_tasks: number;
  failed_tasks: number;
  counts: Record<TaskStatus, number>;
  started_at: number | null;
  ended_at: number | null;
  /** Set once the run has ended or the server told it. */
  duration_s: number | null;
  estimated_duration_s: number | null;
  current_task: string | null;
  current_task_name: string | null;
  current_wave: number | null;
  tokens_used: number | null;
  token_budget: number | null;
  cost_usd: number | null;
  cost_limit: number | null;
  artifacts: number;
  expected_artifacts: number | null;
  errors: number;
  /** Open checkpoints; those that are due first are rows. Absent in pictures of older versions. */
  questions?: number;
  output_lines: number;
  events: number;
  malformed: number;
  unknown: number;
  duplicates: number;
  missed: number;
  /** Server clock minus kernel clock, milliseconds, estimated from event times; for countdowns. */
  clock_offset: number;
  /** Newest system alerts and cost warnings, at most three. */
  alerts: { level: string; text: string; at: number | null }[];
  /** The controls of a recording; null of a live run. */
  replay: Replay | null;
  /** The commands for tasks that the server takes. */
  commands?: readonly string[];
  /** Where a server has begun several executions: the number of the one that is shown, and each with its name and status. */
  run?: number;
  runs?: readonly (readonly [number, string])[];
}

/** A recording that is played: where it is, and how fast. */
export interface Replay {
  position_s: number;
  duration_s: number;
  /** Seconds of the recording per second; 0 is as fast as possible. */
  speed: number;
  playing: boolean;
  /** Whether the end is reached. */
  over: boolean;
}

export interface Row {
  /** Unique in its table, stable for the life of the run. */
  key: string;
  /** Names of text fields that were cut to keep the picture small; ask for `detail`. */
  cut?: string[];
}

export interface PhaseRow extends Row {
  number: number | null;
  name: string;
  tasks: number | null;
  completed: number;
  failed: number;
  progress: number | null;
  status: TaskStatus;
  duration_s: number | null;
}

export interface WaveRow extends Row {
  wave: number;
  status: TaskStatus;
  atoms: number | null;
  atoms_completed: number | null;
  failed: number | null;
  success_rate: number | null;
  artifacts: number | null;
  duration_s: number | null;
}

export interface SubtaskRow {
  id: string;
  name: string;
  description: string | null;
  status: TaskStatus;
  progress: number | null;
  duration_s: number | null;
}

export interface TaskRow extends Row {
  id: string;
  name: string;
  phase_name: string | null;
  phase: number | null;
  wave: number | null;
  status: TaskStatus;
  progress: number | null;
  step: string | null;
  attempts: number | null;
  max_retries: number | null;
  started_at: number | null;
  ended_at: number | null;
  duration_s: number | null;
  tokens: number | null;
  cost_usd: number | null;
  worker_id: string | null;
  provider_id: string | null;
  error: string | null;
  /** More facts, as name and text: only in a row that is told in full. */
  details?: [string, string][];
  subtasks_total: number;
  subtasks_done: number;
  /** At most 30; `subtasks_total` says how many there are. */
  subtasks: SubtaskRow[];
}

/** One line of output. `key` is its number from 0; the open (last) line of a stream may still change. */
export interface OutputRow extends Row {
  task: string | null;
  stream: "stdout" | "stderr";
  /** May hold ANSI SGR sequences; other control characters are already gone. */
  text: string;
  at: number | null;
}

export interface ArtifactRow extends Row {
  path: string;
  size: number | null;
  type: string | null;
  language: string | null;
  task: string | null;
  action: string | null;
  at: number | null;
}

export interface ErrorRow extends Row {
  task: string | null;
  task_name: string | null;
  message: string;
  error_type: string | null;
  recoverable: boolean | null;
  attempt: number | null;
  max_retries: number | null;
  stack: string | null;
  at: number | null;
}

export interface CheckpointOption {
  id: string;
  label: string;
  description: string | null;
  is_default: boolean;
  /** reject, cancel, abort...: set apart from the others. */
  destructive: boolean;
  /** The option whose answer carries modifications (JSON). */
  modifies: boolean;
}

export interface CheckpointRow extends Row {
  /** What each field of `cut` lacks: lines and characters. */
  rest?: Record<string, [number, number]>;
  id: string;
  task: string | null;
  task_name: string | null;
  type: string | null;
  title: string;
  description: string | null;
  /** The first of them, at most 50. */
  options: CheckpointOption[];
  /** How many there are; absent in pictures of older versions. */
  options_total?: number;
  /** It is answered in words of one's own. */
  free_text?: boolean;
  /** What of the options cannot be read: one plain sentence. */
  options_note?: string;
  context: {
    spec?: string;
    changes?: string[];
    cost?: number;
    risk?: string;
    /** Further texts of several lines, by their names: a diff, a plan. */
    texts?: { name: string; text: string }[];
    /** What the answer may modify, as indented JSON text to start from. */
    template?: string;
    /** Anything else, as indented JSON text. */
    other?: string;
  };
  default_action: string | null;
  /** By the server's clock: compare with Date.now() + head.clock_offset. */
  deadline: number | null;
  /** The server sent a reminder. */
  reminded: boolean;
  status: CheckpointStatus;
  /** Where our decision stands, if there is one. */
  delivery: DecisionState | null;
  /** The option of our decision, whatever became of it. */
  answer: string | null;
  /** The option that was decided; while ours is under way, ours. */
  decision: string | null;
  decided_by: "you" | "other" | "timeout" | null;
  feedback: string | null;
  /** Why a decision was refused or is unknown: one plain sentence. */
  error: string | null;
  requested_at: number | null;
  decided_at: number | null;
}

/** One line of the history: an answer of ours and what became of it, or how others or the time-out decided. */
export interface DecisionRow extends Row {
  checkpoint: string;
  title: string | null;
  /** The option's label; null when nothing was decided. */
  option: string | null;
  feedback: string | null;
  state: DecisionState;
  /** "you", "policy", "other", "timeout"; null when nobody decided. */
  by: string | null;
  /** From the question to how it ended, seconds. */
  took_s: number | null;
  at: number | null;
  error: string | null;
}

/** One event of the log, shortened. `kind` tells what could not be understood. */
export interface EventRow extends Row {
  type: string;
  task: string | null;
  at: number;
  kind: "known" | "unknown" | "malformed";
  /** The beginning of the payload's JSON text. */
  payload: string;
}

export interface Table<R extends Row> {
  /** Rows that exist in the kernel. */
  total: number;
  /** The rows shown without asking: all of them, or (append-only tables) the newest. In order. */
  rows: R[];
}

export interface Tables {
  phases: Table<PhaseRow>;
  waves: Table<WaveRow>;
  /** All tasks while there are at most 200, else the first 200 by arrival: the rest by `page`. */
  tasks: Table<TaskRow>;
  /** Running and paused tasks, newest first, at most 12. */
  active: Table<TaskRow>;
  /** The newest lines, at most 200 in a snapshot. */
  output: Table<OutputRow>;
  artifacts: Table<ArtifactRow>;
  errors: Table<ErrorRow>;
  /** Up to 20 open checkpoints, those due first, in the order they came; then up to five that were decided lately. */
  checkpoints: Table<CheckpointRow>;
  decisions: Table<DecisionRow>;
  /** The newest events, at most 16. */
  events: Table<EventRow>;
}
export type TableName = keyof Tables;

export interface Picture extends Tables {
  head: Head;
}

/**
 * What changed in a table: `set` holds new and changed rows (whole). `order`, when present, is the complete new
 * sequence of keys (keys not in it are gone); without it new rows go to the end. For the append-only tables
 * (`output`, `artifacts`, `errors`, `decisions`, `events`) keys are the decimal row numbers 0, 1, 2...; a patch may skip numbers when
 * the stream was faster than the panel: the view asks for a `page` when a person looks there. A row of `active` that `tasks` holds
 * too is told there only; `order` names it.
 */
export interface TablePatch<R extends Row = Row> {
  total?: number;
  set?: R[];
  order?: string[];
}

export type Changes = { head?: Partial<Head> } & {
  [T in TableName]?: TablePatch<Tables[T] extends Table<infer R> ? R : never>;
};
