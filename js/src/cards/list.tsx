/** Several questions, the nearest deadline first: each opens, and those that can be judged in a line are answered here. */
import type { ComponentChildren } from "preact";
import type { CheckpointRow, FormField, OptionRow } from "../kernel/contract";
import { isLastMinute, isLate } from "../page/attention";
import { useNow, useStore, useUniqueId } from "../panel/context";
import { isLocked, isOpen } from "../state/submissions";
import { Button } from "../ui/button";
import { plural } from "../ui/format";
import { ApproveBar, type Selection, Tick } from "./bulk";
import { Stakes } from "./card";
import { lacking } from "./context";
import { Field, useForm } from "./form";
import { Options } from "./options";
import { Timer, Urgent } from "./timer";
import { answerState } from "./wording";

/** The longest description of a question that can be judged in a line, in characters. */
const SHORT = 160;
const FEW_OPTIONS = 3;

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
        <h4>{plural(total, "question")}</h4>
        {total > open && (
          <span class="rc-note">Here are the {open} that are due first; the others follow as these are answered.</span>
        )}
        {children}
      </div>
      {blocked !== null && <p class="rc-outcome rc-tone-paused rc-blocked">{blocked}</p>}
      <ul class="rc-question-list">
        {cards.map((row) => (
          <Item key={row.key} row={row} blocked={blocked} selection={selection} show={show} />
        ))}
      </ul>
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
  const store = useStore("submissions", "head", "attachment", "drafts");
  useNow(row.deadline !== null);
  const note = useUniqueId();
  const submission = store.submissions.get(row.id);
  const late = isLate(row, store.clocks.dueNow());
  const locked = isLocked(row, submission) || late || blocked !== null;
  const lacks = !store.details.isWhole("checkpoints", row) && lacking(row) !== null;
  const idle = store.port.kernel() === "idle";
  const silent = store.attachment === "silent";
  const unlocked = store.submissions.unlocked(row.id);
  const words = answerState({ row, submission, blocked, silent, idle, late, unlocked });
  const form = useForm(row, submission);
  const press = (option: OptionRow) => {
    if (locked) return;
    if (option.fills) form.send(option.id);
    else store.answer(row, option.id);
  };
  return (
    <li class="rc-question-item" role="group" aria-label={row.title}>
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
          <p class={`rc-outcome rc-tone-${words.tone}`} id={note}>
            <span>{words.text}</span>
          </p>
        )}
      </div>
      {isOpen(row) &&
        isShort(row) &&
        row.form?.map((field) => (
          <div key={field.key} ref={form.box}>
            <Field field={field} state={form} locked={locked} />
          </div>
        ))}
      {isOpen(row) && <Timer row={row} store={store} />}
      {isOpen(row) && isShort(row) && (
        <Options
          row={{ ...row, options: row.options.map((option) => ({ ...option, description: null })) }}
          chosen={submission?.option ?? row.answer ?? row.decision}
          locked={locked}
          note={note}
          press={press}
        />
      )}
    </li>
  );
}

/** True for a field that stands in a line. */
function isSimple({ kind }: FormField): boolean {
  return !["lines", "choices", "json"].includes(kind);
}

/** True for a question that can be judged in a line: nothing more to read, and a few plain answers. */
function isShort(row: CheckpointRow): boolean {
  const { spec, changes, texts, other, template } = row.context;
  const more = [spec, changes, texts, other, template].some((part) => part !== undefined);
  const description = row.description ?? "";
  return (
    !more &&
    !row.free_text &&
    (row.form ?? []).every(isSimple) &&
    (row.form?.length ?? 0) < 2 &&
    !row.requests &&
    !(row.cut && row.cut.length > 0) &&
    description.length <= SHORT &&
    !description.includes("\n") &&
    row.options.length <= FEW_OPTIONS &&
    !row.options.some((option) => option.modifies)
  );
}
