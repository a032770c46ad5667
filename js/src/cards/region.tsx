/** The questions of the run that wait for a person, and for a while their outcomes. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { CheckpointRow } from "../kernel/contract";
import { canAnswer, isLastMinute } from "../page/attention";
import { useNow, useStore } from "../panel/context";
import type { Store } from "../state/store";
import { isOpen } from "../state/submissions";
import { plural } from "../ui/format";
import { Icon } from "../ui/icons";
import { Sticky } from "../ui/sticky";
import { ApproveBar, useSelection } from "./bulk";
import { Card } from "./card";
import { ending } from "./wording";

/** Milliseconds for which an outcome stays visible. */
const LINGER_MS = 20_000;

export function DecisionRegion() {
  const store = useStore("checkpoints", "submissions", "drafts", "attachment", "head");
  const { cards, dismiss } = useCards(store);
  const open = cards.filter(isOpen);
  const total = Math.max(open.length, store.head?.questions ?? 0);
  const blocked = whyBlocked(store);
  const region = useRef<HTMLDivElement>(null);
  const selection = useSelection(open, blocked);
  const selecting = selection.ticked.size > 0;
  useKeptFocus(region, `${cards.length} ${selecting}`);
  const replayed = Boolean(store.head?.replay);
  const name = replayed ? "Waiting for a decision" : open.length > 0 ? "Needs your decision" : "Decided meanwhile";
  return (
    <>
      <div ref={region} tabIndex={-1} class="rc-needs-place">
        {cards.length > 0 && (
          <section class="rc-needs" aria-label={name}>
            <h3 class="rc-needs-title">
              <Icon name="hand" />
              {name}
              {total > 1 && <span class="rc-note">{plural(total, "question")}</span>}
              {blocked === null && <Urgency open={open} />}
            </h3>
            {total > open.length && (
              <p class="rc-note">
                Here are the {open.length} that are due first; the others follow as these are answered.
              </p>
            )}
            <div class="rc-needs-list">
              {cards.map((row) => (
                <Card
                  key={row.key}
                  row={row}
                  submission={store.submissions.get(row.id)}
                  blocked={blocked}
                  silent={store.attachment === "silent"}
                  selectable={selecting || (open.length > 1 && !replayed)}
                  ticked={selection.ticked.has(row.id)}
                  tick={selection.tick}
                  dismiss={isOpen(row) ? null : dismiss(row.key)}
                />
              ))}
            </div>
            {selecting && <ApproveBar selection={selection} />}
          </section>
        )}
        <Outcomes rows={store.checkpoints(false).filter((row) => !cards.some(({ key }) => key === row.key))} />
      </div>
      {open.length > 0 && !replayed && (
        <Sticky target={region}>
          <Icon name="hand" />
          <strong>{plural(total, "question")}</strong>
          {total > 1 ? " need your decision" : " needs your decision"}
          {blocked === null && <Urgency open={open} />}
        </Sticky>
      )}
    </>
  );
}

/**
 * The cards in order of arrival: a card that moved would lose the keyboard's focus. A question that closes with unsent
 * text stays until it is dismissed.
 */
function useCards(store: Store) {
  const { drafts, tables } = store;
  const shown = useRef(new Map<string, CheckpointRow>());
  const dismissals = useRef(new Map<string, () => void>());
  const cards = new Map<string, CheckpointRow>();
  for (const [key, row] of shown.current) {
    const now = tables.checkpoints.get(key);
    if (now ? isOpen(now) || drafts.isUnsent(now) : drafts.isUnsent(row)) cards.set(key, now ?? row);
    else drafts.drop(row.id);
  }
  for (const row of tables.checkpoints.rows) if (isOpen(row) || drafts.isUnsent(row)) cards.set(row.key, row);
  shown.current = cards;
  const dismiss = (key: string) => {
    const known = dismissals.current.get(key);
    if (known) return known;
    const end = () => {
      dismissals.current.delete(key);
      drafts.drop(shown.current.get(key)?.id ?? key);
    };
    dismissals.current.set(key, end);
    return end;
  };
  return { cards: [...cards.values()], dismiss };
}

/** The reason why no answer can be sent. */
function whyBlocked(store: Store): string | null {
  if (store.attachment === "gone") return "The kernel is gone; run the cell again to answer.";
  if (store.attachment === "recorded") return "This is a recording: no kernel is attached, so nothing can be answered.";
  if (store.head?.replay) return "This is a replay: the question is shown as it was asked, and cannot be answered.";
  if (store.head?.link === "stopped") return "The console was stopped; run the cell again to answer.";
  return null;
}

/** The number of urgent questions, in words. */
function Urgency({ open }: { open: readonly CheckpointRow[] }) {
  const store = useStore("submissions", "head");
  useNow(open.some((row) => row.deadline !== null));
  const now = store.clocks.dueNow();
  const waiting = open.filter((row) => canAnswer(row, store.submissions.get(row.id), now));
  const last = waiting.filter((row) => isLastMinute(row, now)).length;
  const reminded = waiting.filter((row) => row.reminded).length;
  return (
    <>
      {last > 0 && (
        <span class="rc-urgent rc-tone-failed">
          <Icon name="clock" />
          last minute{open.length > 1 && ` for ${plural(last, "question")}`}
        </span>
      )}
      {reminded > 0 && (
        <span class="rc-urgent rc-tone-paused">
          <Icon name="bell" />
          reminded{open.length > 1 && ` of ${plural(reminded, "question")}`}
        </span>
      )}
    </>
  );
}

function Outcomes({ rows }: { rows: readonly CheckpointRow[] }) {
  const store = useStore("checkpoints", "submissions");
  const recent = rows.filter((row) => endedFor(store, row) < LINGER_MS);
  useNow(recent.length > 0);
  return (
    <>
      {recent.map((row) => (
        <p key={row.key} class={`rc-strip${row.decided_by === "you" ? " rc-strip-decided" : ""}`}>
          <Icon {...sign(row)} />
          <span>
            <b>{row.title}</b>: {ending(row, store.submissions.get(row.id))}
          </span>
        </p>
      ))}
    </>
  );
}

/** Milliseconds since a question ended: as this page saw it, else by the server's clock. */
function endedFor(store: Store, row: CheckpointRow): number {
  const seen = store.closedFor(row.key);
  if (seen !== null) return seen;
  return row.decided_at === null ? Number.POSITIVE_INFINITY : Math.abs(store.clocks.serverNow() - row.decided_at);
}

function sign(row: CheckpointRow): { name: "check" | "clock" | "info"; tone: string } {
  if (row.status === "expired" || row.decided_by === "timeout") return { name: "clock", tone: "cancelled" };
  return row.decided_by === "you" ? { name: "check", tone: "completed" } : { name: "info", tone: "running" };
}

/** Keeps the focus at its place on the page when its card or the bar below is removed. */
function useKeptFocus(region: RefObject<HTMLDivElement | null>, shown: string): void {
  const inside = useRef(false);
  useLayoutEffect(() => {
    const element = region.current;
    if (!element) return undefined;
    const note = () => {
      inside.current = element.contains(focused(element));
    };
    const root = element.getRootNode();
    root.addEventListener("focusin", note);
    return () => root.removeEventListener("focusin", note);
  }, [region]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks after each change of what is shown
  useLayoutEffect(() => {
    const element = region.current;
    const now = element && focused(element);
    const lost = now === null || now === document.body;
    if (!inside.current || !lost) return;
    // Not on the next card's button: the key that answered one question must not answer another.
    element?.focus({ preventScroll: true });
  }, [region, shown]);
}

/** The focused element, in the page or in the shadow root of the panel. */
function focused(element: Element): Element | null {
  return (element.getRootNode() as Document | ShadowRoot).activeElement;
}
