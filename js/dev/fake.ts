/** A kernel without a process: plays runs for the dev page and the tests. */
import type {
  ArtifactRow,
  AskMatch,
  AskPage,
  Changes,
  CheckpointRow,
  ChoiceRow,
  DecisionRow,
  Durable,
  ErrorRow,
  EventRow,
  FieldKind,
  FormField,
  FromKernel,
  Head,
  LogQuery,
  OptionRow,
  OutputRow,
  Picture,
  PictureTables,
  Row,
  Table,
  TableName,
  TablePatch,
  TaskRow,
  ToKernel,
} from "../src/kernel/contract";
import type { WidgetModel } from "../src/kernel/port";
import { savedWindow } from "../src/tabs/timeline/saved";

type Callback = (value?: unknown) => void;

/** The traits of the widget. */
interface Traits {
  picture: Durable | Record<string, never>;
  height: number;
  compact: boolean;
  place: string;
}

export const KEYED: readonly TableName[] = ["phases", "waves", "tasks", "active", "agents", "usage", "checkpoints"];

/** JupyterLab's view of its kernel. */
class FakeHost {
  status = "unknown";
  readonly slots = new Set<() => void>();
  readonly statusChanged = {
    connect: (slot: () => void) => this.slots.add(slot),
    disconnect: (slot: () => void) => this.slots.delete(slot),
  };
}

/** A widget model whose kernel is a function of the messages. */
export class FakeModel implements WidgetModel {
  readonly traits: Traits = { picture: {}, height: 600, compact: false, place: "" };
  readonly sent: ToKernel[] = [];
  dead = false;
  /** The host's report of its kernel. */
  readonly widget_manager = { kernel: new FakeHost() };
  kernel: (message: ToKernel) => void = () => {};
  readonly #callbacks = new Map<string, Set<Callback>>();

  get(name: keyof Traits): unknown {
    return this.traits[name];
  }

  on(name: string, callback: Callback): void {
    const callbacks = this.#callbacks.get(name) ?? new Set();
    this.#callbacks.set(name, callbacks.add(callback));
  }

  off(name: string, callback: Callback): void {
    this.#callbacks.get(name)?.delete(callback);
  }

  send(content: unknown): void {
    if (this.dead) throw new Error("Cannot send");
    // A sent message is a copy, as over a wire.
    const message = structuredClone(content) as ToKernel;
    this.sent.push(message);
    this.kernel(message);
  }

  /** A message of the kernel. */
  receive(message: FromKernel): void {
    this.#call("msg:custom", structuredClone(message));
  }

  set<T extends keyof Traits>(name: T, value: Traits[T]): void {
    this.traits[name] = value;
    this.#call(`change:${name}`);
  }

  hostSays(status: string): void {
    const { kernel } = this.widget_manager;
    kernel.status = status;
    for (const slot of [...kernel.slots]) slot();
  }

  get listeners(): number {
    return [...this.#callbacks.values()].reduce((sum, callbacks) => sum + callbacks.size, 0);
  }

  #call(name: string, value?: unknown): void {
    for (const callback of [...(this.#callbacks.get(name) ?? [])]) callback(value);
  }
}

export function emptyHead(title: string, now: number): Head {
  return {
    title,
    url: "ws://localhost:8000/ws",
    protocol: "json",
    link: "connecting",
    attempt: 0,
    retry_at: null,
    reason: null,
    notice: null,
    status: "pending",
    percent: null,
    total_tasks: null,
    completed_tasks: 0,
    failed_tasks: 0,
    counts: { pending: 0, running: 0, paused: 0, completed: 0, failed: 0, cancelled: 0, skipped: 0 },
    started_at: now,
    ended_at: null,
    duration_s: null,
    estimated_duration_s: null,
    current_task: null,
    current_task_name: null,
    current_wave: null,
    tokens_used: null,
    token_budget: null,
    cost_usd: null,
    cost_limit: null,
    artifacts: 0,
    expected_artifacts: null,
    errors: 0,
    output_lines: 0,
    events: 0,
    malformed: 0,
    unknown: 0,
    duplicates: 0,
    missed: 0,
    clock_offset: 0,
    alerts: [],
    replay: null,
  };
}

export function emptyPicture(title = "A run", now = 0): Picture {
  const none = () => ({ total: 0, rows: [] });
  return {
    head: emptyHead(title, now),
    phases: none(),
    waves: none(),
    tasks: none(),
    active: none(),
    agents: none(),
    usage: none(),
    output: none(),
    artifacts: none(),
    errors: none(),
    checkpoints: none(),
    decisions: none(),
    events: none(),
  };
}

export function task(id: string, more: Partial<TaskRow> = {}): TaskRow {
  return {
    key: id,
    id,
    name: "",
    phase_name: null,
    phase: null,
    wave: null,
    status: "pending",
    progress: null,
    step: null,
    attempts: null,
    max_retries: null,
    started_at: null,
    ended_at: null,
    duration_s: null,
    tokens: null,
    cost_usd: null,
    worker_id: null,
    provider_id: null,
    error: null,
    subtasks_total: more.subtasks?.length ?? 0,
    subtasks_done: more.subtasks?.filter((subtask) => subtask.status === "completed").length ?? 0,
    subtasks: [],
    ...more,
  };
}

/** An option of a question that is named after its id. */
export function optionRow(id: string, more: Partial<OptionRow> = {}): OptionRow {
  return { id, label: id, description: null, is_default: false, destructive: false, modifies: false, ...more };
}

export function checkpoint(id: string, more: Partial<CheckpointRow> = {}): CheckpointRow {
  const option = (name: string, label: string, description: string) =>
    optionRow(name, {
      label,
      description,
      is_default: name === "approve",
      destructive: name === "reject",
      modifies: name === "modify",
    });
  return {
    key: id,
    id,
    task: null,
    task_name: null,
    type: "spec_review",
    title: `Question ${id}`,
    description: null,
    options: [
      option("approve", "Approve", "Go on as planned"),
      option("modify", "Modify", "Go on with changes"),
      option("reject", "Reject", "Stop the task"),
    ],
    context: {},
    default_action: "approve",
    deadline: null,
    reminded: false,
    status: "pending",
    delivery: null,
    answer: null,
    decision: null,
    decided_by: null,
    feedback: null,
    error: null,
    requested_at: null,
    decided_at: null,
    ...more,
  };
}

type Log = {
  output: OutputRow[];
  artifacts: ArtifactRow[];
  errors: ErrorRow[];
  decisions: DecisionRow[];
  events: EventRow[];
};

/** A sequence that sets colors. */
const COLOR = new RegExp(`${String.fromCharCode(27)}\\[[\\d;:]*m`, "g");

/** A field of a form, with a plain name. */
export function formField(key: string, kind: FieldKind, label: string, more: Partial<FormField> = {}): FormField {
  return {
    key,
    path: key.split("."),
    kind,
    label,
    description: null,
    group: null,
    required: false,
    choices: [],
    start: null,
    limits: "",
    ...more,
  };
}

/** The fields of the decision on an action, without those of its arguments. */
export function requestFields(at: number, ...allowed: readonly string[]): FormField[] {
  const choices = allowed.map((verb) => ({
    label: verb.charAt(0).toUpperCase() + verb.slice(1),
    value: JSON.stringify(verb),
  }));
  return [
    formField(`${at}.type`, "choice", "Decision", { path: ["type"], required: true, choices }),
    formField(`${at}.message`, "lines", "Reason", { path: ["message"] }),
  ];
}

export function choiceRows(...values: readonly (string | number)[]): ChoiceRow[] {
  return values.map((value) => ({ label: String(value), value: JSON.stringify(value) }));
}

/** The kernel's side of the contract: a picture, its versions, and answers to every request. */
export class FakeKernel {
  readonly model: FakeModel;
  readonly head: Head;
  readonly rows: { [T in TableName]: Row[] };
  readonly log: Log;
  version = 0;
  onDecide: (message: Extract<ToKernel, { kind: "decide" }>) => void = () => {};
  onLink: (action: "reconnect" | "stop") => void = () => {};
  /** Rows that are made on request, in place of `rows`: for very long tables. */
  made: { [T in TableName]?: { total: () => number; row: (index: number) => Row } } = {};
  #changed = new Map<TableName, Map<string, Row>>();
  #head: Partial<Head> = {};
  #order = new Set<TableName>();

  constructor(model: FakeModel, title: string) {
    this.model = model;
    const { head, ...tables } = emptyPicture(title, Date.now());
    this.head = head;
    this.rows = Object.fromEntries(Object.keys(tables).map((name) => [name, []])) as unknown as typeof this.rows;
    this.log = this.rows as unknown as Log;
    model.kernel = (message) => setTimeout(() => this.#answer(message), 3);
  }

  setHead(changes: Partial<Head>): void {
    Object.assign(this.head, changes);
    Object.assign(this.#head, changes);
  }

  put(table: TableName, row: Row): void {
    const rows = this.rows[table];
    const at = KEYED.includes(table) ? rows.findIndex((other) => other.key === row.key) : Number(row.key);
    if (at >= 0 && at < rows.length) rows[at] = row;
    else rows.push(row);
    this.mark(table, row);
  }

  /** Sends a row with the next patch. */
  mark(table: TableName, row: Row): void {
    const changed = this.#changed.get(table) ?? new Map();
    this.#changed.set(table, changed.set(row.key, row));
  }

  add(table: keyof Log, row: Omit<Row, "key"> & Record<string, unknown>): void {
    this.put(table, { ...row, key: String(this.rows[table].length) });
  }

  replace(table: TableName, rows: Row[]): void {
    this.rows[table] = rows;
    this.#order.add(table);
    for (const row of rows) this.mark(table, row);
  }

  publish(): void {
    const changes: Changes = {};
    if (Object.keys(this.#head).length > 0) changes.head = this.#head;
    for (const [table, rows] of this.#changed) {
      const newest = [...rows.values()].slice(-200);
      const patch: TablePatch<Row> = { total: this.#total(table), set: newest };
      if (this.#order.has(table)) patch.order = this.rows[table].map((row) => row.key);
      Object.assign(changes, { [table]: patch });
    }
    this.#changed = new Map();
    this.#order = new Set();
    this.#head = {};
    if (Object.keys(changes).length === 0) return;
    const base = this.version++;
    this.model.receive({ kind: "patch", base, version: this.version, now: Date.now(), changes });
  }

  heartbeat(): void {
    this.model.receive({ kind: "heartbeat", version: this.version, now: Date.now(), subshell: true });
  }

  picture(): Picture {
    const tables = {} as Record<TableName, Table<Row>>;
    for (const name of Object.keys(this.rows) as TableName[]) {
      const total = this.#total(name);
      const newest = name === "events" ? 50 : 200;
      const made = this.made[name];
      const first = name === "tasks" ? 0 : Math.max(0, total - newest);
      const rows = made
        ? Array.from({ length: Math.min(newest, total) }, (_, i) => made.row(first + i))
        : name === "tasks"
          ? this.rows[name].slice(0, newest)
          : this.rows[name].slice(-newest);
      tables[name] = { total, rows };
    }
    return { head: this.head, ...(tables as unknown as PictureTables) };
  }

  #total(table: TableName): number {
    return this.made[table]?.total() ?? this.rows[table].length;
  }

  #answer(message: ToKernel): void {
    switch (message.kind) {
      case "ready":
      case "snapshot":
        if (message.kind === "ready" && message.have === this.version) this.heartbeat();
        else this.#snapshot();
        break;
      case "page":
        if (message.table === "writers") this.#writers(message);
        else if (message.table in this.rows) this.#page(message, message.table as TableName);
        break;
      case "match":
        this.#match(message);
        break;
      case "text": {
        const rows = this.#chosen("output", message.query).map((n) => this.#row("output", n) as OutputRow);
        const piece = rows.slice(message.offset ?? 0, (message.offset ?? 0) + 1000);
        const text = piece.map((row) => `${row.text.replace(COLOR, "")}\n`).join("");
        const next = (message.offset ?? 0) + piece.length;
        this.model.receive({ kind: "text", id: message.id, text, next, total: rows.length });
        break;
      }
      case "detail": {
        const row = this.rows[message.table].find(({ key }) => key === message.key) ?? null;
        this.model.receive({ kind: "detail", id: message.id, table: message.table, key: message.key, row });
        break;
      }
      case "task":
        this.#task(message.id, message.task);
        break;
      case "timeline": {
        const window = savedWindow(this.rows.tasks as TaskRow[], message.by ?? "worker", this.head);
        this.model.receive({ kind: "timeline", id: message.id, window });
        break;
      }
      case "decide":
        this.onDecide(message);
        break;
      case "link":
        this.onLink(message.action);
    }
  }

  #snapshot(): void {
    this.model.receive({ kind: "snapshot", version: this.version, now: Date.now(), picture: this.picture() });
  }

  #task(id: string, task: string): void {
    const row = (this.rows.tasks as TaskRow[]).find((one) => one.id === task) ?? null;
    const own = <R extends Row & { task: string | null }>(rows: R[]) => rows.filter((one) => one.task === task);
    const [errors, files, output] = [own(this.log.errors), own(this.log.artifacts), own(this.log.output)];
    const history = {
      ...{ errors: errors.slice(-20), errors_total: errors.length },
      ...{ files: files.slice(-100), files_total: files.length },
      ...{ questions: [], questions_total: 0 },
      ...{ output: output.slice(-60), output_searched: this.log.output.length },
    };
    this.model.receive({ kind: "task", id, row, history: row && history });
  }

  #row(table: TableName, index: number): Row {
    return (this.made[table]?.row(index) ?? this.rows[table][index]) as Row;
  }

  /** The numbers of the rows that a query chooses. */
  #chosen(table: TableName, query: LogQuery): number[] {
    const all = Array.from({ length: Math.min(this.#total(table), 50_000) }, (_, n) => n);
    const text = (query.text ?? "").toLowerCase();
    return all.filter((n) => {
      const row = this.#row(table, n) as Partial<OutputRow & EventRow>;
      const shown = `${row.type ?? ""} ${row.payload ?? ""} ${(row.text ?? "").replace(COLOR, "")}`;
      const isTask = `${row.name} · ${row.task}`.includes(query.task ?? "");
      const isType = query.types?.length ? query.types.includes(row.type ?? "") : row.type !== "heartbeat";
      const isBad = row.stream === "stderr" || /error/i.test(shown);
      const isText = query.regex ? new RegExp(text, "i").test(shown) : shown.toLowerCase().includes(text);
      const isStream = !query.stream || row.stream === query.stream;
      return isText && isTask && isStream && (isType || Boolean(query.heartbeats)) && (!query.errors || isBad);
    });
  }

  #match({ id, shown, text = "", regex = false, errors = false, near = 0, step = 0 }: AskMatch): void {
    const rows = this.#chosen("output", shown);
    const found = this.#chosen("output", { ...shown, text, regex, errors });
    const next = found.findIndex((n) => n >= near + (step > 0 ? 1 : 0));
    const before = found.filter((n) => n < near).length - 1;
    const last = found.length - 1;
    const ordinal = step < 0 ? (before < 0 ? last : before) : next < 0 ? (step > 0 ? 0 : last) : next;
    const line = found[ordinal] ?? null;
    const place = line === null ? 0 : rows.indexOf(line);
    const counts = { ordinal: Math.max(0, ordinal), matches: found.length, shown: rows.length };
    this.model.receive({ kind: "match", id, line, place, ...counts });
  }

  #writers({ id, search }: AskPage): void {
    const labels = new Map<string, string>();
    for (const n of this.#chosen("output", {})) {
      const { task, name } = this.#row("output", n) as OutputRow;
      if (task) labels.set(task, name ? `${name} · ${task}` : task);
    }
    const rows = [...labels].map(([key, label]) => ({ key, label }));
    const found = rows.filter(({ label }) => label.toLowerCase().includes((search ?? "").toLowerCase()));
    this.model.receive({ kind: "page", id, table: "writers", offset: 0, total: found.length, rows: found });
  }

  #page({ id, offset = 0, limit = 100, status, search, query }: AskPage, table: TableName): void {
    const row = (index: number) => this.#row(table, index) as TaskRow;
    const count = this.#total(table);
    const numbers = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
    const matches = (index: number) => {
      const { status: is, name, id: own } = row(index);
      return (!status || is === status) && (!search || `${name} ${own}`.toLowerCase().includes(search.toLowerCase()));
    };
    const found = query ? this.#chosen(table, query) : status || search ? numbers(0, count).filter(matches) : null;
    const page = found ? found.slice(offset, offset + limit) : numbers(offset, Math.min(count, offset + limit));
    const total = found?.length ?? count;
    const rows = page.map(row);
    const types = table === "events" && query ? { types: this.#types() } : {};
    this.model.receive({ kind: "page", id, table, offset, total, rows, ...types });
  }

  #types(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { type } of this.log.events) counts[type] = (counts[type] ?? 0) + 1;
    return counts;
  }
}
