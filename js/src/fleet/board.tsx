/** Several runs on one board: the questions first where they are an inbox, the table of runs first in a fleet. */
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { FleetPicture } from "../kernel/contract";
import { markedMessage } from "../kernel/marks";
import { plural } from "../ui/format";
import { Questions } from "./questions";
import { Runs } from "./runs";

export interface BoardModel {
  get(name: "picture" | "opened" | "shows"): unknown;
  on(name: string, callback: (value?: unknown) => void): void;
  off(name: string, callback: (value?: unknown) => void): void;
  send(content: unknown): void;
}

/** An answer on its way, or the reason why it does not count. */
export interface Sent {
  option: string;
  error: string | null;
  done: boolean;
}

const TRAITS = ["change:picture", "change:opened"];

export function Board({ model }: { model: BoardModel }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [sent, setSent] = useState<ReadonlyMap<string, Sent>>(new Map());
  const names = useRef(new Map<string, string>());
  useEffect(() => {
    const onMessage = (content: unknown) => {
      const message = content as { kind?: unknown; id?: unknown; error?: unknown };
      const key = message?.kind === "answer" ? names.current.get(String(message.id)) : undefined;
      if (key === undefined) return;
      const error = typeof message.error === "string" ? message.error : null;
      setSent((known) => new Map(known).set(key, { option: known.get(key)?.option ?? "", error, done: true }));
    };
    const update = () => redraw(null as never);
    for (const name of TRAITS) model.on(name, update);
    model.on("msg:custom", onMessage);
    // Ages and countdowns.
    const ticking = setInterval(update, 1000);
    return () => {
      clearInterval(ticking);
      for (const name of TRAITS) model.off(name, update);
      model.off("msg:custom", onMessage);
    };
  }, [model]);

  const picture = pictureOf(model);
  if (!picture) return <div class="rc-root rc-fleet" />;
  const opened = String(model.get("opened") ?? "");
  const open = (run: string) => model.send({ kind: "open", run: run === opened ? "" : run });
  const answer = (key: string, run: string, checkpoint: string, option: string, feedback: string | null) => {
    const id = crypto.randomUUID?.() ?? String(Math.random());
    names.current.set(id, key);
    setSent((known) => new Map(known).set(key, { option, error: null, done: false }));
    model.send({ kind: "decide", id, run, checkpoint, option, feedback });
  };
  const isInbox = model.get("shows") === "inbox";
  const questions = (
    <Questions picture={picture} now={Date.now()} opened={opened} sent={sent} open={open} answer={answer} />
  );
  const runs = <Runs runs={picture.runs} now={Date.now()} opened={opened} open={open} />;
  return (
    <section class="rc-root rc-fleet" aria-label={isInbox ? "Inbox" : "Fleet"} data-lm-suppress-shortcuts="true">
      <header class="rc-fleet-head">
        <h2>{isInbox ? "Inbox" : "Runs"}</h2>
        <p role="status">
          {plural(picture.runs.length, "run")} · {plural(picture.waiting, "open question")}
        </p>
      </header>
      {picture.notices.map((notice) => (
        <p key={notice} class="rc-fleet-notice rc-tone-failed">
          {notice}
        </p>
      ))}
      {isInbox ? questions : runs}
      {isInbox ? runs : questions}
    </section>
  );
}

function pictureOf(model: BoardModel): FleetPicture | null {
  const value = model.get("picture") as FleetPicture | Record<string, never> | null;
  return value && "runs" in value ? markedMessage(value as FleetPicture) : null;
}
