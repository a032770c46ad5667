/** What a screen reader is told without asking: a new question, one that is urgent, the end of the run, the link lost and back. */
import { useRef, useState } from "preact/hooks";
import { canAnswer, isLastMinute } from "../attention";
import type { CheckpointRow, Head } from "../model";
import type { Store } from "../store";
import { useNow, useStore } from "./context";

interface Heard {
  open: Set<string>;
  link: Head["link"] | null;
  ended: boolean;
  /** What is urgent and was told: each once. */
  urgent: Set<string>;
}

export function Announcer() {
  const store = useStore("head", "checkpoints", "attachment");
  useNow(store.checkpoints(true).some((row) => row.deadline !== null));
  const heard = useRef<Heard | null>(null);
  const [said, setSaid] = useState("");
  const news = heard.current === null ? [] : whatIsNew(heard.current, store);
  heard.current = hear(store, heard.current);
  if (news.length > 0 && news.join(" ") !== said) setSaid(news.join(" "));
  return (
    <div class="rc-hidden" aria-live="polite">
      {said}
    </div>
  );
}

function hear(store: Store, before: Heard | null): Heard {
  const open = new Set(store.checkpoints(true).map((row) => row.key));
  // Never forgotten: an estimate of the server's clock that wavers must not tell it twice.
  const urgent = new Set([...(before?.urgent ?? []), ...urgencies(store).map(({ key }) => key)]);
  return { open, link: store.head?.link ?? null, ended: store.head?.ended_at != null, urgent };
}

interface Urgency {
  key: string;
  row: CheckpointRow;
  /** A word on a question that is known, and one more on a new one. */
  says: string;
  adds: string;
}

function urgencies(store: Store): Urgency[] {
  const now = store.serverNow();
  return store
    .checkpoints(true)
    .filter((row) => store.reachable && canAnswer(row, store.presses.get(row.id), now))
    .flatMap((row) => [
      ...(isLastMinute(row, now)
        ? [
            {
              key: `last ${row.key} ${row.deadline}`,
              row,
              says: `Last minute to decide: ${row.title}.`,
              adds: " Less than a minute is left.",
            },
          ]
        : []),
      ...(row.reminded
        ? [{ key: `reminded ${row.key}`, row, says: `Reminder, needs your decision: ${row.title}.`, adds: "" }]
        : []),
    ]);
}

function whatIsNew(heard: Heard, store: Store): string[] {
  const head = store.head;
  if (!head) return [];
  const urgent = urgencies(store).filter(({ key }) => !heard.urgent.has(key));
  const news = store
    .checkpoints(true)
    .filter((row) => !heard.open.has(row.key))
    .map((row) => `Needs your decision: ${row.title}.${urgent.find((one) => one.row === row)?.adds ?? ""}`);
  news.push(...urgent.filter(({ row }) => heard.open.has(row.key)).map(({ says }) => says));
  if (head.ended_at !== null && !heard.ended) news.push(`The run has finished: ${head.status}.`);
  if (head.link !== heard.link) {
    if (head.link === "retrying" && heard.link === "live") news.push("The connection was lost; retrying.");
    if (head.link === "failed") news.push(`The connection failed. ${head.reason ?? ""}`);
    if (head.link === "live" && heard.link === "retrying") news.push("The connection is back.");
  }
  return news;
}
