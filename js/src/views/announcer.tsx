/** What a screen reader is told without asking: a new question, the end of the run, the link lost and back. */
import { useRef, useState } from "preact/hooks";
import type { Head } from "../model";
import type { Store } from "../store";
import { useStore } from "./context";

interface Heard {
  open: Set<string>;
  link: Head["link"] | null;
  ended: boolean;
}

export function Announcer() {
  const store = useStore("head", "checkpoints", "attachment");
  const heard = useRef<Heard | null>(null);
  const [said, setSaid] = useState("");
  const news = heard.current === null ? [] : whatIsNew(heard.current, store);
  heard.current = hear(store);
  if (news.length > 0 && news.join(" ") !== said) setSaid(news.join(" "));
  return (
    <div class="rc-hidden" aria-live="polite">
      {said}
    </div>
  );
}

function hear(store: Store): Heard {
  const open = new Set(store.checkpoints(true).map((row) => row.key));
  return { open, link: store.head?.link ?? null, ended: store.head?.ended_at != null };
}

function whatIsNew(heard: Heard, store: Store): string[] {
  const head = store.head;
  if (!head) return [];
  const news = store
    .checkpoints(true)
    .filter((row) => !heard.open.has(row.key))
    .map((row) => `Needs your decision: ${row.title}.`);
  if (head.ended_at !== null && !heard.ended) news.push(`The run has finished: ${head.status}.`);
  if (head.link !== heard.link) {
    if (head.link === "retrying" && heard.link === "live") news.push("The connection was lost; retrying.");
    if (head.link === "failed") news.push(`The connection failed. ${head.reason ?? ""}`);
    if (head.link === "live" && heard.link === "retrying") news.push("The connection is back.");
  }
  return news;
}
