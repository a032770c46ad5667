/** A run as of one of its moments. */
import type {
  AgentRow,
  ArtifactRow,
  CheckpointRow,
  DecisionRow,
  ErrorRow,
  EventRow,
  Head,
  OutputRow,
  PhaseRow,
  Picture,
  Row,
  Table,
  TableName,
  TaskRow,
  UsageRow,
  WaveRow,
} from "../kernel/contract";
import { isOpen } from "../state/submissions";
import type { GrowingName, KeyedName, Moment, RunData } from "./data";

/** The rows of a picture: the first tasks and phases, the newest of all else, and all that the panel groups itself. */
const FIRST = 200;
const ALL = Number.POSITIVE_INFINITY;
const NEWEST: Record<GrowingName, number> = { output: 200, events: 16, artifacts: ALL, errors: ALL, decisions: 50 };
const CLOSED = 5;

export class RunAt {
  readonly #data: RunData;
  #index = -1;
  #head: Partial<Head> = {};
  #keyed: Record<KeyedName, Map<string, Row>> = empty();
  #active: string[] = [];

  constructor(data: RunData) {
    this.#data = data;
    this.goTo(data.moments.length - 1);
  }

  get moment(): Moment {
    return this.#data.moments[this.#index] as Moment;
  }

  get isAtEnd(): boolean {
    return this.#index === this.#data.moments.length - 1;
  }

  /** Goes to the last moment at or before a position; returns true if that is another one. */
  seek(position: number): boolean {
    const { moments } = this.#data;
    let [low, high] = [0, moments.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((moments[middle] as Moment).position_s <= position) low = middle;
      else high = middle - 1;
    }
    return this.goTo(low);
  }

  goTo(index: number): boolean {
    if (index === this.#index) return false;
    if (index < this.#index) {
      this.#index = -1;
      this.#head = {};
      this.#keyed = empty();
      this.#active = [];
    }
    while (this.#index < index) this.#apply(this.#data.moments[++this.#index] as Moment);
    return true;
  }

  rows(name: TableName): readonly Row[] {
    if (name === "active") return this.#active.flatMap((key) => this.#keyed.tasks.get(key) ?? []);
    if (name in this.#keyed) return [...this.#keyed[name as KeyedName].values()];
    return this.#data.growing[name as GrowingName].slice(0, this.moment.totals[name as GrowingName]);
  }

  row(name: TableName, key: string): Row | null {
    if (name in this.#keyed) return this.#keyed[name as KeyedName].get(key) ?? null;
    return this.rows(name)[Number(key)] ?? null;
  }

  picture(head: Partial<Head>): Picture {
    const checkpoints = [...this.#keyed.checkpoints.values()] as CheckpointRow[];
    const shown = [...checkpoints.filter(isOpen), ...checkpoints.filter((row) => !isOpen(row)).slice(-CLOSED)];
    return {
      head: { ...(this.#head as Head), ...head },
      phases: this.#firstOf<PhaseRow>("phases"),
      waves: { total: this.#keyed.waves.size, rows: [...this.#keyed.waves.values()].slice(-FIRST) as WaveRow[] },
      tasks: this.#firstOf<TaskRow>("tasks"),
      agents: { total: this.#keyed.agents.size, rows: this.rows("agents") as AgentRow[] },
      usage: { total: this.#keyed.usage.size, rows: this.rows("usage") as UsageRow[] },
      active: { total: this.#active.length, rows: this.rows("active") as TaskRow[] },
      output: this.#newest<OutputRow>("output"),
      artifacts: this.#newest<ArtifactRow>("artifacts"),
      errors: this.#newest<ErrorRow>("errors"),
      checkpoints: { total: checkpoints.length, rows: shown },
      decisions: this.#newest<DecisionRow>("decisions"),
      events: this.#newest<EventRow>("events"),
    };
  }

  #firstOf<R extends Row>(name: KeyedName): Table<R> {
    const rows = this.#keyed[name];
    return { total: rows.size, rows: [...rows.values()].slice(0, FIRST) as R[] };
  }

  #newest<R extends Row>(name: GrowingName): Table<R> {
    const rows = this.rows(name);
    return { total: rows.length, rows: rows.slice(-NEWEST[name]) as R[] };
  }

  #apply(moment: Moment): void {
    this.#head = { ...this.#head, ...moment.head };
    if (moment.active) this.#active = moment.active;
    for (const name of Object.keys(this.#keyed) as KeyedName[]) {
      const { set, order } = moment[name] ?? {};
      const rows = this.#keyed[name];
      for (const row of set ?? []) rows.set(row.key, row);
      if (order) this.#keyed[name] = new Map(order.map((key) => [key, rows.get(key) as Row]));
    }
  }
}

function empty(): Record<KeyedName, Map<string, Row>> {
  return {
    phases: new Map(),
    waves: new Map(),
    tasks: new Map(),
    agents: new Map(),
    usage: new Map(),
    checkpoints: new Map(),
  };
}
