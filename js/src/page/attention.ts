/** Title badge and opt-in system notifications. */

import type { CheckpointRow } from "../kernel/contract";
import type { Store } from "../state/store";
import { isLocked, type Submission } from "../state/submissions";
import type { Cancel } from "./env";
import { Notifier } from "./notifier";
import { TitleBadge } from "./title";

const LAST_MS = 60_000;

interface Question {
  /** The same in every view and widget of the question. */
  key: string;
  title: string;
  run: string;
  /** The reason why it is urgent, in words; null while it is not. */
  urgent: string | null;
}

/** Counts the open questions of all panels of the page, each question once. */
class Attention {
  readonly notifier = new Notifier();
  readonly #badge = new TitleBadge();
  readonly #views = new Map<object, readonly Question[]>();
  /** The open questions of each run that have no cards yet. */
  readonly #others = new Map<object, readonly [run: string, count: number]>();
  #known = new Set<string>();
  /** The runs whose end was told. */
  readonly #ends = new Set<string>();
  /** Questions that were announced as urgent: each once. */
  #urged = new Set<string>();

  show(view: object, questions: readonly Question[], others: readonly [run: string, count: number] = ["", 0]): void {
    this.#views.set(view, questions);
    this.#others.set(view, others);
    for (const question of questions) this.#tell(question);
    this.#count();
  }

  #tell({ key, title, run, urgent }: Question): void {
    const isNew = !this.#known.has(key);
    const isUrged = urgent !== null && !this.#urged.has(key);
    this.#known.add(key);
    if (urgent !== null) this.#urged.add(key);
    if (!document.hidden || !(isNew || isUrged)) return;
    this.notifier.show(key, title, urgent === null ? `Needs your decision: ${run}` : `${urgent}: ${run}`);
  }

  /** A run that this page has seen at work has ended; told once. */
  ended(run: string, title: string, status: string): void {
    if (this.#ends.has(run)) return;
    this.#ends.add(run);
    if (document.hidden) this.notifier.show(`${run} end`, title, `The run has ended: ${status}`);
  }

  /** A run is at work: its next end is news. */
  begun(run: string): void {
    this.#ends.delete(run);
  }

  drop(view: object): void {
    this.#views.delete(view);
    this.#others.delete(view);
    this.#count();
    if (this.#views.size > 0) return;
    this.#known = new Set();
    this.#urged = new Set();
  }

  #count(): void {
    const open = new Set([...this.#views.values()].flat().map(({ key }) => key));
    for (const key of this.#known) if (!open.has(key)) this.notifier.withdraw(key);
    const others = [...new Map(this.#others.values()).values()].reduce((sum, count) => sum + count, 0);
    this.#badge.show(open.size + others);
  }
}

/** One for the page. Each widget may bring its own copy of this module, so a module's variable would not do. */
function ofPage(): Attention {
  const name = Symbol.for("runconsole.attention.2");
  const page = globalThis as unknown as Record<symbol, Attention | undefined>;
  page[name] ??= new Attention();
  return page[name];
}

export function notifier(): Notifier {
  return ofPage().notifier;
}

/** Counts and notifies while a view of the store is open; returns a function that ends this. */
export function attend(store: Store): Cancel {
  const attention = ofPage();
  const view = {};
  let working = false;
  const look = () => {
    working = watchEnd(attention, store, working);
    const shown = questions(store);
    const others = shown.length > 0 ? (store.head?.questions ?? 0) - store.checkpoints(true).length : 0;
    attention.show(view, shown, [store.head?.url ?? "", Math.max(0, others)]);
  };
  look();
  // Not by `watch`: it waits for a paint, and a hidden page has none. Nor by a timer, which a hidden page slows down:
  // the kernel's heartbeat comes in time for the last minute.
  const stop = store.listen(["checkpoints", "attachment", "head", "beat"], look);
  return () => {
    stop();
    attention.drop(view);
  };
}

/** Tells the end of a run that was seen at work here; returns true while it is. */
function watchEnd(attention: Attention, store: Store, working: boolean): boolean {
  const { head } = store;
  if (!head || head.replay || !store.reachable) return false;
  const over = head.ended_at !== null || head.link === "failed";
  if (!over && !working) attention.begun(head.url);
  if (over && working)
    attention.ended(head.url, head.title || head.url, head.link === "failed" ? "no connection" : head.status);
  return !over;
}

/** Questions that wait for a person and can be answered: none of a recording or a replay, none already answered. */
function questions(store: Store): Question[] {
  const { head, attachment } = store;
  const answerable = attachment === "attached" || attachment === "silent";
  if (!head || head.replay || !answerable || head.link === "stopped") return [];
  const now = store.clocks.dueNow();
  return store
    .checkpoints(true)
    .filter((row) => row.status !== "sending")
    .map((row) => ({
      key: `${head.url} ${row.id}`,
      title: row.title,
      run: head.title,
      urgent: isLastMinute(row, now) ? "Last minute to decide" : row.reminded ? "Reminder, needs your decision" : null,
    }));
}

/** True if the time for an answer is up. */
export function isLate(row: CheckpointRow, serverNow: number): boolean {
  return row.deadline !== null && serverNow >= row.deadline;
}

/** True in the last minute before the deadline. */
export function isLastMinute(row: CheckpointRow, serverNow: number): boolean {
  return row.deadline !== null && !isLate(row, serverNow) && row.deadline - serverNow <= LAST_MS;
}

/** True if an answer can still be given: none is on its way, and there is time. */
export function canAnswer(row: CheckpointRow, submission: Submission | undefined, serverNow: number): boolean {
  return !isLocked(row, submission) && !isLate(row, serverNow);
}
