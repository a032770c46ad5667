/**
 * Announcements for screen readers: a new question, an urgent one, its end, a failed answer or command, the end of the
 * run, the link lost and back. One voice for all views of a run, and few words at a time.
 */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { answerState, ending, notDone } from "../cards/wording";
import type { CheckpointRow, Head } from "../kernel/contract";
import { canAnswer, isLastMinute, isLate } from "../page/attention";
import type { Store } from "../state/store";
import { isOpen } from "../state/submissions";
import { plural } from "../ui/format";
import { stepOf, usedShare } from "../usage/limits";
import { useNow, useStore } from "./context";

interface Announced {
  open: Set<string>;
  link: Head["link"] | null;
  ended: boolean;
  refusal: Store["refusal"];
  spoken: Store["told"];
  /** The reached steps of the token budget and the cost limit. */
  steps: readonly [number, number];
  /** Announced urgent questions and failures: each once. */
  told: Set<string>;
}

/** Sentences at a time; the rest is counted. */
const AT_ONCE = 3;
/**
 * Milliseconds for which an announcement stays: long enough for a screen reader, then no news for a person who walks
 * through the page.
 */
const SPOKEN_MS = 10_000;

export function LiveRegion() {
  const store = useStore("head", "checkpoints", "submissions", "replay", "attachment");
  useNow(store.checkpoints(true).some((row) => row.deadline !== null));
  const announced = useRef<Announced | null>(null);
  const [said, setSaid] = useState("");
  const speaks = useVoice(store);
  const news = announced.current === null ? [] : whatIsNew(announced.current, store);
  announced.current = announcedBy(store, announced.current);
  const words = [...news.slice(0, AT_ONCE), ...(news.length > AT_ONCE ? [`And ${news.length - AT_ONCE} more.`] : [])];
  if (speaks() && words.length > 0 && words.join(" ") !== said) setSaid(words.join(" "));
  useEffect(() => {
    const timer = said === "" ? undefined : setTimeout(() => setSaid(""), SPOKEN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div class="rc-hidden" aria-live="polite">
      {said}
    </div>
  );
}

/** True if this view speaks for the run: the first that opened. */
function useVoice(store: Store): () => boolean {
  const [voice] = useState(() => ({}));
  useLayoutEffect(() => {
    store.voices.add(voice);
    return () => void store.voices.delete(voice);
  }, [store, voice]);
  return () => store.voices.values().next().value === voice;
}

function announcedBy(store: Store, before: Announced | null): Announced {
  const open = new Set(store.checkpoints(true).map((row) => row.key));
  // Never forgotten: a wavering estimate of the server's clock must not announce it twice.
  const told = new Set([...(before?.told ?? []), ...remarks(store).map(({ key }) => key)]);
  const steps = limitSteps(store.head);
  return {
    open,
    steps,
    link: store.head?.link ?? null,
    ended: store.head?.ended_at != null,
    refusal: store.refusal,
    spoken: store.told,
    told,
  };
}

interface Remark {
  key: string;
  row: CheckpointRow;
  /** A remark on a known question, or on a new one. */
  says: string;
  adds: string;
}

function remarks(store: Store): Remark[] {
  return store.reachable
    ? store.checkpoints(true).flatMap((row) => [...urgencies(store, row), ...troubles(store, row)])
    : [];
}

function urgencies(store: Store, row: CheckpointRow): Remark[] {
  const now = store.clocks.dueNow();
  if (!canAnswer(row, store.submissions.get(row.id), now)) return [];
  const last = {
    key: `last ${row.key} ${row.deadline}`,
    row,
    says: `Last minute to decide: ${row.title}.`,
    adds: " Less than a minute is left.",
  };
  const reminded = { key: `reminded ${row.key}`, row, says: `Reminder, needs your decision: ${row.title}.`, adds: "" };
  return [...(isLastMinute(row, now) ? [last] : []), ...(row.reminded ? [reminded] : [])];
}

/** Remarks on an answer that failed, or waits. */
function troubles(store: Store, row: CheckpointRow): Remark[] {
  const submission = store.submissions.get(row.id);
  const late = isLate(row, store.clocks.dueNow());
  const { text, tone } = answerState({
    row,
    submission,
    blocked: null,
    silent: false,
    idle: false,
    late,
    unlocked: null,
  });
  if (tone !== "failed" && tone !== "paused") return [];
  return [{ key: `${row.key} ${submission?.id ?? ""} ${text}`, row, says: `${row.title}: ${text}`, adds: "" }];
}

function whatIsNew(announced: Announced, store: Store): string[] {
  const head = store.head;
  const { refusal } = store;
  // Events of a replay are no news; refused commands to it are.
  if (!head || head.replay) return refusal && refusal !== announced.refusal ? [notDone(refusal.error)] : [];
  const fresh = remarks(store).filter(({ key }) => !announced.told.has(key));
  const news = questions(
    store.checkpoints(true).filter((row) => !announced.open.has(row.key)),
    fresh,
  );
  news.push(...fresh.filter(({ row }) => announced.open.has(row.key)).map(({ says }) => says));
  const closed = store.tables.checkpoints.rows.filter((row) => announced.open.has(row.key) && !isOpen(row));
  news.push(...closed.map((row) => `${row.title}: ${ending(row, store.submissions.get(row.id))}`));
  if (store.told && store.told !== announced.spoken) news.push(store.told.words);
  if (head.ended_at !== null && !announced.ended) {
    const stopped = head.status === "interrupted";
    news.push(stopped ? `The run is interrupted. ${head.reason ?? ""}` : `The run has finished: ${head.status}.`);
  }
  const reached = limitSteps(head);
  for (const [at, name] of ["token budget", "cost limit"].entries()) {
    const step = reached[at] ?? 0;
    if (step > (announced.steps[at] ?? 0)) news.push(`The run has used ${step} percent of its ${name}.`);
  }
  if (head.link !== announced.link) {
    if (head.link === "retrying" && announced.link === "live") news.push("The connection was lost; retrying.");
    if (head.link === "failed") news.push(`The connection failed. ${head.reason ?? ""}`);
    if (head.link === "live" && announced.link === "retrying") news.push("The connection is back.");
  }
  return news;
}

/** The reached steps of the token budget and the cost limit, in percent. */
function limitSteps(head: Head | null): [number, number] {
  if (!head) return [0, 0];
  return [stepOf(usedShare(head.tokens_used, head.token_budget)), stepOf(usedShare(head.cost_usd, head.cost_limit))];
}

/** Many new questions are one piece of news. */
function questions(rows: readonly CheckpointRow[], fresh: readonly Remark[]): string[] {
  const [first] = rows;
  if (first && rows.length > AT_ONCE) {
    return [`${plural(rows.length, "question")} need your decision. The first: ${first.title}.`];
  }
  return rows.map((row) => `Needs your decision: ${row.title}.${fresh.find((one) => one.row === row)?.adds ?? ""}`);
}
