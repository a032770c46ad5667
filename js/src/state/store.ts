/**
 * What one run looks like, as far as this page knows: the pictures and patches of the kernel, applied in order.
 *
 * One store per widget model, shared by all views. Knows no DOM and no Jupyter.
 */

import type {
  Changes,
  FromKernel,
  Head,
  Picture,
  ReplayAction,
  Row,
  TableName,
  Tables,
  ToKernel,
} from "../kernel/contract";
import { isOver } from "../kernel/link";
import type { Port } from "../kernel/port";
import type { Cancel, Env } from "../page/env";
import { Commands } from "./commands";
import { Details } from "./details";
import { Drafts } from "./drafts";
import { Pages } from "./pages";
import { isOpen, Submissions } from "./submissions";
import { KeyedRows, keep, LogRows, type SparseRows } from "./tables";

/**
 * Who is at the other end. `waiting`: just opened; `attached`: the kernel talks; `silent`: it did, but not for some seconds;
 * `recorded`: a saved notebook, nobody ever answered; `gone`: the kernel was restarted or shut down.
 */
export type Attachment = "waiting" | "attached" | "silent" | "recorded" | "gone";

/** What a view can watch: it is painted again when one of its topics changed. `beat`: the kernel was heard. */
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

type Held = { [T in TableName]: Tables[T] extends { rows: (infer R extends Row)[] } ? R : never };
type KeyedName = "phases" | "waves" | "tasks" | "active" | "checkpoints";
export type LogName = Exclude<TableName, KeyedName>;
type HeldTables = { [T in KeyedName]: KeyedRows<Held[T]> } & { [T in LogName]: LogRows<Held[T]> };

const READY_MS = [0, 400, 1200];
const RECORDED_MS = 3200;
const SILENT_MS = 5000;
const CHECK_MS = 1000;
/** How often a silent kernel is spoken to: one that is gone shows by it. */
const PROBE_MS = 10_000;
/** A snapshot asked for and not here by then was lost: ask again. */
const SNAPSHOT_MS = 2000;
/** A kernel that is idle answers at once: one that has not by then is not the one that knows us. */
const IDLE_MS = 3000;
/** Of commands whose answers never come, no more are remembered. */
const COMMANDS = 100;

export class Store {
  head: Head | null = null;
  version = -1;
  attachment: Attachment = "waiting";
  /** Why the command to a replay that was answered last was not carried out; null when it was. Each is an object of its own. */
  refusal: { readonly error: string | null } | null = null;
  readonly tables: HeldTables = {
    phases: new KeyedRows(),
    waves: new KeyedRows(),
    tasks: new KeyedRows(),
    active: new KeyedRows(),
    checkpoints: new KeyedRows(),
    output: new LogRows(),
    artifacts: new LogRows(),
    errors: new LogRows(),
    decisions: new LogRows(),
    events: new LogRows(),
  };
  readonly pages: Pages;
  readonly details: Details;
  readonly submissions: Submissions;
  readonly drafts: Drafts;
  readonly commands: Commands;
  /** The views that could speak to a screen reader; only the first does. */
  readonly voices = new Set<object>();
  readonly port: Port;
  readonly #env: Env;
  readonly #revisions = new Map<Topic, number>();
  readonly #watchers = new Set<() => void>();
  readonly #listeners = new Set<(touched: readonly Topic[]) => void>();
  readonly #stops: Cancel[] = [];
  /** Commands to a replay that have not been answered. */
  readonly #commands = new Set<string>();
  /** Kernel clock minus browser clock, milliseconds. */
  #skew: number | null = null;
  #stoppedAt: number | null = null;
  #heardAt: number;
  /** When the kernel last told the time. */
  #toldAt: number;
  #probedAt = -Number.POSITIVE_INFINITY;
  /** The first message since the kernel was last heard; every message of ours is answered by something. */
  #unansweredSince: number | null = null;
  #askedAt = -Number.POSITIVE_INFINITY;
  /** Our picture is the shortened one of the trait. */
  #short = false;
  #frame: Cancel | null = null;
  #check: Cancel | null = null;
  /** What closes each open view. */
  readonly #views = new Set<Cancel>();
  /** When this page saw a question close, by the browser's clock. */
  readonly #closedAt = new Map<string, number>();

  constructor(port: Port, env: Env) {
    this.port = port;
    this.#env = env;
    this.#heardAt = this.#toldAt = env.now();
    const send = (message: ToKernel) => this.#send(message);
    this.pages = new Pages(env, send);
    this.details = new Details(env, send);
    this.submissions = new Submissions(env, send, {
      now: () => this.#running(),
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
      port.onKernel(() => this.#onKernel()),
    );
  }

  /** Epoch milliseconds by the kernel's clock; stands still when nobody is there whose time it could be. */
  now(): number {
    return this.#stoppedAt ?? this.#running();
  }

  /** Epoch milliseconds by the server's clock. */
  serverNow(): number {
    return this.now() + (this.head?.clock_offset ?? 0);
  }

  /** As `serverNow`, for deadlines: the server goes on counting when the kernel is gone. */
  dueNow(): number {
    return (this.attachment === "recorded" ? this.now() : this.#running()) + (this.head?.clock_offset ?? 0);
  }

  /** Epoch milliseconds by the server's clock as what they are here: in a picture of the past, what they were. */
  here(at: number): number {
    const past = this.head?.replay || this.attachment === "recorded";
    return at - (past ? (this.head?.clock_offset ?? 0) : this.dueNow() - this.localNow());
  }

  /** Epoch milliseconds by the browser's clock. */
  localNow(): number {
    return this.#env.now();
  }

  /** How long ago a question closed before the eyes of this page, milliseconds; null if it never was open here. */
  closedFor(key: string): number | null {
    const at = this.#closedAt.get(key);
    return at === undefined ? null : this.#env.now() - at;
  }

  revision(topic: Topic): number {
    return this.#revisions.get(topic) ?? 0;
  }

  /** Calls back at most once a frame when something changed; returns how to stop. */
  watch(callback: () => void): Cancel {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  /** Calls back at once when one of the topics changed, also while the page is hidden; returns how to stop. */
  listen(topics: readonly Topic[], callback: () => void): Cancel {
    const listener = (touched: readonly Topic[]) => {
      if (touched.some((topic) => topics.includes(topic))) callback();
    };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A view opens: says "ready" and keeps an eye on the kernel until the returned function is called. */
  open(): Cancel {
    if (this.#views.size === 0) this.#watchKernel();
    const timers = READY_MS.map((ms) => this.#env.later(ms, () => this.#ready()));
    const close = () => {
      if (!this.#views.delete(close)) return;
      for (const cancel of timers) cancel();
      if (this.#views.size === 0) this.#check?.();
    };
    this.#views.add(close);
    return close;
  }

  receive(message: FromKernel): void {
    this.#hear("now" in message ? message.now : null);
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
        this.details.receive(message);
        break;
      case "answer":
        this.details.receive(message);
        this.submissions.answer(message.id, message.ok, message.error);
        this.commands.answer(message.id, message.ok, message.error);
        if (!this.#commands.delete(message.id)) break;
        this.refusal = message.ok ? null : { error: message.error };
        this.#touch("replay");
    }
  }

  /** Open checkpoints wait for an answer, the others were decided lately. */
  checkpoints(open: boolean): Held["checkpoints"][] {
    return this.tables.checkpoints.rows.filter((row) => isOpen(row) === open);
  }

  /** Whether a request could be answered: there is a kernel, as far as we know. */
  get reachable(): boolean {
    return this.attachment === "attached" || this.attachment === "silent" || this.attachment === "waiting";
  }

  /** Asks for the rows [from, to) of an append-only table that are not here. */
  wantLog(name: LogName, from: number, to: number): void {
    this.pages.wantLog(name, this.tables[name] as unknown as SparseRows<Row>, from, to);
  }

  link(action: "reconnect" | "stop"): void {
    this.#send({ kind: "link", id: this.#env.id(), action });
  }

  replay(action: ReplayAction, value: number | null = null): void {
    const id = this.#env.id();
    const [oldest] = this.#commands;
    if (oldest !== undefined && this.#commands.size >= COMMANDS) this.#commands.delete(oldest);
    this.#commands.add(id);
    this.#send({ kind: "replay", id, action, value });
  }

  /** Ends everything; the store is of no use afterwards. */
  dispose(): void {
    for (const stop of this.#stops) stop();
    for (const close of this.#views) close();
    this.#frame?.();
    this.submissions.clear();
    this.pages.clear();
    this.details.clear();
    this.#watchers.clear();
    this.#listeners.clear();
  }

  #ready(): void {
    this.#probedAt = this.#env.now();
    this.#send({ kind: "ready", have: this.#short ? -1 : this.version });
  }

  #send(message: ToKernel): boolean {
    const sent = this.port.send(message);
    if (!sent) this.#attach("gone");
    else this.#unansweredSince ??= this.#env.now();
    return sent;
  }

  #running(): number {
    const replay = this.head?.replay;
    if (!replay) return this.#env.now() + (this.#skew ?? 0);
    // The time of a recording goes with its speed, and stands still with it.
    const passed = replay.playing ? (this.#env.now() - this.#toldAt) * replay.speed : 0;
    return this.#toldAt + (this.#skew ?? 0) + passed;
  }

  /** The host says that there is another kernel now, or none. */
  #onKernel(): void {
    const kernel = this.port.kernel();
    const known = this.attachment === "attached" || this.attachment === "silent";
    if (known && (kernel === "fresh" || kernel === "dead")) this.#attach("gone");
  }

  /** Some restarts are told by nobody: then an idle kernel does not answer. */
  #isDeaf(): boolean {
    const since = this.#unansweredSince;
    return since !== null && this.#env.now() - since > IDLE_MS && this.port.kernel() === "idle";
  }

  #adoptTrait(): void {
    const held = this.port.picture();
    // Messages are exact and the trait is shortened: it only counts as long as no message came.
    if (!held || (this.version >= 0 && !this.#short) || held.version < this.version) return;
    this.#short = true;
    this.#load(held.version, held.picture);
  }

  #snapshot(version: number, picture: Picture): void {
    const asked = this.#askedAt > -Number.POSITIVE_INFINITY;
    // Every view of the run hears the answer to another's question: ours is as good, unless we asked too.
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
      (this.tables[name] as KeyedRows<Row>).replace(table);
    }
    this.pages.clear();
    this.#follow(this.tables.checkpoints.rows);
    this.#touch("head", "pages", ...(Object.keys(this.tables) as TableName[]));
  }

  #patch(base: number, version: number, changes: Changes): void {
    if (!this.#short && version <= this.version) return; // told already
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
      const source = name === "active" ? this.tables.tasks : undefined;
      (this.tables[name] as KeyedRows<Row>).patch(patch, source as KeyedRows<Row> | undefined);
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
    this.#send({ kind: "snapshot", have: this.#short ? -1 : this.version });
  }

  #hear(now: number | null): void {
    this.#heardAt = this.#env.now();
    this.#unansweredSince = null;
    this.#attach("attached");
    this.#touch("beat");
    if (now === null) return;
    this.#toldAt = this.#heardAt;
    const skew = now - this.#heardAt;
    const exact = this.#skew === null || skew > this.#skew || this.head?.replay;
    // A message that was long under way makes the kernel's clock look late: trust the quick ones, forget slowly.
    this.#skew = exact ? skew : (this.#skew ?? 0) + (skew - (this.#skew ?? 0)) * 0.1;
  }

  #attach(attachment: Attachment): void {
    if (this.attachment === attachment) return;
    if (attachment === "recorded") this.#stoppedAt = this.port.picture()?.now ?? null;
    else this.#stoppedAt = attachment === "gone" ? this.now() : null;
    this.attachment = attachment;
    this.#touch("attachment");
  }

  #watchKernel(): void {
    const opened = this.#env.now();
    const look = () => {
      const now = this.#env.now();
      if (this.attachment === "waiting" && now - opened >= RECORDED_MS) this.#attach("recorded");
      // Only while the link lives does the kernel send a heartbeat each second.
      const beats = this.head !== null && !isOver(this.head.link);
      if (this.attachment === "attached" && beats && now - this.#heardAt > SILENT_MS) this.#attach("silent");
      if (this.attachment === "silent" && now - this.#probedAt >= PROBE_MS) this.#ready();
      if ((this.attachment === "attached" || this.attachment === "silent") && this.#isDeaf()) this.#attach("gone");
      this.#check = this.#env.later(CHECK_MS, look);
    };
    this.#check = this.#env.later(CHECK_MS, look);
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
