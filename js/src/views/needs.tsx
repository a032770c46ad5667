/** The questions of the run that wait for a person, and for a while what became of them. */
import { useLayoutEffect, useRef } from "preact/hooks";
import { canAnswer, isLastMinute } from "../attention";
import { plural } from "../format";
import type { CheckpointRow } from "../model";
import type { Store } from "../store";
import { Checkpoint, optionLabel } from "./checkpoint";
import { useNow, useStore } from "./context";
import { Icon } from "./marks";
import { ApproveBar, useSelection } from "./selection";

/** How long an outcome stays in sight. */
const LINGER_MS = 20_000;

export function NeedsDecision() {
  const store = useStore("checkpoints", "presses", "attachment", "head");
  const open = store.checkpoints(true);
  const closed = store.checkpoints(false);
  const blocked = whyBlocked(store);
  const silent = store.attachment === "silent";
  const region = useRef<HTMLDivElement>(null);
  const selection = useSelection(open, blocked);
  const selecting = selection.ticked.size > 0;
  useKeptFocus(region, `${open.length} ${selecting}`);
  return (
    <div ref={region} tabIndex={-1} class="rc-needs-place">
      {open.length > 0 && (
        <section class="rc-needs" aria-label="Needs your decision">
          <h3 class="rc-needs-title">
            <Icon name="hand" />
            Needs your decision
            {open.length > 1 && <span class="rc-note">{plural(open.length, "question")}</span>}
            {blocked === null && <Urgency open={open} />}
          </h3>
          <div class="rc-needs-list">
            {open.map((row) => (
              <Checkpoint
                key={row.key}
                row={row}
                press={store.presses.get(row.id)}
                blocked={blocked}
                silent={silent}
                selectable={selecting || open.length > 1}
                ticked={selection.ticked.has(row.id)}
                tick={selection.tick}
                drafts={selection.drafts}
              />
            ))}
          </div>
          {selecting && <ApproveBar selection={selection} />}
        </section>
      )}
      {closed.length > 0 && <Outcomes rows={closed} />}
    </div>
  );
}

/** Why no answer can be sent at all. */
function whyBlocked(store: Store): string | null {
  if (store.attachment === "gone") return "The kernel is gone; run the cell again to answer.";
  if (store.attachment === "recorded") return "This is a recording: no kernel is attached, so nothing can be answered.";
  if (store.head?.link === "stopped") return "The console was stopped: nothing can be answered from here.";
  return null;
}

/** How many questions cannot wait, in words. */
function Urgency({ open }: { open: readonly CheckpointRow[] }) {
  const store = useStore("presses", "head");
  useNow(open.some((row) => row.deadline !== null));
  const now = store.serverNow();
  const waiting = open.filter((row) => canAnswer(row, store.presses.get(row.id), now));
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
  const recent = (now: number) => rows.filter((row) => row.decided_at !== null && now - row.decided_at < LINGER_MS);
  const store = useStore("checkpoints");
  useNow(recent(store.now()).length > 0);
  const shown = recent(store.now());
  return (
    <>
      {shown.map((row) => (
        <p key={row.key} class="rc-strip rc-strip-decided">
          <Icon
            name={row.status === "expired" ? "clock" : "check"}
            tone={row.status === "expired" ? "cancelled" : "completed"}
          />
          <span>
            <b>{row.title}</b>: {outcome(row)}
          </span>
        </p>
      ))}
    </>
  );
}

function outcome(row: CheckpointRow): string {
  const label = optionLabel(row, row.decision) ?? "decided";
  switch (row.decided_by) {
    case "timeout":
      return `${label}, by default when the time was up`;
    case "other":
      return `${label}, decided elsewhere`;
    case "you":
      return row.delivery === "acknowledged" ? `${label}, acknowledged` : `${label}, decided by you`;
    default:
      return row.status === "expired" ? "expired" : label;
  }
}

/** When what had the keyboard's focus is gone, a card or the bar below, the focus stays where it was on the page. */
function useKeptFocus(region: { current: HTMLDivElement | null }, shown: string): void {
  const inside = useRef(false);
  useLayoutEffect(() => {
    const element = region.current;
    if (!element) return undefined;
    const note = () => {
      inside.current = element.contains(document.activeElement);
    };
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, [region]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks after each change of what is shown
  useLayoutEffect(() => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (!inside.current || !lost) return;
    // Not on the next card's button: the key that answered one question must not answer another.
    region.current?.focus({ preventScroll: true });
  }, [region, shown]);
}
