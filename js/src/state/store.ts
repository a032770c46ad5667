/**
 * The picture of one run as this page has it: the pictures and patches of the kernel, applied in order.
 *
 * One store per widget model, shared by all views. Knows no DOM and no Jupyter.
 */

import { Clocks } from "../kernel/clock";
import { type Attachment, Connection } from "../kernel/connection";
import type {
  Changes,
  CheckpointRow,
  FromKernel,
  Head,
  KeyedName,
  Picture,
  PictureTables,
  ReplayAction,
  Row,
  TableName,
  ToKernel,
} from "../kernel/contract";
import { isOver } from "../kernel/link";
import type { Port } from "../kernel/port";
import type { Cancel, Env } from "../page/env";
import { Commands } from "./commands";
import { Details } from "./details";
import { Drafts } from "./drafts";
import { LogSearch } from "./log-search";
import { LogText } from "./log-text";
import { Pages } from "./pages";
import { isOpen, Submissions } from "./submissions";
import { type HeldTable, KeyedRows, keep, LogRows } from "./tables";
import { Windows } from "./windows";

/**
 * Topics that a view can watch: it is painted again when one of them changed. `beat`: a message of the kernel came in.
 */
export type Topic =
  | TableName
  | "head"
  | "attachment"
  | "submissions"
  | "drafts"
  | "commands"
  | "replay"
  | "pages"
  | "beat";

export type Held = { [T in TableName]: PictureTables[T] extends { rows: (infer R extends Row)[] } ? R : never };
export type LogName = Exclude<TableName, KeyedName>;
export type LogTables = { [T in LogName]: LogRows<Held[T]> };
type HeldTables = { [T in KeyedName]: KeyedRows<Held[T]> } & LogTables;

/** A snapshot requested and not here by then was lost: it is requested again. */
const SNAPSHOT_MS = 2000;
/** The most commands without an answer that are remembered. */
const COMMANDS = 100;

export class Store {
  head: Head | null = null;
  version = -1;
  /**
   * The reason why the last answered command to a replay was not carried out; null when it was. Each is an object of
   * its own.
   */
  refusal: { readonly error: string | null } | null = null;
  /** The newest words to a person about a press, each in an object of its own. */
  told: { readonly words: string } | null = null;
  readonly tables: HeldTables = {
    phases: new KeyedRows(),
    waves: new KeyedRows(),
    tasks: new KeyedRows(),
    active: new KeyedRows(),
    agents: new KeyedRows(),
    usage: new KeyedRows(),
    checkpoints: new KeyedRows(),
    output: new LogRows(),
    artifacts: new LogRows(),
    errors: new LogRows(),
    decisions: new LogRows(),
    events: new LogRows(),
  };
  readonly pages: Pages;
  readonly details: Details;
  readonly windows: Windows;
  readonly submissions: Submissions;
  readonly drafts: Drafts;
  readonly commands: Commands;
  /** The views that could speak to a screen reader; only the first does. */
  readonly voices = new Set<object>();
  readonly port: Port;
  readonly clocks: Clocks;
  readonly #connection: Connection;
  readonly #env: Env;
  readonly #revisions = new Map<Topic, number>();
  readonly #watchers = new Set<() => void>();
  readonly #listeners = new Set<(touched: readonly Topic[]) => void>();
  readonly #stops: Cancel[] = [];
  /** Commands to a replay that have not been answered. */
  readonly #commands = new Set<string>();
  #askedAt = -Number.POSITIVE_INFINITY;
  /** Our picture is the shortened one of the trait. */
  #short = false;
  #frame: Cancel | null = null;
  /** The time at which this page saw a question close, by the browser's clock. */
  readonly #closedAt = new Map<string, number>();

  readonly #searches = new Set<LogSearch | LogText>();
  readonly #send = (message: ToKernel) => this.#connection.send(message);

  constructor(port: Port, env: Env) {
    this.port = port;
    this.#env = env;
    this.clocks = new Clocks(env, () => this.head);
    this.#connection = new Connection(port, env, this.clocks, {
      have: () => this.#have(),
      beats: () => this.head !== null && !isOver(this.head.link),
      changed: () => this.#touch("attachment"),
    });
    const send = this.#send;
    this.pages = new Pages(env, send);
    this.details = new Details(env, send);
    this.windows = new Windows(env, send);
    this.submissions = new Submissions(env, send, {
      now: () => this.clocks.running(),
      changed: () => this.#touch("submissions"),
    });
    this.commands = new Commands(env, send, () => this.#touch("commands"));
    this.drafts = new Drafts(env, {
      run: () => (this.head && !this.head.replay ? this.head.url : null),
      changed: () => this.#touch("drafts"),
    });
    this.#adoptTrait();
    this.#stops.push(
      port.onMessage((message) => this.receive(message)),
      port.onPicture(() => this.#adoptTrait()),
    );
  }

  get attachment(): Attachment {
    return this.#connection.attachment;
  }

  /** True if a request could be answered: there is a kernel, as far as known. */
  get reachable(): boolean {
    return this.#connection.reachable;
  }

  /** Milliseconds since this page saw a question close; null if it never was open here. */
  closedFor(key: string): number | null {
    const at = this.#closedAt.get(key);
    return at === undefined ? null : this.#env.now() - at;
  }

  revision(topic: Topic): number {
    return this.#revisions.get(topic) ?? 0;
  }

  /** Calls back at most once a frame when something changed; returns a function that ends this. */
  watch(callback: () => void): Cancel {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  /**
   * Calls back at once when one of the topics changed, even while the page is hidden; returns a function that ends
   * this.
   */
  listen(topics: readonly Topic[], callback: () => void): Cancel {
    const listener = (touched: readonly Topic[]) => {
      if (touched.some((topic) => topics.includes(topic))) callback();
    };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A search in the output, for one view. */
  searchLog(changed: () => void): LogSearch {
    return this.#listening(new LogSearch(this.#env, this.#send, changed));
  }

  /** The text of the output, for one view. */
  logText(changed: () => void): LogText {
    return this.#listening(new LogText(this.#env, this.#send, changed));
  }

  endSearch(search: LogSearch | LogText): void {
    search.stop();
    this.#searches.delete(search);
  }

  #listening<S extends LogSearch | LogText>(search: S): S {
    this.#searches.add(search);
    return search;
  }

  /** A view opens; the returned function closes it. */
  open(): Cancel {
    return this.#connection.open();
  }

  receive(message: FromKernel): void {
    this.#connection.note(message);
    this.#touch("beat");
    for (const search of this.#searches) search.receive(message);
    switch (message.kind) {
      case "snapshot":
        this.#snapshot(message.version, message.picture);
        break;
      case "patch":
        this.#patch(message.base, message.version, message.changes);
        break;
      case "heartbeat":
        if (message.version !== this.version || this.#short) this.#askSnapshot();
        break;
      case "page":
        if (this.pages.receive(message)) this.#touch("pages", message.table as TableName);
        else this.details.receive(message);
        break;
      case "detail":
      case "task":
        this.details.receive(message);
        break;
      case "timeline":
        this.windows.receive(message);
        break;
      case "answer":
        this.windows.receive(message);
        this.details.receive(message);
        this.submissions.answer(message.id, message.ok, message.error, message.fields);
        this.commands.answer(message.id, message.ok, message.error);
        if (!this.#commands.delete(message.id)) break;
        this.refusal = message.ok ? null : { error: message.error };
        this.#touch("replay");
    }
  }

  /** Has words read out. */
  tell(words: string): void {
    this.told = { words };
    this.#touch("submissions");
  }

  /** Open checkpoints, or those that were decided lately. */
  checkpoints(open: boolean): Held["checkpoints"][] {
    return this.tables.checkpoints.rows.filter((row) => isOpen(row) === open);
  }

  /** Requests the rows [from, to) of an append-only table that are missing here. */
  wantLog(name: LogName, from: number, to: number): void {
    this.pages.wantLog(name, this.tables[name], from, to);
  }

  /** Sends a person's answer, unless one is on its way; the draft notes the option it went with. */
  answer(row: CheckpointRow, option: string, modifications: unknown = null, decisions: unknown = null): void {
    const given = {
      option,
      feedback: this.drafts.feedback(row.id),
      modifications,
      ...(decisions ? { decisions } : {}),
    };
    if (this.submissions.submit(row, given)) this.drafts.write(row, { sentWith: option });
  }

  link(action: "reconnect" | "stop"): void {
    this.#connection.send({ kind: "link", id: this.#env.id(), action });
  }

  replay(action: ReplayAction, value: number | null = null): void {
    const id = this.#env.id();
    const [oldest] = this.#commands;
    if (oldest !== undefined && this.#commands.size >= COMMANDS) this.#commands.delete(oldest);
    this.#commands.add(id);
    this.#connection.send({ kind: "replay", id, action, value });
  }

  /** Ends everything; the store cannot be used afterwards. */
  dispose(): void {
    for (const stop of this.#stops) stop();
    this.#connection.dispose();
    this.#frame?.();
    this.submissions.clear();
    this.pages.clear();
    this.details.clear();
    this.windows.clear();
    this.#watchers.clear();
    this.#listeners.clear();
  }

  /** The version that is completely here. */
  #have(): number {
    return this.#short ? -1 : this.version;
  }

  #adoptTrait(): void {
    const held = this.port.picture();
    // Messages are exact and the trait is shortened: it only counts before the first message.
    if (!held || (this.version >= 0 && !this.#short) || held.version < this.version) return;
    this.#short = true;
    this.#load(held.version, held.picture);
  }

  #snapshot(version: number, picture: Picture): void {
    const asked = this.#askedAt > -Number.POSITIVE_INFINITY;
    // Every view of the run gets the answer to another's request: it serves ours, unless we have requested one too.
    if (!this.#short && !asked && version <= this.version) return;
    this.#askedAt = -Number.POSITIVE_INFINITY;
    this.#short = false;
    this.#load(version, picture);
  }

  #load(version: number, picture: Picture): void {
    this.version = version;
    if (this.head?.run !== picture.head.run) this.details.forget(); // rows of another run have the same keys
    this.head = keep(this.head ?? undefined, picture.head);
    for (const name of Object.keys(this.tables) as TableName[]) {
      const table = picture[name];
      if (!table) continue;
      if (name === "checkpoints") this.#noteClosings(picture.checkpoints.rows);
      const held: HeldTable<Row> = this.tables[name];
      held.replace(table);
    }
    this.pages.clear();
    this.#follow(this.tables.checkpoints.rows);
    this.#touch("head", "pages", ...(Object.keys(this.tables) as TableName[]));
  }

  #patch(base: number, version: number, changes: Changes): void {
    if (!this.#short && version <= this.version) return; // already applied
    if (this.#short || base !== this.version || !this.head) {
      this.#askSnapshot();
      return;
    }
    this.version = version;
    if (changes.head) {
      this.head = { ...this.head, ...changes.head };
      this.#touch("head");
    }
    for (const name of Object.keys(this.tables) as TableName[]) {
      // Active tasks change with the tasks.
      const patch = changes[name] ?? (name === "active" && changes.tasks ? {} : null);
      if (!patch) continue;
      if (name === "checkpoints") this.#noteClosings(changes.checkpoints?.set ?? []);
      const held: HeldTable<Row> = this.tables[name];
      held.patch(patch, name === "active" ? this.tables.tasks : undefined);
      this.#touch(name);
    }
    this.#follow(changes.checkpoints?.set ?? []);
  }

  #follow(rows: readonly Held["checkpoints"][]): void {
    for (const row of rows) {
      this.submissions.follow(row);
      this.drafts.follow(row);
    }
  }

  #noteClosings(rows: readonly Held["checkpoints"][]): void {
    for (const row of rows) {
      const before = this.tables.checkpoints.get(row.key);
      if (isOpen(row)) this.#closedAt.delete(row.key);
      else if (before && isOpen(before)) this.#closedAt.set(row.key, this.#env.now());
    }
  }

  #askSnapshot(): void {
    if (this.#env.now() - this.#askedAt < SNAPSHOT_MS) return;
    this.#askedAt = this.#env.now();
    this.#connection.send({ kind: "snapshot", have: this.#have() });
  }

  #touch(...topics: Topic[]): void {
    for (const topic of topics) this.#revisions.set(topic, this.revision(topic) + 1);
    for (const listener of [...this.#listeners]) listener(topics);
    if (this.#frame || this.#watchers.size === 0) return;
    this.#frame = this.#env.frame(() => {
      this.#frame = null;
      for (const callback of [...this.#watchers]) callback();
    });
  }
}
