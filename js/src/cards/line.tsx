/** The line above the tabs, always there: the open questions, else their outcomes for a while, else the current task. */
import type { RefObject, VNode } from "preact";
import type { CheckpointRow, Head, TaskStatus } from "../kernel/contract";
import { useNow, useStore } from "../panel/context";
import type { DrawerState } from "../panel/view";
import type { Store } from "../state/store";
import { isOpen } from "../state/submissions";
import { TaskLink } from "../tabs/task-link";
import { Button } from "../ui/button";
import { clock, count, duration, plural } from "../ui/format";
import { Icon } from "../ui/icons";
import { Stakes } from "./card";
import { isShort, Quick, useQuick } from "./quick";
import { Urgency } from "./region";
import { Timer } from "./timer";
import { ending } from "./wording";

const STATUSES: readonly TaskStatus[] = ["completed", "failed", "cancelled", "skipped", "running", "paused", "pending"];
/** Milliseconds for which an outcome stays visible. */
const LINGER_MS = 20_000;

interface LineProps {
  place: RefObject<HTMLDivElement | null>;
  /** Open questions, the nearest deadline first, then closed ones with unsent text. */
  cards: readonly CheckpointRow[];
  /** The open ones that are known here. */
  open: readonly CheckpointRow[];
  /** All open questions of the run. */
  total: number;
  /** The reason why no answer can be sent. */
  blocked: string | null;
  shown: DrawerState;
  show: (drawer: DrawerState) => void;
}

export function Line({ place, cards, open, total, blocked, shown, show }: LineProps) {
  const several = cards.length > 1;
  const only = several ? undefined : open[0];
  const isShown = ({ key }: CheckpointRow) => typeof shown === "object" && shown?.key === key;
  return (
    <div ref={place} tabIndex={-1} class={`rc-line-asks${open.length > 0 ? " rc-asks" : ""}`}>
      {cards.length === 0 ? (
        <Meanwhile />
      ) : (
        <div role="region" aria-label="Questions" class="rc-questions">
          <Icon name="hand" />
          {several && (
            <Button
              class="rc-button rc-small rc-all"
              aria-haspopup="dialog"
              aria-expanded={shown === "list"}
              onClick={() => show("list")}
            >
              {plural(total, "question")}
            </Button>
          )}
          {blocked === null && several && <Urgency open={open} />}
          <div class="rc-question-buttons">
            {cards.map((row) => (
              <QuestionButton key={row.key} row={row} alone={!several} expanded={isShown(row)} show={show} />
            ))}
          </div>
          {only && blocked === null && shown === null && <InLine row={only} />}
        </div>
      )}
    </div>
  );
}

/** The answers of the only question, where it can be judged in a line. */
function InLine({ row }: { row: CheckpointRow }) {
  const quick = useQuick(row, null);
  if (!isShort(row)) return null;
  return (
    <div role="group" aria-label={row.title} class="rc-in-line">
      <span id={quick.note} class={`rc-clip rc-tone-${quick.words.tone}`} title={quick.words.text}>
        {quick.words.text}
      </span>
      <Quick row={row} quick={quick} />
    </div>
  );
}

interface QuestionButtonProps {
  row: CheckpointRow;
  /** The only one: there is room for its stakes. */
  alone: boolean;
  expanded: boolean;
  show: (drawer: DrawerState) => void;
}

function QuestionButton({ row, alone, expanded, show }: QuestionButtonProps) {
  const store = useStore("head", "attachment");
  useNow(row.deadline !== null && isOpen(row));
  return (
    <div class={`rc-question${alone ? " rc-alone" : ""}`}>
      <Button
        class="rc-question-title"
        aria-haspopup="dialog"
        aria-expanded={expanded}
        title={row.title}
        // A press never closes it: it may have opened by itself at this very moment.
        onClick={() => show({ key: row.key, from: "line" })}
      >
        {row.title}
      </Button>
      {alone && !expanded && (
        <span class="rc-stakes">
          <Stakes row={row} />
        </span>
      )}
      {isOpen(row) ? (
        <span aria-hidden="true">
          <Timer row={row} store={store} brief={!alone} />
        </span>
      ) : (
        <span class="rc-note">closed; your text is kept</span>
      )}
      {alone && !expanded && (
        <span class="rc-open-word" aria-hidden="true">
          Open
        </span>
      )}
    </div>
  );
}

/** Nothing is asked: the newest outcome for a while, else the task at work. */
function Meanwhile() {
  const store = useStore("checkpoints", "submissions", "head");
  const head = store.head;
  const outcome = useOutcome(store);
  if (outcome) return outcome;
  if (!head) return null;
  const task = head.current_task_name ?? head.current_task;
  if (task === null || head.ended_at !== null)
    return (
      <p class="rc-meanwhile">
        <span class="rc-note rc-clip">{atRest(head)}</span>
      </p>
    );
  return (
    <p class="rc-meanwhile">
      <span class="rc-note">Current task</span>
      <TaskLink id={head.current_task ?? ""} name={head.current_task_name} />
    </p>
  );
}

/** The words where no task is named. */
function atRest({ counts, ended_at: ended, duration_s: seconds, started_at: started }: Head): string {
  const tasks = STATUSES.filter((status) => counts[status] > 0).map((status) => `${count(counts[status])} ${status}`);
  const when =
    ended === null ? "" : `Ended at ${clock(ended)}${seconds === null ? "" : `, after ${duration(seconds)}`}`;
  if (tasks.length > 0) return [when || "Tasks", tasks.join(", ")].join(": ");
  return when || (started === null ? "Nothing has begun yet." : "No task has begun yet.");
}

/** The newest outcome for a while, over the foot of the panel: the line is taken by other questions. */
export function Toast() {
  const store = useStore("checkpoints", "submissions", "head");
  const outcome = useOutcome(store);
  return outcome && <div class="rc-toast">{outcome}</div>;
}

function useOutcome(store: Store): VNode | null {
  const recent = store
    .checkpoints(false)
    .filter((row) => endedFor(store, row) < LINGER_MS && !store.drafts.isUnsent(row))
    .sort((a, b) => endedFor(store, a) - endedFor(store, b));
  useNow(recent.length > 0);
  const [newest] = recent;
  if (!newest) return null;
  const words = ending(newest, store.submissions.get(newest.id));
  return (
    <p class="rc-meanwhile" title={`${newest.title}: ${words}`}>
      <Icon {...sign(newest)} />
      <span class="rc-clip">
        <strong>{newest.title}</strong>: {words}
        {recent.length > 1 && ` And ${plural(recent.length - 1, "other answer")}.`}
      </span>
    </p>
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
