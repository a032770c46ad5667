/** Several questions, the nearest deadline first: each opens, and those that can be judged in a line are answered here. */
import type { ComponentChildren } from "preact";
import type { CheckpointRow } from "../kernel/contract";
import { isLastMinute } from "../page/attention";
import { isOpen } from "../state/submissions";
import { Button } from "../ui/button";
import { plural } from "../ui/format";
import { ApproveBar, type Selection, Tick } from "./bulk";
import { Stakes } from "./card";
import { lacking } from "./context";
import { Quick, useQuick } from "./quick";
import { Timer, Urgent } from "./timer";

interface QuestionListProps {
  cards: readonly CheckpointRow[];
  /** All open questions of the run. */
  total: number;
  /** The reason why no answer can be sent. */
  blocked: string | null;
  /** Null where nothing can be ticked. */
  selection: Selection | null;
  show: (key: string) => void;
  /** What stands at the end of its first line. */
  children: ComponentChildren;
}

export function QuestionList({ cards, total, blocked, selection, show, children }: QuestionListProps) {
  const open = cards.filter(isOpen).length;
  return (
    <>
      <div class="rc-checkpoint-head">
        <h3>{plural(total, "question")}</h3>
        {total > open && (
          <span class="rc-note">Here are the {open} that are due first; the others follow as these are answered.</span>
        )}
        {children}
      </div>
      {blocked !== null && <p class="rc-outcome rc-tone-paused rc-blocked">{blocked}</p>}
      <div class="rc-question-list">
        {cards.map((row) => (
          <Item key={row.key} row={row} blocked={blocked} selection={selection} show={show} />
        ))}
      </div>
      {selection && selection.ticked.size > 0 && <ApproveBar selection={selection} />}
    </>
  );
}

interface ItemProps {
  row: CheckpointRow;
  blocked: string | null;
  selection: Selection | null;
  show: (key: string) => void;
}

function Item({ row, blocked, selection, show }: ItemProps) {
  const quick = useQuick(row, blocked);
  const { store, locked, words } = quick;
  const lacks = !store.details.isWhole("checkpoints", row) && lacking(row) !== null;
  return (
    <div class="rc-question-item" role="group" aria-label={row.title}>
      {selection && isOpen(row) && (
        <Tick row={row} ticked={selection.ticked.has(row.id)} locked={locked} lacks={lacks} tick={selection.tick} />
      )}
      <div class="rc-question-says">
        <Button class="rc-link-button rc-question-open" aria-haspopup="dialog" onClick={() => show(row.key)}>
          {row.title}
        </Button>
        <p class="rc-meta">
          <Stakes row={row} />
          {row.description && <span class="rc-clip">{row.description}</span>}
        </p>
        {!locked && <Urgent row={row} last={isLastMinute(row, store.clocks.dueNow())} />}
        {words.text !== "" && blocked === null && (
          <p class={`rc-outcome rc-tone-${words.tone}`} id={quick.note}>
            <span>{words.text}</span>
          </p>
        )}
      </div>
      {isOpen(row) && <Timer row={row} store={store} />}
      <Quick row={row} quick={quick} />
    </div>
  );
}
