/**
 * The contract with the kernel: every trait and message name, and the shape of the picture.
 *
 * The kernel's side is `src/runconsole/view.py` (the picture) and `src/runconsole/widget.py` (traits, messages).
 * Times are epoch milliseconds by the kernel's clock, durations seconds, `null` is unknown.
 * Every string that comes from the stream is plain text: never HTML.
 */

export type LinkState = "connecting" | "live" | "retrying" | "ended" | "failed" | "stopped";
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
  status: TaskStatus | "partial";
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
  id: string;
  task: string | null;
  task_name: string | null;
  type: string | null;
  title: string;
  description: string | null;
  options: CheckpointOption[];
  context: {
    spec?: string;
    changes?: string[];
    cost?: number;
    risk?: string;
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
  decision: string | null;
  decided_by: "you" | "other" | "timeout" | null;
  feedback: string | null;
  /** Why a decision was refused or is unknown: one plain sentence. */
  error: string | null;
  requested_at: number | null;
  decided_at: number | null;
}

export interface DecisionRow extends Row {
  checkpoint: string;
  title: string | null;
  option: string;
  feedback: string | null;
  state: DecisionState;
  by: string | null;
  requested_at: number | null;
  sent_at: number | null;
  acknowledged_at: number | null;
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
  /** Every open checkpoint, oldest first, then up to five that were decided lately. */
  checkpoints: Table<CheckpointRow>;
  decisions: Table<DecisionRow>;
  /** The newest events, at most 50. */
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
 * the stream was faster than the panel: the view asks for a `page` when a person looks there.
 */
export interface TablePatch<R extends Row = Row> {
  total?: number;
  set?: R[];
  order?: string[];
}

export type Changes = { head?: Partial<Head> } & {
  [T in TableName]?: TablePatch<Tables[T] extends Table<infer R> ? R : never>;
};

/* ---- kernel → browser: custom messages (they reach every view of the run) ---- */

export type FromKernel =
  | { kind: "snapshot"; version: number; now: number; picture: Picture }
  /** Applies on top of `base`; if ours is another version: ask `{kind: "snapshot"}`. */
  | { kind: "patch"; base: number; version: number; now: number; changes: Changes }
  /** Each second while live: the newest version, so that a lost last patch is noticed. `now` is the kernel's clock. */
  | { kind: "heartbeat"; version: number; now: number; subshell: boolean }
  | { kind: "page"; id: string; table: TableName; offset: number; total: number; rows: Row[] }
  | { kind: "detail"; id: string; table: TableName; key: string; row: Row | null }
  /** The kernel took a request in hand (ok) or refused it at the door, with one sentence. */
  | { kind: "answer"; id: string; ok: boolean; error: string | null };

/* ---- browser → kernel: custom messages (`model.send`, never `set` + `save_changes`) ---- */

export type ToKernel =
  /** On render, and again after 0.4 s and 1.2 s: binds the widget to the subshell (see the heartbeat's `subshell`). */
  | { kind: "ready"; have: number }
  | { kind: "snapshot"; have: number }
  | {
      kind: "decide";
      /** A fresh id per press: crypto.randomUUID() or the like. The answer comes with the same id. */
      id: string;
      checkpoint: string;
      option: string;
      feedback: string | null;
      modifications: unknown;
    }
  | {
      kind: "page";
      id: string;
      table: TableName;
      offset: number;
      limit: number;
      status?: TaskStatus | null;
      search?: string | null;
    }
  | { kind: "detail"; id: string; table: TableName; key: string }
  /** "reconnect" tries again now while retrying or after failed; "stop" ends the console (not the run). */
  | { kind: "link"; id: string; action: "reconnect" | "stop" };

/* ---- traits (synced; under 50 KB together) ---- */

export interface Traits {
  /**
   * The durable picture: true at most one second ago while live, exact at the end. What a second page, a reload or a saved notebook
   * starts from. `version` is the picture's. Tables are shortened (tasks 60, output 60, events 0 rows...).
   */
  picture: { version: number; now: number; picture: Picture } | Record<string, never>;
  /** Height of the scrolling areas in CSS pixels. */
  height: number;
}

/* ---- the door to the kernel: nothing else touches the widget model ---- */

/** What the panel uses of anywidget's model. */
export interface WidgetModel {
  get(name: keyof Traits): unknown;
  on(name: string, callback: (value?: unknown) => void): void;
  off(name: string, callback: (value?: unknown) => void): void;
  send(content: unknown): void;
}

/** The panel's end of the wire to the kernel. */
export interface Port {
  /** Sends a message; false when there is no kernel to send it to. */
  send(message: ToKernel): boolean;
  /** Calls back with each message of the kernel; returns how to stop. */
  onMessage(callback: (message: FromKernel) => void): () => void;
  /** The durable picture, or null while the kernel has not written one. */
  picture(): { version: number; now: number; picture: Picture } | null;
  /** Calls back when the durable picture changed; returns how to stop. */
  onPicture(callback: () => void): () => void;
  /** Height of the scrolling areas in CSS pixels. */
  height(): number;
  onHeight(callback: () => void): () => void;
}

const MESSAGE = "msg:custom";
const DEFAULT_HEIGHT = 320;

export class ModelPort implements Port {
  readonly #model: WidgetModel;

  constructor(model: WidgetModel) {
    this.#model = model;
  }

  send(message: ToKernel): boolean {
    try {
      this.#model.send(message);
      return true;
    } catch {
      // A model whose kernel was restarted stays on the page and throws "Cannot send": the panel says so.
      return false;
    }
  }

  onMessage(callback: (message: FromKernel) => void): () => void {
    return this.#listen(MESSAGE, (content) => {
      if (isMessage(content)) callback(content);
    });
  }

  picture(): { version: number; now: number; picture: Picture } | null {
    const value = this.#model.get("picture") as Traits["picture"] | null | undefined;
    return value && "picture" in value ? (value as { version: number; now: number; picture: Picture }) : null;
  }

  onPicture(callback: () => void): () => void {
    return this.#listen("change:picture", () => callback());
  }

  height(): number {
    const value = this.#model.get("height");
    return typeof value === "number" && value > 0 ? value : DEFAULT_HEIGHT;
  }

  onHeight(callback: () => void): () => void {
    return this.#listen("change:height", () => callback());
  }

  #listen(name: string, callback: (value?: unknown) => void): () => void {
    this.#model.on(name, callback);
    return () => this.#model.off(name, callback);
  }
}

function isMessage(content: unknown): content is FromKernel {
  return typeof content === "object" && content !== null && typeof (content as { kind?: unknown }).kind === "string";
}
